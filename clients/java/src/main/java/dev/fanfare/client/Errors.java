package dev.fanfare.client;

import com.google.protobuf.Any;
import com.google.protobuf.InvalidProtocolBufferException;
import com.google.protobuf.Message;
import com.google.rpc.BadRequest;
import com.google.rpc.BadRequest.FieldViolation;
import com.google.rpc.ErrorInfo;
import com.google.rpc.RetryInfo;
import dev.fanfare.v1.ErrorStatus;
import io.grpc.Status;
import io.grpc.StatusException;
import io.grpc.StatusRuntimeException;
import io.grpc.protobuf.StatusProto;
import java.time.Duration;
import java.util.List;
import java.util.Optional;
import java.util.Set;

/** What an error of a call, or of one request within it, says beside its code. */
public final class Errors {
  private static final String DOMAIN = "fanfare.v1";

  /** Trying the same again is in vain. */
  private static final Set<Status.Code> PERMANENT =
      Set.of(
          Status.Code.INVALID_ARGUMENT,
          Status.Code.PERMISSION_DENIED,
          Status.Code.UNAUTHENTICATED,
          Status.Code.UNIMPLEMENTED);

  private Errors() {}

  /** Why the node refused, as {@code INVALID_CHANNEL}; empty if the error is not the node's own. */
  public static Optional<String> reason(Throwable error) {
    return detail(error, ErrorInfo.class)
        .filter(info -> info.getDomain().equals(DOMAIN))
        .map(ErrorInfo::getReason);
  }

  /** Which fields of the request are wrong, and why. */
  public static List<FieldViolation> fieldViolations(Throwable error) {
    return detail(error, BadRequest.class)
        .map(BadRequest::getFieldViolationsList)
        .orElse(List.of());
  }

  /** How long the node asks to wait before the next attempt; zero if it does not say. */
  public static Duration retryDelay(Throwable error) {
    return detail(error, RetryInfo.class)
        .map(info -> duration(info.getRetryDelay()))
        .orElse(Duration.ZERO);
  }

  /** The first detail of one type that an error carries. */
  public static <M extends Message> Optional<M> detail(Throwable error, Class<M> type) {
    com.google.rpc.Status status = StatusProto.fromThrowable(error);
    if (status == null) {
      return Optional.empty();
    }
    for (Any any : status.getDetailsList()) {
      if (any.is(type)) {
        try {
          return Optional.of(any.unpack(type));
        } catch (InvalidProtocolBufferException e) {
          return Optional.empty();
        }
      }
    }
    return Optional.empty();
  }

  static Duration duration(com.google.protobuf.Duration duration) {
    return Duration.ofSeconds(duration.getSeconds(), duration.getNanos());
  }

  static boolean isPermanent(StatusRuntimeException error) {
    Status.Code code = error.getStatus().getCode();
    // A proxy may abort too; only the node means that the member is elsewhere.
    boolean isReplaced = code == Status.Code.ABORTED && reason(error).isPresent();
    return isReplaced || PERMANENT.contains(code);
  }

  static StatusRuntimeException unchecked(StatusException error) {
    StatusRuntimeException unchecked = error.getStatus().asRuntimeException(error.getTrailers());
    unchecked.addSuppressed(error);
    return unchecked;
  }

  static StatusRuntimeException unavailable(String description) {
    return Status.UNAVAILABLE.withDescription(description).asRuntimeException();
  }

  /** The error that a reply of a session or an entry of a batch carries. */
  public static StatusRuntimeException of(ErrorStatus error) {
    return StatusProto.toStatusRuntimeException(
        com.google.rpc.Status.newBuilder()
            .setCode(error.getCode())
            .setMessage(error.getMessage())
            .addAllDetails(error.getDetailsList())
            .build());
  }
}
