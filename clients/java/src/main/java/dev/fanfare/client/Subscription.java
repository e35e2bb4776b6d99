package dev.fanfare.client;

import dev.fanfare.v1.Position;
import dev.fanfare.v1.RealtimeServiceGrpc;
import dev.fanfare.v1.SubscribeRequest;
import dev.fanfare.v1.SubscribeResponse;
import io.grpc.ManagedChannel;
import io.grpc.StatusException;
import io.grpc.StatusRuntimeException;
import io.grpc.stub.BlockingClientCall;
import java.time.Duration;
import java.util.Optional;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ThreadLocalRandom;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;

/**
 * A stream that goes on after every cut, from where it was: nothing is missed untold, and nothing
 * comes twice. It has a connection of its own and is read one frame at a time, as they are asked
 * for, by one thread.
 *
 * <p>{@link #forEach} and {@link #next} throw what no return can mend: a request that the node
 * refuses, or that the member came back elsewhere ({@code REPLACED}). Any thread may {@link #close}
 * it.
 */
public final class Subscription implements AutoCloseable {
  /** Until {@code ready} says the interval, this long without a frame is a cut. */
  private static final Duration FIRST_SILENCE = Duration.ofSeconds(20);

  private final Fanfare fanfare;
  private final SubscribeRequest wanted;
  private final Place place = new Place();
  private final Backoff backoff = new Backoff(() -> ThreadLocalRandom.current().nextDouble());
  private final CountDownLatch closed = new CountDownLatch(1);
  private volatile Stream stream;
  private Duration silence = FIRST_SILENCE;
  private Duration askedByClosing = Duration.ZERO;

  Subscription(Fanfare fanfare, SubscribeRequest wanted) {
    this.fanfare = fanfare;
    this.wanted = wanted;
    fanfare.opened(this);
  }

  /** Up to where everything has been used; to go on from there in another life of this program. */
  public Optional<Position> position() {
    return place.position();
  }

  /** Proves to be the same member; a secret. Empty before {@code ready}. */
  public String memberToken() {
    return place.memberToken();
  }

  /** Hands over frame by frame until this is closed. */
  public void forEach(FrameHandler handler) throws InterruptedException {
    while (next(handler)) {}
  }

  /** Hands over the next frame; false if this is closed. */
  public boolean next(FrameHandler handler) throws InterruptedException {
    for (; ; ) {
      try {
        SubscribeResponse response = read();
        if (handOver(response, handler)) {
          return true;
        }
      } catch (Cut cut) {
        if (isClosed()) {
          return false;
        }
        comeBackAfter(cut.error, handler);
      }
    }
  }

  /** Ends the stream. */
  @Override
  public void close() {
    closed.countDown();
    leave();
    fanfare.closed(this);
  }

  private boolean isClosed() {
    return closed.getCount() == 0;
  }

  private SubscribeResponse read() throws InterruptedException, Cut {
    Stream current = stream;
    try {
      if (current == null) {
        askedByClosing = Duration.ZERO;
        current = new Stream(fanfare.connection(), place.request(wanted));
        stream = current;
      }
      if (isClosed()) {
        current.leave(); // closed before it could know of this stream
      }
      SubscribeResponse response = current.call.read(silence.toNanos(), TimeUnit.NANOSECONDS);
      if (response == null) {
        throw new Cut(Errors.unavailable("the stream ended"));
      }
      return response;
    } catch (StatusException e) {
      throw new Cut(Errors.unchecked(e));
    } catch (TimeoutException e) {
      throw new Cut(Errors.unavailable("no frame came for " + silence));
    }
  }

  private void comeBackAfter(StatusRuntimeException error, FrameHandler handler)
      throws InterruptedException {
    leave();
    if (Errors.isPermanent(error)) {
      close();
      throw error;
    }
    Duration told = Errors.retryDelay(error);
    Duration asked = told.compareTo(askedByClosing) > 0 ? told : askedByClosing;
    Duration delay = backoff.next(asked);
    handler.onCut(error, delay);
    closed.await(delay.toNanos(), TimeUnit.NANOSECONDS);
  }

  /** Whether it was a frame that a handler knows. */
  private boolean handOver(SubscribeResponse response, FrameHandler handler) {
    switch (response.getFrameCase()) {
      case READY -> {
        place.keepReady(response.getReady());
        Duration interval = Errors.duration(response.getReady().getHeartbeatInterval());
        silence = interval.isZero() ? FIRST_SILENCE : interval.multipliedBy(2);
        backoff.reset();
        handler.onReady(response.getReady());
      }
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
      case CLOSING -> askedByClosing = Errors.duration(response.getClosing().getRetryAfter());
      case FRAME_NOT_SET -> {
        return false; // of a later version
      }
    }
    return response.getFrameCase() != SubscribeResponse.FrameCase.CLOSING;
  }

  private void leave() {
    Stream current = stream;
    stream = null;
    if (current != null) {
      current.leave();
    }
  }

  /** One stream on a connection of its own, which may be dead when it is left. */
  private static final class Stream {
    private final ManagedChannel channel;
    private final BlockingClientCall<?, SubscribeResponse> call;

    Stream(ManagedChannel channel, SubscribeRequest request) {
      this.channel = channel;
      this.call = RealtimeServiceGrpc.newBlockingV2Stub(channel).subscribe(request);
    }

    void leave() {
      call.cancel("the stream was left", null);
      Fanfare.leave(channel);
    }
  }

  /** An end of the stream, with why. */
  private static final class Cut extends Exception {
    private static final long serialVersionUID = 1;
    private final StatusRuntimeException error;

    Cut(StatusRuntimeException error) {
      super(error);
      this.error = error;
    }
  }
}
