package dev.fanfare.driver;

import com.google.protobuf.Message;
import dev.fanfare.client.FrameHandler;
import dev.fanfare.v1.Event;
import dev.fanfare.v1.Gap;
import dev.fanfare.v1.Heartbeat;
import dev.fanfare.v1.MembersSnapshot;
import dev.fanfare.v1.Presence;
import dev.fanfare.v1.Ready;
import dev.fanfare.v1.SubscribeResponse;

/** Makes one frame again of what a handler is told. */
final class Keeper implements FrameHandler {
  private final SubscribeResponse.Builder kept = SubscribeResponse.newBuilder();

  Message frame() {
    return kept.build();
  }

  @Override
  public void onEvent(Event event) {
    kept.setEvent(event);
  }

  @Override
  public void onGap(Gap gap) {
    kept.setGap(gap);
  }

  @Override
  public void onReady(Ready ready) {
    kept.setReady(ready);
  }

  @Override
  public void onPresence(Presence presence) {
    kept.setPresence(presence);
  }

  @Override
  public void onMembers(MembersSnapshot members) {
    kept.setMembers(members);
  }

  @Override
  public void onHeartbeat(Heartbeat heartbeat) {
    kept.setHeartbeat(heartbeat);
  }
}
