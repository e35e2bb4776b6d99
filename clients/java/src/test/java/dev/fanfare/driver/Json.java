package dev.fanfare.driver;

import com.google.protobuf.Any;
import com.google.protobuf.Int64Value;
import com.google.protobuf.InvalidProtocolBufferException;
import com.google.protobuf.Message;
import com.google.protobuf.NullValue;
import com.google.protobuf.StringValue;
import com.google.protobuf.Struct;
import com.google.protobuf.TypeRegistry;
import com.google.protobuf.UInt64Value;
import com.google.protobuf.Value;
import com.google.protobuf.util.JsonFormat;
import com.google.rpc.ErrorDetailsProto;
import io.grpc.Status;
import io.grpc.protobuf.StatusProto;
import java.util.ArrayList;
import java.util.List;

/** JSON as protobuf's own {@code Value}, and messages and errors as such JSON. */
final class Json {
  /** The types that an Any in a scenario may have. */
  private static final TypeRegistry TYPES =
      TypeRegistry.newBuilder()
          .add(ErrorDetailsProto.getDescriptor().getMessageTypes())
          .add(StringValue.getDescriptor())
          .add(Int64Value.getDescriptor())
          .add(UInt64Value.getDescriptor())
          .build();

  private static final JsonFormat.Printer PRINTER =
      JsonFormat.printer().usingTypeRegistry(TYPES).omittingInsignificantWhitespace();
  private static final JsonFormat.Parser PARSER = JsonFormat.parser().usingTypeRegistry(TYPES);

  static final Value NULL = Value.newBuilder().setNullValue(NullValue.NULL_VALUE).build();
  static final Value ENDED_WELL = error("OK", "", Struct.getDefaultInstance());

  private Json() {}

  static Value parse(String text) {
    Value.Builder value = Value.newBuilder();
    merge(text, value);
    return value.build();
  }

  static String print(Message message) {
    try {
      return PRINTER.print(message);
    } catch (InvalidProtocolBufferException e) {
      throw new IllegalArgumentException("not to be written as JSON: " + e.getMessage(), e);
    }
  }

  /** JSON into a message. */
  static <B extends Message.Builder> B read(Value json, B into) {
    merge(print(json), into);
    return into;
  }

  /** A message as JSON. */
  static Value shown(Message message) {
    return parse(print(message));
  }

  /** An error in the form that the conformance's page gives it. */
  static Value shownError(Throwable error) {
    Status status = Status.fromThrowable(error);
    Struct.Builder details = Struct.newBuilder();
    com.google.rpc.Status carried = StatusProto.fromThrowable(error);
    List<Any> any = carried == null ? List.of() : carried.getDetailsList();
    for (Any detail : any) {
      Struct.Builder shown = shown(detail).getStructValue().toBuilder();
      shown.removeFields("@type");
      String type = detail.getTypeUrl();
      details.putFields(
          type.substring(type.lastIndexOf('.') + 1),
          Value.newBuilder().setStructValue(shown).build());
    }
    String message = status.getDescription() == null ? "" : status.getDescription();
    return error(status.getCode().name(), message, details.build());
  }

  private static Value error(String code, String message, Struct details) {
    Struct error =
        Struct.newBuilder()
            .putFields("code", text(code))
            .putFields("message", text(message))
            .putFields("details", Value.newBuilder().setStructValue(details).build())
            .build();
    return Value.newBuilder().setStructValue(error).build();
  }

  static Value text(String text) {
    return Value.newBuilder().setStringValue(text).build();
  }

  /** Short enough for a line. */
  static String brief(Value value) {
    String text = value == null ? "nothing" : print(value);
    return text.length() > 400 ? text.substring(0, 400) + "..." : text;
  }

  static List<Value> list(Value value) {
    return new ArrayList<>(value.getListValue().getValuesList());
  }

  private static void merge(String text, Message.Builder into) {
    try {
      PARSER.merge(text, into);
    } catch (InvalidProtocolBufferException e) {
      throw new IllegalArgumentException(e.getMessage() + " in " + text, e);
    }
  }
}
