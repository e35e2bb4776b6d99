package dev.fanfare.examples;

import dev.fanfare.client.Fanfare;
import dev.fanfare.client.Session;
import dev.fanfare.v1.SendRequest;
import dev.fanfare.v1.SendResponse;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;

/** Sends a thousand events over one stream without waiting for one another: CHANNEL. */
final class Pipeline {
  public static void main(String[] arguments) throws InterruptedException {
    try (Fanfare fanfare = Fanfare.at(Address.OF_NODE);
        Session session = fanfare.session()) {
      List<CompletableFuture<SendResponse>> sent = new ArrayList<>();
      for (int i = 0; i < 1000; i++) {
        SendRequest.Builder request = SendRequest.newBuilder().setChannel(arguments[0]);
        sent.add(session.send(request.setEvent("" + i).build()));
      }
      long last = sent.get(sent.size() - 1).join().getPosition().getSequence();
      System.out.println("sent " + sent.size() + ", the last as number " + last);
    }
  }
}
