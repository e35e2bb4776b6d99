package dev.fanfare.client;

import dev.fanfare.v1.Position;
import dev.fanfare.v1.Ready;
import dev.fanfare.v1.SubscribeRequest;
import java.util.Optional;

/** Where a stream is: the one number of docs/protocol.md, and who it is. */
final class Place {
  private Position position;
  private String memberToken = "";

  synchronized Optional<Position> position() {
    return Optional.ofNullable(position);
  }

  synchronized String memberToken() {
    return memberToken;
  }

  /** Takes note of a {@code ready} as it comes: it is safe at once. */
  synchronized void keepReady(Ready ready) {
    position = ready.getPosition();
    memberToken = ready.getMemberToken();
  }

  /** Takes note of an event or a change of presence that has been used. */
  synchronized void keepSequence(long sequence) {
    if (position != null) {
      position = position.toBuilder().setSequence(sequence).build();
    }
  }

  synchronized void keepHeartbeat(Position told) {
    position = told;
  }

  /** What to ask for to go on from here. */
  synchronized SubscribeRequest request(SubscribeRequest wanted) {
    SubscribeRequest.Builder request = wanted.toBuilder();
    if (position != null) {
      request.setResume(position);
    }
    if (!memberToken.isEmpty()) {
      request.setMemberToken(memberToken);
    }
    return request.build();
  }
}
