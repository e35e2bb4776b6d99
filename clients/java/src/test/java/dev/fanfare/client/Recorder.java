package dev.fanfare.client;

import dev.fanfare.v1.Event;
import dev.fanfare.v1.Gap;
import dev.fanfare.v1.MembersSnapshot;
import dev.fanfare.v1.Presence;
import dev.fanfare.v1.Ready;
import io.grpc.StatusRuntimeException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;

/** Keeps all that it hears, in order. */
final class Recorder implements FrameHandler {
  record Cut(StatusRuntimeException error, Duration delay) {}

  final List<Object> heard = new ArrayList<>();

  <T> List<T> all(Class<T> kind) {
    return heard.stream().filter(kind::isInstance).map(kind::cast).toList();
  }

  /** Takes frames until there is one more of this kind, which it returns. */
  <T> T next(Class<T> kind, Subscription subscription) throws InterruptedException {
    int before = all(kind).size();
    while (all(kind).size() == before) {
      if (!subscription.next(this)) {
        throw new AssertionError("it was closed");
      }
    }
    return all(kind).get(before);
  }

  /** As for a subscription. */
  <T> T next(Class<T> kind, Session session) throws InterruptedException {
    int before = all(kind).size();
    while (all(kind).size() == before) {
      if (!session.next(this)) {
        throw new AssertionError("it ended");
      }
    }
    return all(kind).get(before);
  }

  @Override
  public void onEvent(Event event) {
    heard.add(event);
  }

  @Override
  public void onGap(Gap gap) {
    heard.add(gap);
  }

  @Override
  public void onReady(Ready ready) {
    heard.add(ready);
  }

  @Override
  public void onPresence(Presence presence) {
    heard.add(presence);
  }

  @Override
  public void onMembers(MembersSnapshot members) {
    heard.add(members);
  }

  @Override
  public void onCut(StatusRuntimeException error, Duration delay) {
    heard.add(new Cut(error, delay));
  }
}
