package dev.fanfare.examples;

import dev.fanfare.client.Fanfare;
import dev.fanfare.client.FrameHandler;
import dev.fanfare.client.Payloads;
import dev.fanfare.client.Subscription;
import dev.fanfare.v1.Event;
import dev.fanfare.v1.Gap;
import dev.fanfare.v1.Ready;
import dev.fanfare.v1.SubscribeRequest;
import io.grpc.StatusRuntimeException;
import java.time.Duration;

/** Prints what comes in a channel, past any number of cuts, until Ctrl-C. */
final class Listen implements FrameHandler {
  public static void main(String[] arguments) throws InterruptedException {
    SubscribeRequest.Builder request = SubscribeRequest.newBuilder();
    request.addSubscriptionsBuilder().setChannel(arguments[0]);
    request.setData(Payloads.profile("{\"name\": \"Ada\"}"));
    try (Fanfare fanfare = Fanfare.at(Address.OF_NODE);
        Subscription orders = fanfare.subscribe(request.build())) {
      orders.forEach(new Listen());
    }
  }

  @Override
  public void onEvent(Event event) {
    String payload = Payloads.toJson(event.getPayload());
    System.out.println(event.getSequence() + " " + event.getName() + " " + payload);
  }

  @Override
  public void onGap(Gap gap) {
    System.out.println("missed something of " + gap.getChannel() + ": load it anew");
  }

  @Override
  public void onReady(Ready ready) {
    System.out.println("ready as " + ready.getMemberId());
  }

  @Override
  public void onCut(StatusRuntimeException error, Duration delay) {
    System.err.println(error.getMessage() + "; back in " + delay.toMillis() + " ms");
  }
}
