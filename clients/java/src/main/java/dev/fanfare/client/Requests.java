package dev.fanfare.client;

import dev.fanfare.v1.BroadcastRequest;
import dev.fanfare.v1.SendRequest;
import dev.fanfare.v1.SessionRequest;
import java.util.UUID;

/** Requests that can be repeated and happen once: with an id of their own if none was given. */
final class Requests {
  private Requests() {}

  static SendRequest repeatable(SendRequest request) {
    return request.getRequestId().isEmpty()
        ? request.toBuilder().setRequestId(newId()).build()
        : request;
  }

  static BroadcastRequest repeatable(BroadcastRequest request) {
    return request.getRequestId().isEmpty()
        ? request.toBuilder().setRequestId(newId()).build()
        : request;
  }

  static SessionRequest repeatable(SessionRequest request) {
    return switch (request.getRequestCase()) {
      case SEND -> request.toBuilder().setSend(repeatable(request.getSend())).build();
      case BROADCAST ->
          request.toBuilder().setBroadcast(repeatable(request.getBroadcast())).build();
      default -> request;
    };
  }

  private static String newId() {
    return UUID.randomUUID().toString();
  }
}
