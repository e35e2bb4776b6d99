package dev.fanfare.examples;

import dev.fanfare.client.Fanfare;
import dev.fanfare.client.Payloads;
import dev.fanfare.v1.Member;
import dev.fanfare.v1.SendRequest;
import dev.fanfare.v1.SendResponse;

/** Sends one event with JSON, and prints who is there: CHANNEL EVENT JSON. */
final class Send {
  public static void main(String[] arguments) {
    try (Fanfare fanfare = Fanfare.at(Address.OF_NODE)) {
      SendRequest request =
          SendRequest.newBuilder()
              .setChannel(arguments[0])
              .setEvent(arguments[1])
              .setPayload(Payloads.json(arguments[2]))
              .build();
      SendResponse response = fanfare.send(request);
      System.out.println(
          "number "
              + response.getPosition().getSequence()
              + ", "
              + response.getRecipients()
              + " listened");
      for (Member member : fanfare.members(arguments[0])) {
        System.out.println(member.getId() + " " + Payloads.toJson(member.getData()));
      }
    }
  }
}
