package dev.fanfare.client;

import dev.fanfare.v1.Event;
import dev.fanfare.v1.Gap;
import dev.fanfare.v1.Heartbeat;
import dev.fanfare.v1.MembersSnapshot;
import dev.fanfare.v1.Presence;
import dev.fanfare.v1.Ready;
import io.grpc.StatusRuntimeException;
import java.time.Duration;

/**
 * Takes the frames of a stream, one at a time and in order, on the thread that asks for them. What
 * it throws comes out of the call that asked, and ends nothing.
 */
public interface FrameHandler {
  /** An event of a channel; one without a channel is a broadcast. */
  void onEvent(Event event);

  /** Something is missing: load anew what it stood for. It comes before anything that follows. */
  void onGap(Gap gap);

  /** The stream has begun, or is back after a cut. */
  default void onReady(Ready ready) {}

  /** A member of a watched channel came, left or changed. */
  default void onPresence(Presence presence) {}

  /** The members of a watched channel, or a part of them. */
  default void onMembers(MembersSnapshot members) {}

  /** Nothing else came for a while. */
  default void onHeartbeat(Heartbeat heartbeat) {}

  /** The stream was cut and comes back after this delay. */
  default void onCut(StatusRuntimeException error, Duration delay) {}
}
