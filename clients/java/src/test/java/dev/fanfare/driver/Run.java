package dev.fanfare.driver;

import com.google.protobuf.Message;
import com.google.protobuf.Struct;
import com.google.protobuf.Value;
import dev.fanfare.client.Fanfare;
import dev.fanfare.client.Session;
import dev.fanfare.client.Subscription;
import dev.fanfare.driver.Frames.Taken;
import dev.fanfare.v1.GetMembersRequest;
import dev.fanfare.v1.GetMembersResponse;
import dev.fanfare.v1.RealtimeServiceGrpc;
import dev.fanfare.v1.SendRequest;
import dev.fanfare.v1.SessionRequest;
import dev.fanfare.v1.SessionResponse;
import dev.fanfare.v1.SubscribeRequest;
import dev.fanfare.v1.SubscribeResponse;
import io.grpc.ManagedChannel;
import io.grpc.MethodDescriptor;
import io.grpc.MethodDescriptor.MethodType;
import io.grpc.MethodDescriptor.PrototypeMarshaller;
import io.grpc.netty.shaded.io.grpc.netty.NettyChannelBuilder;
import io.grpc.stub.BlockingClientCall;
import io.grpc.stub.ClientCalls;
import java.math.BigInteger;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.Callable;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.function.Predicate;

/** One scenario: its steps in order, up to the first that fails. */
final class Run implements AutoCloseable {
  private static final int PATIENCE_SECONDS = 30;
  private static final Map<String, Set<String>> KEYS =
      Map.ofEntries(
          Map.entry("open", Set.of("call", "request", "connection", "deadline_ms")),
          Map.entry(
              "call", Set.of("request", "expect", "error", "connection", "deadline_ms", "via")),
          Map.entry("write", Set.of("request")),
          Map.entry("finish", Set.of()),
          Map.entry("cancel", Set.of()),
          Map.entry("follow", Set.of("request")),
          Map.entry("session", Set.of()),
          Map.entry("ask", Set.of("request", "expect", "error")),
          Map.entry("read", Set.of("frames")),
          Map.entry("account", Set.of("after", "through", "gaps")),
          Map.entry("ended", Set.of("error", "skipping")),
          Map.entry("control", Set.of()),
          Map.entry("repeat", Set.of("steps")),
          Map.entry("wait_ms", Set.of()));

  private final Door.Node node;
  private final Struct keepalives;
  private final ExecutorService threads = Executors.newCachedThreadPool(Run::daemon);
  private final Matching matching = new Matching();
  private final Map<String, Frames> streams = new HashMap<>();
  private final Map<String, BlockingClientCall<SessionRequest, SessionResponse>> calls =
      new HashMap<>();
  private final Map<String, Session> sessions = new HashMap<>();
  private final Map<String, ManagedChannel> connections = new HashMap<>();
  private final Fanfare fanfare;

  Run(Door.Node node, Struct keepalives) {
    this.node = node;
    this.keepalives = keepalives;
    this.fanfare = Fanfare.at(node.address());
  }

  private static Thread daemon(Runnable work) {
    Thread thread = new Thread(work);
    thread.setDaemon(true);
    return thread;
  }

  void steps(List<Value> steps) throws Exception {
    for (int i = 0; i < steps.size(); i++) {
      Struct step = steps.get(i).getStructValue();
      String verb = verb(step);
      try {
        step(verb, step);
      } catch (Exception | AssertionError e) {
        String what = verb + " " + Json.brief(step.getFieldsOrThrow(verb));
        throw new Exception("step " + (i + 1) + ", " + what + ": " + e.getMessage(), e);
      }
    }
  }

  @Override
  public void close() {
    fanfare.close();
    streams.values().forEach(Frames::cancel);
    connections.values().forEach(ManagedChannel::shutdownNow);
    threads.shutdownNow();
  }

  private static String verb(Struct step) {
    Set<String> keys = step.getFieldsMap().keySet();
    // `open` and `call` go together: what is opened comes first.
    String verb =
        keys.contains("open")
            ? "open"
            : keys.stream().filter(KEYS::containsKey).findFirst().orElse("");
    Set<String> allowed = KEYS.getOrDefault(verb, Set.of());
    boolean isKnown =
        verb.equals("control") // whose body is the door's
            || keys.stream().allMatch(key -> key.equals(verb) || allowed.contains(key));
    if (verb.isEmpty() || !isKnown) {
      throw new IllegalArgumentException("a step that is not understood: " + keys);
    }
    return verb;
  }

  private void step(String verb, Struct template) throws Exception {
    if (verb.equals("repeat")) {
      repeat(template);
      return;
    }
    Struct.Builder asked = template.toBuilder();
    List.of("expect", "error", "frames").forEach(asked::removeFields); // replaced when matched
    Struct step =
        matching.replaced(Value.newBuilder().setStructValue(asked).build()).getStructValue();
    String name = step.getFieldsOrThrow(verb).getStringValue();
    switch (verb) {
      case "call" -> outcome(template, () -> call(name, step));
      case "open" -> open(name, step);
      case "write" -> {
        SessionRequest request = request(step, SessionRequest.newBuilder()).build();
        within(threads.submit(() -> known(calls, name).write(request)), "room to write");
      }
      case "finish" -> known(calls, name).halfClose();
      case "cancel" -> known(streams, name).cancel();
      case "follow" -> follow(name, step);
      case "session" -> session(name);
      case "ask" -> outcome(template, () -> ask(name, step));
      case "read" -> read(name, Json.list(template.getFieldsOrThrow("frames")));
      case "account" -> account(name, step);
      case "ended" -> ended(name, template);
      case "control" ->
          outcome(
              template, () -> node.control(name, Value.newBuilder().setStructValue(step).build()));
      default -> Thread.sleep((long) step.getFieldsOrThrow("wait_ms").getNumberValue());
    }
  }

  private void repeat(Struct step) throws Exception {
    for (int i = 1; i <= (int) step.getFieldsOrThrow("repeat").getNumberValue(); i++) {
      matching.save("i", Json.text("" + i));
      steps(Json.list(step.getFieldsOrThrow("steps")));
    }
  }

  /** What a step brings must be what it expects, or fail as it expects. */
  private void outcome(Struct step, Callable<Value> bring) throws Exception {
    Value error = step.getFieldsMap().get("error");
    Value answer;
    try {
      answer = within(threads.submit(bring), "an answer");
    } catch (ExecutionException e) {
      if (error == null) {
        throw new Exception(Json.brief(Json.shownError(e)) + " " + e.getCause().getMessage(), e);
      }
      matching.match(error, Json.shownError(e));
      return;
    }
    if (error != null) {
      throw new AssertionError(
          "expected the error " + Json.brief(error) + ", got " + Json.brief(answer));
    }
    matching.match(step.getFieldsOrDefault("expect", Json.text("$any")), answer);
  }

  private static <T> T within(Future<T> future, String due) throws Exception {
    return within(future, due, TimeUnit.SECONDS.toNanos(PATIENCE_SECONDS));
  }

  private static <T> T within(Future<T> future, String due, long nanos) throws Exception {
    try {
      return future.get(nanos, TimeUnit.NANOSECONDS);
    } catch (TimeoutException e) {
      future.cancel(true);
      throw new Exception(due + " did not come within " + PATIENCE_SECONDS + " s", e);
    }
  }

  private Value call(String name, Struct step) throws Exception {
    String via = step.getFieldsOrDefault("via", Json.text("stub")).getStringValue();
    return switch (via) {
      case "stub" -> callOfStub(name, step);
      case "client" -> callOfLibrary(name, step);
      default -> throw new IllegalArgumentException("unknown via: " + via);
    };
  }

  private Value callOfStub(String name, Struct step) throws Exception {
    for (MethodDescriptor<?, ?> method : RealtimeServiceGrpc.getServiceDescriptor().getMethods()) {
      if (name.equals(method.getBareMethodName()) && method.getType() == MethodType.UNARY) {
        return unary(method, step);
      }
    }
    throw new IllegalArgumentException("unknown call: " + name);
  }

  private <Q, R> Value unary(MethodDescriptor<Q, R> method, Struct step) throws Exception {
    PrototypeMarshaller<Q> marshaller = (PrototypeMarshaller<Q>) method.getRequestMarshaller();
    Message prototype = (Message) marshaller.getMessagePrototype();
    Message request = request(step, prototype.newBuilderForType()).build();
    Q typed = marshaller.getMessageClass().cast(request);
    RealtimeServiceGrpc.RealtimeServiceBlockingV2Stub stub = stub(step);
    R response =
        ClientCalls.blockingV2UnaryCall(stub.getChannel(), method, stub.getCallOptions(), typed);
    return Json.shown((Message) response);
  }

  private Value callOfLibrary(String name, Struct step) {
    switch (name) {
      case "Send":
        return Json.shown(fanfare.send(request(step, SendRequest.newBuilder()).build()));
      case "GetMembers":
        GetMembersResponse.Builder response = GetMembersResponse.newBuilder();
        fanfare
            .members(request(step, GetMembersRequest.newBuilder()).build())
            .forEach(response::addMembers);
        return Json.shown(response.setTotalSize(response.getMembersCount()).build());
      default:
        throw new IllegalArgumentException("unknown call of the client: " + name);
    }
  }

  private void open(String name, Struct step) {
    RealtimeServiceGrpc.RealtimeServiceBlockingV2Stub stub = stub(step);
    String method = step.getFieldsOrThrow("call").getStringValue();
    BlockingClientCall<?, ? extends Message> call;
    switch (method) {
      case "Subscribe" -> {
        SubscribeRequest request = request(step, SubscribeRequest.newBuilder()).build();
        BlockingClientCall<?, SubscribeResponse> opened = stub.subscribe(request);
        call = opened;
      }
      case "Session" -> {
        BlockingClientCall<SessionRequest, SessionResponse> opened = stub.session();
        calls.put(name, opened);
        call = opened;
      }
      default -> throw new IllegalArgumentException("unknown stream: " + method);
    }
    Runnable cancel = () -> call.cancel("cancelled", null);
    streams.put(name, new Frames(threads, call::read, cancel, false));
  }

  private void follow(String name, Struct step) {
    Subscription subscription =
        fanfare.subscribe(request(step, SubscribeRequest.newBuilder()).build());
    Callable<Message> read =
        () -> {
          Keeper keeper = new Keeper();
          return subscription.next(keeper) ? keeper.frame() : null;
        };
    streams.put(name, new Frames(threads, read, subscription::close, true));
  }

  private void session(String name) {
    Session session = fanfare.session();
    sessions.put(name, session);
    Callable<Message> read =
        () -> {
          Keeper keeper = new Keeper();
          return session.next(keeper) ? keeper.frame() : null;
        };
    streams.put(name, new Frames(threads, read, session::close, true));
  }

  private Value ask(String name, Struct step) throws Exception {
    SessionRequest request = request(step, SessionRequest.newBuilder()).build();
    return Json.shown(known(sessions, name).request(request).get());
  }

  private void read(String name, List<Value> frames) throws Exception {
    Set<String> skipped =
        known(streams, name).isFollowed
            ? Set.of("ready", "heartbeat", "closing")
            : Set.of("heartbeat");
    for (Value expected : frames) {
      Set<String> due = expected.getStructValue().getFieldsMap().keySet();
      Taken taken =
          take(name, kind -> skipped.contains(kind) && !due.contains(kind), Json.brief(expected));
      if (taken.end() != null) {
        throw new AssertionError(
            "expected " + Json.brief(expected) + ", got the end " + Json.brief(taken.end()));
      }
      matching.match(expected, taken.frame());
    }
  }

  private void account(String name, Struct step) throws Exception {
    BigInteger through = number(step, "through");
    BigInteger due = number(step, "after").add(BigInteger.ONE);
    boolean gaps = false;
    while (due.compareTo(through) <= 0) {
      Taken taken = take(name, Set.of("ready", "heartbeat", "closing")::contains, "number " + due);
      Struct frame =
          taken.frame() == null ? Struct.getDefaultInstance() : taken.frame().getStructValue();
      Struct event = frame.getFieldsOrDefault("event", Json.NULL).getStructValue();
      Struct gap = frame.getFieldsOrDefault("gap", Json.NULL).getStructValue();
      if (frame.containsFields("event") && number(event, "sequence").equals(due)) {
        due = due.add(BigInteger.ONE);
      } else if (frame.containsFields("gap")
          && number(gap, "after").compareTo(due) < 0
          && number(gap, "through").compareTo(due) >= 0) {
        due = number(gap, "through").add(BigInteger.ONE);
        gaps = true;
      } else {
        Value came = taken.frame() == null ? taken.end() : taken.frame();
        throw new AssertionError("number " + due + " is due, got " + Json.brief(came));
      }
    }
    if (gaps != step.getFieldsOrThrow("gaps").getBoolValue()) {
      throw new AssertionError(gaps ? "there was a gap" : "there was no gap");
    }
  }

  private static BigInteger number(Struct struct, String key) {
    return new BigInteger(struct.getFieldsOrDefault(key, Json.text("0")).getStringValue());
  }

  private void ended(String name, Struct step) throws Exception {
    boolean skipping = step.getFieldsOrDefault("skipping", Json.NULL).getBoolValue();
    Predicate<String> passes = kind -> skipping || Set.of("heartbeat", "closing").contains(kind);
    Taken taken = take(name, passes, "the end");
    if (taken.end() == null) {
      throw new AssertionError("expected the end, got " + Json.brief(taken.frame()));
    }
    matching.match(step.getFieldsOrThrow("error"), taken.end());
  }

  /** The next frame, or the end, past frames of unknown kinds and of those to be passed over. */
  private Taken take(String name, Predicate<String> passes, String due) throws Exception {
    long until = System.nanoTime() + TimeUnit.SECONDS.toNanos(PATIENCE_SECONDS);
    for (; ; ) {
      Taken taken = within(known(streams, name).next(), due, until - System.nanoTime());
      if (taken.end() != null
          || !taken.frame().getStructValue().getFieldsMap().keySet().stream().allMatch(passes)) {
        return taken;
      }
    }
  }

  private static <B extends Message.Builder> B request(Struct step, B into) {
    Value none = Value.newBuilder().setStructValue(Struct.getDefaultInstance()).build();
    return Json.read(step.getFieldsOrDefault("request", none), into);
  }

  private RealtimeServiceGrpc.RealtimeServiceBlockingV2Stub stub(Struct step) {
    String connection = step.getFieldsOrDefault("connection", Json.text("main")).getStringValue();
    ManagedChannel channel = connections.computeIfAbsent(connection, this::connect);
    RealtimeServiceGrpc.RealtimeServiceBlockingV2Stub stub =
        RealtimeServiceGrpc.newBlockingV2Stub(channel);
    Value deadline = step.getFieldsMap().get("deadline_ms");
    return deadline == null
        ? stub
        : stub.withDeadlineAfter((long) deadline.getNumberValue(), TimeUnit.MILLISECONDS);
  }

  private ManagedChannel connect(String name) {
    NettyChannelBuilder builder =
        NettyChannelBuilder.forTarget(node.address()).usePlaintext().disableRetry();
    Value settings = keepalives.getFieldsMap().get(name);
    if (settings != null) {
      double interval = settings.getStructValue().getFieldsOrThrow("keepalive_ms").getNumberValue();
      builder.keepAliveTime((long) interval, TimeUnit.MILLISECONDS).keepAliveWithoutCalls(true);
    }
    return builder.build();
  }

  private static <T> T known(Map<String, T> all, String name) {
    T found = all.get(name);
    if (found == null) {
      throw new IllegalArgumentException("there is no " + name);
    }
    return found;
  }
}
