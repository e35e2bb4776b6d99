package dev.fanfare.client;

import com.google.protobuf.Struct;
import dev.fanfare.v1.BroadcastRequest;
import dev.fanfare.v1.BroadcastResponse;
import dev.fanfare.v1.Position;
import dev.fanfare.v1.Ready;
import dev.fanfare.v1.RealtimeServiceGrpc;
import dev.fanfare.v1.Reply;
import dev.fanfare.v1.SendRequest;
import dev.fanfare.v1.SendResponse;
import dev.fanfare.v1.SessionRequest;
import dev.fanfare.v1.SessionResponse;
import dev.fanfare.v1.SubscribeRequest;
import dev.fanfare.v1.Unsubscribe;
import dev.fanfare.v1.UpdateProfile;
import io.grpc.ManagedChannel;
import io.grpc.Status;
import io.grpc.StatusException;
import io.grpc.StatusRuntimeException;
import io.grpc.stub.BlockingClientCall;
import java.time.Duration;
import java.util.ArrayDeque;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Queue;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.Semaphore;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;

/**
 * One stream for everything, with a connection of its own. Requests need not wait for one another;
 * they are applied in order. One that fails completes its future with why, and ends nothing. A
 * request waits while 256 are unanswered.
 *
 * <p>Once it has subscribed, take its frames while you make requests, with {@link #forEach} on a
 * thread of its own for instance: replies come between them.
 *
 * <p>A session ends with its stream: what was not answered fails with why, and may have happened.
 * To come back, open another, {@link #subscribe} with {@link #resumption}, and repeat unanswered
 * sends with the {@code request_id} they had.
 */
public final class Session implements AutoCloseable {
  /** As many requests may wait for their replies as the node lets wait. */
  private static final int MOST_UNANSWERED = 256;

  /** As many frames may wait to be taken; then the stream is read no further. */
  private static final int MOST_UNREAD = 64;

  private record Waiting(SessionRequest request, CompletableFuture<Reply> answer) {}

  private final Fanfare fanfare;
  private final ManagedChannel channel;
  private final BlockingClientCall<SessionRequest, SessionResponse> call;
  private final Thread reader;
  private final Semaphore room = new Semaphore(MOST_UNANSWERED, true);
  private final BlockingQueue<Optional<SessionResponse>> frames =
      new LinkedBlockingQueue<>(MOST_UNREAD);
  private final Place place = new Place();
  private final Object writing = new Object();

  // Guarded by `waiting`.
  private final Queue<Waiting> waiting = new ArrayDeque<>();
  private final Map<String, dev.fanfare.v1.Subscription> subscribed = new LinkedHashMap<>();
  private SubscribeRequest first;
  private StatusRuntimeException ended;

  // Guarded by `writing`.
  private long lastId;

  private volatile boolean closed;
  private volatile Duration silence;

  Session(Fanfare fanfare) {
    this.fanfare = fanfare;
    this.channel = fanfare.connection();
    this.call = RealtimeServiceGrpc.newBlockingV2Stub(channel).session();
    this.reader = new Thread(this::readAll, "fanfare-session");
    fanfare.opened(this);
    reader.setDaemon(true);
    reader.start();
  }

  /**
   * Listens to channels. Only the first one may set more than {@code subscriptions}. Take the
   * frames that come.
   */
  public CompletableFuture<Ready> subscribe(SubscribeRequest request) throws InterruptedException {
    return request(SessionRequest.newBuilder().setSubscribe(request).build())
        .thenApply(Reply::getReady);
  }

  /** Leaves channels and patterns, by the texts that were subscribed. */
  public CompletableFuture<Void> unsubscribe(List<String> channels) throws InterruptedException {
    Unsubscribe unsubscribe = Unsubscribe.newBuilder().addAllChannels(channels).build();
    return request(SessionRequest.newBuilder().setUnsubscribe(unsubscribe).build())
        .thenAccept(done -> {});
  }

  /** Replaces the session's own profile. */
  public CompletableFuture<Void> update(Struct data) throws InterruptedException {
    return update(UpdateProfile.newBuilder().setData(data).build());
  }

  /** Changes the session's own profile as RFC 7396 has it: null removes a key. */
  public CompletableFuture<Void> merge(Struct data) throws InterruptedException {
    return update(UpdateProfile.newBuilder().setData(data).setMerge(true).build());
  }

  private CompletableFuture<Void> update(UpdateProfile update) throws InterruptedException {
    return request(SessionRequest.newBuilder().setUpdate(update).build()).thenAccept(done -> {});
  }

  /** Sends one event. Give it a {@code request_id} to be able to repeat it after a cut. */
  public CompletableFuture<SendResponse> send(SendRequest request) throws InterruptedException {
    return request(SessionRequest.newBuilder().setSend(request).build()).thenApply(Reply::getSend);
  }

  /** Sends one event to every connected subscriber. */
  public CompletableFuture<BroadcastResponse> broadcast(BroadcastRequest request)
      throws InterruptedException {
    return request(SessionRequest.newBuilder().setBroadcast(request).build())
        .thenApply(Reply::getBroadcast);
  }

  /** Any request, which gets its id here; its reply, if that is no error. */
  public CompletableFuture<Reply> request(SessionRequest request) throws InterruptedException {
    room.acquire();
    CompletableFuture<Reply> answer = new CompletableFuture<>();
    synchronized (writing) { // ids in the order of the stream
      SessionRequest numbered = Requests.repeatable(request).toBuilder().setId(++lastId).build();
      if (await(new Waiting(numbered, answer))) {
        try {
          call.write(numbered);
        } catch (StatusException e) {
          // The stream has ended; the reader meets the same and tells all who wait.
        }
      }
    }
    return answer.whenComplete((reply, error) -> room.release());
  }

  /** Whether there is still a stream to await an answer from. */
  private boolean await(Waiting request) {
    synchronized (waiting) {
      if (ended != null) {
        request.answer.completeExceptionally(ended);
        return false;
      }
      waiting.add(request);
      return true;
    }
  }

  /** Hands over frame by frame until the session ends; throws why, unless it was closed. */
  public void forEach(FrameHandler handler) throws InterruptedException {
    while (next(handler)) {}
  }

  /** Hands over the next frame; false if the session ended well or was closed. */
  public boolean next(FrameHandler handler) throws InterruptedException {
    Optional<SessionResponse> frame = frames.take();
    if (frame.isEmpty()) {
      frames.offer(frame); // for whoever asks again
      return endedWell();
    }
    handOver(frame.get(), handler);
    return true;
  }

  private boolean endedWell() {
    synchronized (waiting) {
      if (!closed && ended.getStatus().getCode() != Status.Code.CANCELLED) {
        throw ended;
      }
      return false;
    }
  }

  /** Up to where every frame has been used. */
  public Optional<Position> position() {
    return place.position();
  }

  /** What the first subscribe of another session asks for, to go on where this one is. */
  public SubscribeRequest resumption() {
    synchronized (waiting) {
      SubscribeRequest wanted = first == null ? SubscribeRequest.getDefaultInstance() : first;
      return place.request(wanted).toBuilder()
          .clearSubscriptions()
          .addAllSubscriptions(subscribed.values())
          .build();
    }
  }

  /** No more requests. A session that never subscribed ends when all are answered. */
  public void end() {
    call.halfClose();
  }

  /** Ends the session at once. */
  @Override
  public void close() {
    closed = true;
    call.cancel("the session was closed", null);
    reader.interrupt();
    Fanfare.leave(channel);
    fanfare.closed(this);
  }

  private void readAll() {
    try {
      for (SessionResponse response = read(); response != null; response = read()) {
        take(response);
      }
      over(Status.CANCELLED.withDescription("the session has ended").asRuntimeException());
    } catch (StatusException e) {
      over(Errors.unchecked(e));
    } catch (TimeoutException e) {
      over(Errors.unavailable("no frame came for " + silence));
    } catch (InterruptedException e) {
      over(Status.CANCELLED.withDescription("the session was closed").asRuntimeException());
    } catch (StatusRuntimeException e) {
      over(e);
    }
  }

  /** The next response; once subscribed, none for two heartbeats is a cut. */
  private SessionResponse read() throws InterruptedException, StatusException, TimeoutException {
    Duration patience = silence;
    return patience == null ? call.read() : call.read(patience.toNanos(), TimeUnit.NANOSECONDS);
  }

  private void take(SessionResponse response) throws InterruptedException {
    switch (response.getFrameCase()) {
      case REPLY -> answer(response.getReply());
      case FRAME_NOT_SET -> {} // of a later version
      default -> frames.put(Optional.of(response));
    }
  }

  private void answer(Reply reply) {
    Waiting answered;
    synchronized (waiting) {
      answered = waiting.poll();
      if (answered == null || answered.request.getId() != reply.getId()) {
        throw Status.INTERNAL
            .withDescription("reply " + reply.getId() + " was not due")
            .asRuntimeException();
      }
      keep(answered.request, reply);
    }
    // Not on this thread: what follows may wait for another answer.
    if (reply.hasError()) {
      StatusRuntimeException error = Errors.of(reply.getError());
      answered.answer.completeAsync(
          () -> {
            throw error;
          });
    } else {
      answered.answer.completeAsync(() -> reply);
    }
  }

  private void keep(SessionRequest request, Reply reply) {
    if (reply.hasReady()) {
      if (first == null) {
        first = request.getSubscribe();
        place.keepReady(reply.getReady());
        Duration interval = Errors.duration(reply.getReady().getHeartbeatInterval());
        silence = interval.isZero() ? null : interval.multipliedBy(2);
      }
      request
          .getSubscribe()
          .getSubscriptionsList()
          .forEach(subscription -> subscribed.put(subscription.getChannel(), subscription));
    } else if (reply.hasDone() && request.hasUnsubscribe()) {
      request.getUnsubscribe().getChannelsList().forEach(subscribed::remove);
    }
  }

  private void handOver(SessionResponse response, FrameHandler handler) {
    switch (response.getFrameCase()) {
      case EVENT -> {
        handler.onEvent(response.getEvent());
        place.keepSequence(response.getEvent().getSequence());
      }
      case GAP -> handler.onGap(response.getGap());
      case PRESENCE -> {
        handler.onPresence(response.getPresence());
        place.keepSequence(response.getPresence().getSequence());
      }
      case MEMBERS -> handler.onMembers(response.getMembers());
      case HEARTBEAT -> {
        handler.onHeartbeat(response.getHeartbeat());
        place.keepHeartbeat(response.getHeartbeat().getPosition());
      }
      case CLOSING, REPLY, FRAME_NOT_SET -> {} // the status that follows says why
    }
  }

  private void over(StatusRuntimeException error) {
    List<Waiting> unanswered;
    synchronized (waiting) {
      ended = ended == null ? error : ended;
      unanswered = List.copyOf(waiting);
      waiting.clear();
    }
    unanswered.forEach(request -> request.answer.completeExceptionally(error));
    tellTheEnd();
    Fanfare.leave(channel);
    fanfare.closed(this);
  }

  private void tellTheEnd() {
    if (closed) {
      frames.clear();
    }
    try {
      frames.put(Optional.empty());
    } catch (InterruptedException e) {
      frames.clear(); // closed meanwhile
      frames.add(Optional.empty());
    }
  }
}
