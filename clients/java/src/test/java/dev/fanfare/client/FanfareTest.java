package dev.fanfare.client;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.fanfare.v1.Event;
import dev.fanfare.v1.Gap;
import dev.fanfare.v1.GapReason;
import dev.fanfare.v1.GetMembersRequest;
import dev.fanfare.v1.Member;
import dev.fanfare.v1.MembersSnapshot;
import dev.fanfare.v1.OverflowPolicy;
import dev.fanfare.v1.Payload;
import dev.fanfare.v1.Presence;
import dev.fanfare.v1.PresenceKind;
import dev.fanfare.v1.Ready;
import dev.fanfare.v1.SendRequest;
import dev.fanfare.v1.SendResponse;
import dev.fanfare.v1.SubscribeRequest;
import io.grpc.Status;
import io.grpc.StatusRuntimeException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.stream.IntStream;
import java.util.stream.StreamSupport;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

@Timeout(60)
class FanfareTest {
  private final List<AutoCloseable> open = new ArrayList<>();
  private final Recorder recorder = new Recorder();

  @AfterEach
  void closeAll() throws Exception {
    for (int i = open.size() - 1; i >= 0; i--) {
      open.get(i).close();
    }
  }

  private <T extends AutoCloseable> T opened(T resource) {
    open.add(resource);
    return resource;
  }

  private Fanfare fanfare(String address) {
    return opened(Fanfare.at(address));
  }

  private static SubscribeRequest channel(String channel) {
    SubscribeRequest.Builder request = SubscribeRequest.newBuilder();
    request.addSubscriptionsBuilder().setChannel(channel);
    return request.build();
  }

  private static SendRequest event(String channel, String name) {
    return SendRequest.newBuilder().setChannel(channel).setEvent(name).build();
  }

  private Subscription ready(Fanfare fanfare, SubscribeRequest request, Recorder recorder)
      throws InterruptedException {
    Subscription subscription = fanfare.subscribe(request);
    recorder.next(Ready.class, subscription);
    return subscription;
  }

  @Test
  void an_event_brings_back_what_was_sent_of_every_kind_of_payload() throws Exception {
    Fanfare fanfare = fanfare(opened(RealNode.start()).address);
    Subscription subscription = ready(fanfare, channel("all"), recorder);
    List<Payload> sent =
        List.of(
            Payloads.json("{\"text\":\"Grüße 👋\",\"list\":[1.5,true,null],\"empty\":{}}"),
            Payloads.text(""),
            Payloads.binary(new byte[] {0, -1}),
            Payload.getDefaultInstance());
    for (Payload payload : sent.subList(0, 3)) {
      fanfare.send(event("all", "e").toBuilder().setPayload(payload).build());
    }
    fanfare.send(event("all", "e"));
    List<Payload> come = new ArrayList<>();
    for (int i = 0; i < sent.size(); i++) {
      come.add(recorder.next(Event.class, subscription).getPayload());
    }
    assertEquals(sent, come);
    assertEquals(
        "{\"text\":\"Grüße 👋\",\"list\":[1.5,true,null],\"empty\":{}}",
        Payloads.toJson(come.get(0)));
  }

  @Test
  void a_stream_that_is_cut_goes_on_where_it_was_as_the_same_member() throws Exception {
    RealNode node = opened(RealNode.start());
    Wire wire = opened(new Wire(node));
    Fanfare sender = fanfare(node.address);
    Subscription subscription = ready(fanfare(wire.address()), channel("cut"), recorder);
    List<String> sent = new ArrayList<>();
    for (int round = 0; round < 20; round++) {
      for (String part : List.of("a", "b", "c")) {
        sent.add(round + part);
        sender.send(event("cut", round + part));
        if (part.equals("b")) {
          recorder.next(Event.class, subscription);
          wire.cut();
        }
      }
    }
    while (recorder.all(Event.class).size() < sent.size()) {
      subscription.next(recorder);
    }
    assertEquals(sent, recorder.all(Event.class).stream().map(Event::getName).toList());
    assertEquals(1, recorder.all(Ready.class).stream().map(Ready::getMemberId).distinct().count());
    assertEquals(List.of(), recorder.all(Gap.class));
    assertTrue(wire.connections.get() > 1, "it was not cut");
  }

  @Test
  void a_connection_on_which_no_heartbeat_comes_is_a_cut() throws Exception {
    RealNode node = opened(RealNode.start());
    Wire wire = opened(new Wire(node));
    SubscribeRequest.Builder request = channel("still").toBuilder();
    request.getHeartbeatIntervalBuilder().setSeconds(1);
    Subscription subscription = ready(fanfare(wire.address()), request.build(), recorder);
    wire.freeze();
    fanfare(node.address).send(event("still", "missed on the frozen one"));
    assertEquals("missed on the frozen one", recorder.next(Event.class, subscription).getName());
    assertEquals(2, wire.connections.get());
    StatusRuntimeException error = recorder.all(Recorder.Cut.class).get(0).error();
    assertEquals("no frame came for PT2S", error.getStatus().getDescription());
  }

  @Test
  void a_restart_of_the_node_is_told_as_a_gap_before_what_follows() throws Exception {
    RealNode node = opened(RealNode.start());
    Subscription subscription = ready(fanfare(node.address), channel("life"), recorder);
    node.stop();
    RealNode again = opened(node.again());
    fanfare(again.address).send(event("life", "after"));
    recorder.next(Event.class, subscription);
    List<Gap> gaps = recorder.all(Gap.class);
    assertEquals(List.of("", "life"), gaps.stream().map(Gap::getChannel).sorted().toList());
    assertEquals(GapReason.GAP_REASON_EPOCH_CHANGED, gaps.get(0).getReason());
    assertTrue(recorder.heard.indexOf(gaps.get(1)) < recorder.heard.size() - 1);
  }

  @Test
  void it_stays_away_for_as_long_as_a_node_that_drains_asks_for() throws Exception {
    RealNode node = opened(RealNode.start());
    Subscription subscription = ready(fanfare(node.address), channel("drain"), recorder);
    node.stop();
    Thread follows =
        new Thread(
            () -> {
              try {
                subscription.forEach(recorder);
              } catch (InterruptedException e) {
                Thread.currentThread().interrupt();
              }
            });
    follows.start();
    RealNode again = opened(node.again());
    fanfare(again.address);
    while (!subscription.position().orElseThrow().getEpoch().isEmpty()
        && fanfare(again.address).send(event("drain", "x")).getRecipients() == 0) {
      Thread.onSpinWait();
    }
    subscription.close();
    follows.join();
    Recorder.Cut cut = recorder.all(Recorder.Cut.class).get(0);
    assertEquals("DRAINING", Errors.reason(cut.error()).orElseThrow());
    Duration asked = Errors.retryDelay(cut.error());
    assertFalse(asked.isZero());
    assertTrue(cut.delay().compareTo(asked) >= 0, cut.delay() + " instead of " + asked);
  }

  @Test
  void a_member_that_came_back_elsewhere_ends_the_older_stream_for_good() throws Exception {
    Fanfare fanfare = fanfare(opened(RealNode.start()).address);
    Subscription older = ready(fanfare, channel("one"), recorder);
    SubscribeRequest same = channel("one").toBuilder().setMemberToken(older.memberToken()).build();
    ready(fanfare, same, new Recorder());
    StatusRuntimeException error =
        assertThrows(StatusRuntimeException.class, () -> older.forEach(recorder));
    assertEquals("REPLACED", Errors.reason(error).orElseThrow());
    assertFalse(older.next(recorder));
  }

  @Test
  void a_request_that_is_wrong_ends_with_the_field_that_is_wrong() throws Exception {
    Fanfare fanfare = fanfare(opened(RealNode.start()).address);
    StatusRuntimeException error =
        assertThrows(
            StatusRuntimeException.class, () -> fanfare.subscribe(channel("a..b")).next(recorder));
    assertEquals("INVALID_CHANNEL", Errors.reason(error).orElseThrow());
    assertEquals("subscriptions[0].channel", Errors.fieldViolations(error).get(0).getField());
  }

  @Test
  void what_a_handler_throws_comes_out_and_ends_nothing() throws Exception {
    Fanfare fanfare = fanfare(opened(RealNode.start()).address);
    Subscription subscription = ready(fanfare, channel("own"), recorder);
    fanfare.send(event("own", "one"));
    fanfare.send(event("own", "two"));
    FrameHandler failing =
        new FrameHandler() {
          @Override
          public void onEvent(Event event) {
            throw Status.UNAVAILABLE.asRuntimeException();
          }

          @Override
          public void onGap(Gap gap) {}
        };
    assertThrows(StatusRuntimeException.class, () -> subscription.next(failing));
    assertEquals("two", recorder.next(Event.class, subscription).getName());
  }

  @Test
  void a_send_whose_answer_is_lost_is_repeated_and_happens_once() throws Exception {
    RealNode node = opened(RealNode.start());
    Wire wire = opened(new Wire(node));
    Subscription subscription = ready(fanfare(node.address), channel("once"), recorder);
    Fanfare sender = fanfare(wire.address());
    sender.send(event("other", ""));
    AtomicInteger lost = new AtomicInteger();
    wire.swallow = () -> lost.getAndIncrement() == 0;
    SendResponse response = sender.send(event("once", "sent twice"));
    assertTrue(response.getDuplicate(), "the first attempt did not reach the node");
    fanfare(node.address).send(event("once", "next"));
    assertEquals("sent twice", recorder.next(Event.class, subscription).getName());
    assertEquals("next", recorder.next(Event.class, subscription).getName());
  }

  @Test
  void members_come_from_all_pages() throws Exception {
    Fanfare fanfare = fanfare(opened(RealNode.start()).address);
    List<String> names = List.of("Ada", "Grace", "Hedy", "Joan", "Mary");
    for (String name : names) {
      SubscribeRequest request =
          channel("staff").toBuilder()
              .setData(Payloads.profile("{\"name\":\"" + name + "\"}"))
              .build();
      ready(fanfare, request, new Recorder());
    }
    Iterable<Member> members =
        fanfare.members(GetMembersRequest.newBuilder().setChannel("staff").setPageSize(2).build());
    assertEquals(
        names.stream().map(name -> "{\"name\":\"" + name + "\"}").toList(),
        StreamSupport.stream(members.spliterator(), false)
            .map(member -> Payloads.toJson(member.getData()))
            .toList());
  }

  @Test
  void presence_tells_who_is_there_and_who_comes() throws Exception {
    Fanfare fanfare = fanfare(opened(RealNode.start()).address);
    SubscribeRequest.Builder request = SubscribeRequest.newBuilder();
    request.addSubscriptionsBuilder().setChannel("room").setPresence(true).setObserve(true);
    Subscription watcher = ready(fanfare, request.build(), recorder);
    assertEquals(0, recorder.next(MembersSnapshot.class, watcher).getMembersCount());
    ready(fanfare, channel("room"), new Recorder());
    assertEquals(
        PresenceKind.PRESENCE_KIND_JOINED, recorder.next(Presence.class, watcher).getKind());
  }

  @Test
  void pipelined_requests_of_a_session_are_each_answered_in_order() throws Exception {
    Session session = fanfare(opened(RealNode.start()).address).session();
    List<CompletableFuture<SendResponse>> asked = new ArrayList<>();
    for (int i = 0; i < 2000; i++) {
      asked.add(session.send(event(i % 500 == 7 ? "" : "fast", "" + i)));
    }
    List<Integer> failed = new ArrayList<>();
    List<Long> numbers = new ArrayList<>();
    for (int i = 0; i < asked.size(); i++) {
      try {
        numbers.add(asked.get(i).get().getPosition().getSequence());
      } catch (ExecutionException e) {
        assertEquals("INVALID_CHANNEL", Errors.reason(e).orElseThrow());
        failed.add(i);
      }
    }
    assertEquals(List.of(7, 507, 1007, 1507), failed);
    assertEquals(IntStream.rangeClosed(1, 1996).mapToObj(i -> (long) i).toList(), numbers);
    session.end();
    assertFalse(session.next(recorder));
  }

  @Test
  void a_session_changes_what_it_listens_to_and_another_resumes_it() throws Exception {
    RealNode node = opened(RealNode.start());
    Wire wire = opened(new Wire(node));
    Fanfare fanfare = fanfare(wire.address());
    Session session = fanfare.session();
    Ready first = session.subscribe(echoing("a")).get();
    session.subscribe(echoing("b"));
    session.subscribe(echoing("c"));
    session.unsubscribe(List.of("a"));
    session.update(Payloads.profile("{\"name\":\"Ada\",\"mood\":\"good\"}"));
    session.merge(Payloads.profile("{\"mood\":null}"));
    for (String channel : List.of("a", "b", "c")) {
      session.send(event(channel, "e")).get();
    }
    assertEquals("b", recorder.next(Event.class, session).getChannel());
    Member member = fanfare.members("b").iterator().next();
    assertEquals("{\"name\":\"Ada\"}", Payloads.toJson(member.getData()));
    wire.cut();
    StatusRuntimeException error =
        assertThrows(StatusRuntimeException.class, () -> session.forEach(new Recorder()));
    assertEquals(Status.Code.UNAVAILABLE, error.getStatus().getCode());
    assertThrows(ExecutionException.class, () -> session.send(event("b", "late")).get());
  }

  @Test
  void another_session_goes_on_where_one_ended() throws Exception {
    RealNode node = opened(RealNode.start());
    Wire wire = opened(new Wire(node));
    Fanfare fanfare = fanfare(wire.address());
    Session session = fanfare.session();
    Ready first = session.subscribe(echoing("b")).get();
    session.subscribe(echoing("c")).get();
    fanfare.send(event("b", "used"));
    assertEquals("used", recorder.next(Event.class, session).getName());
    SubscribeRequest resumption = session.resumption();
    wire.cut();
    fanfare(node.address).send(event("c", "meanwhile"));
    Session another = fanfare.session();
    assertEquals(first.getMemberId(), another.subscribe(resumption).get().getMemberId());
    assertEquals("meanwhile", recorder.next(Event.class, another).getName());
  }

  private static SubscribeRequest echoing(String channel) {
    SubscribeRequest.Builder request = SubscribeRequest.newBuilder();
    request.addSubscriptionsBuilder().setChannel(channel).setEcho(true);
    return request.build();
  }

  @Test
  void a_slow_reader_is_told_a_gap_and_others_of_its_client_miss_nothing() throws Exception {
    Fanfare fanfare = fanfare(opened(RealNode.start(Map.of("log_events", "64"))).address);
    Recorder slowly = new Recorder();
    Subscription slow = ready(fanfare, channel("busy"), slowly);
    Subscription fast = ready(fanfare, channel("busy"), recorder);
    long sequence = 0;
    for (int i = 0; i < 500; i++) {
      sequence = fanfare.send(large("" + i)).getPosition().getSequence();
      assertEquals("" + i, recorder.next(Event.class, fast).getName());
    }
    long passed = 0;
    while (passed < sequence) {
      slow.next(slowly);
      Object last = slowly.heard.get(slowly.heard.size() - 1);
      if (last instanceof Event event) {
        assertTrue(event.getSequence() > passed);
        assertEquals(passed + 1, event.getSequence());
        passed = event.getSequence();
      } else if (last instanceof Gap gap) {
        assertTrue(gap.getAfter() <= passed);
        passed = gap.getThrough();
      }
    }
    assertEquals(GapReason.GAP_REASON_OVERFLOW, slowly.all(Gap.class).get(0).getReason());
    assertEquals(List.of(), recorder.all(Gap.class));
  }

  @Test
  void a_slow_reader_that_would_rather_start_over_is_slow_consumer_and_comes_back()
      throws Exception {
    Fanfare fanfare = fanfare(opened(RealNode.start(Map.of("log_events", "64"))).address);
    SubscribeRequest.Builder request = SubscribeRequest.newBuilder();
    request
        .addSubscriptionsBuilder()
        .setChannel("busy")
        .setOverflow(OverflowPolicy.OVERFLOW_POLICY_END);
    Subscription subscription = ready(fanfare, request.build(), recorder);
    for (int i = 0; i < 500; i++) {
      fanfare.send(large("" + i));
    }
    while (!recorder.next(Event.class, subscription).getName().equals("499")) {}
    List<Recorder.Cut> cuts = recorder.all(Recorder.Cut.class);
    assertEquals("SLOW_CONSUMER", Errors.reason(cuts.get(0).error()).orElseThrow());
    assertEquals(GapReason.GAP_REASON_EXPIRED, recorder.all(Gap.class).get(0).getReason());
  }

  private static SendRequest large(String name) {
    return event("busy", name).toBuilder().setPayload(Payloads.binary(new byte[16_384])).build();
  }

  @Test
  void closing_ends_who_waits_for_a_frame() throws Exception {
    Fanfare fanfare = fanfare(opened(RealNode.start()).address);
    Subscription subscription = ready(fanfare, channel("quiet"), recorder);
    Session session = fanfare.session();
    session.subscribe(channel("quiet")).get();
    CompletableFuture<Boolean> waits = inBackground(() -> subscription.next(recorder));
    CompletableFuture<Boolean> waitsToo = inBackground(() -> session.next(new Recorder()));
    fanfare.close();
    assertFalse(waits.get());
    assertFalse(waitsToo.get());
  }

  private interface Work {
    boolean run() throws InterruptedException;
  }

  private static CompletableFuture<Boolean> inBackground(Work work) {
    CompletableFuture<Boolean> result = new CompletableFuture<>();
    new Thread(
            () -> {
              try {
                result.complete(work.run());
              } catch (InterruptedException | RuntimeException e) {
                result.completeExceptionally(e);
              }
            })
        .start();
    return result;
  }
}
