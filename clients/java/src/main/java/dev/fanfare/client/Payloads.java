package dev.fanfare.client;

import com.google.protobuf.ByteString;
import com.google.protobuf.InvalidProtocolBufferException;
import com.google.protobuf.Struct;
import com.google.protobuf.Value;
import com.google.protobuf.util.JsonFormat;
import dev.fanfare.v1.Payload;
import java.util.stream.Collectors;

/** Payloads and profiles from what a program has at hand, and back. */
public final class Payloads {
  private static final JsonFormat.Printer PRINTER =
      JsonFormat.printer().omittingInsignificantWhitespace();

  /** Up to here a double has every whole number. */
  private static final double LARGEST_WHOLE = 1L << 53;

  private Payloads() {}

  /**
   * A payload of JSON, from its text.
   *
   * @throws IllegalArgumentException if the text is not JSON
   */
  public static Payload json(String text) {
    Value.Builder value = Value.newBuilder();
    parse(text, value);
    return Payload.newBuilder().setJson(value).build();
  }

  public static Payload text(String text) {
    return Payload.newBuilder().setText(text).build();
  }

  public static Payload binary(byte[] bytes) {
    return Payload.newBuilder().setBinary(ByteString.copyFrom(bytes)).build();
  }

  /**
   * A member's profile, from the text of a JSON object.
   *
   * @throws IllegalArgumentException if the text is no JSON object
   */
  public static Struct profile(String text) {
    Struct.Builder profile = Struct.newBuilder();
    parse(text, profile);
    return profile.build();
  }

  /** The text of the JSON that a payload of that kind has. */
  public static String toJson(Payload payload) {
    return toJson(payload.getJson());
  }

  /** The text of a member's profile. */
  public static String toJson(Struct profile) {
    return profile.getFieldsMap().entrySet().stream()
        .map(field -> quoted(field.getKey()) + ":" + toJson(field.getValue()))
        .collect(Collectors.joining(",", "{", "}"));
  }

  /** The text of any JSON, with whole numbers as such: protobuf's printer makes 17 a 17.0. */
  public static String toJson(Value value) {
    return switch (value.getKindCase()) {
      case NUMBER_VALUE -> number(value.getNumberValue());
      case LIST_VALUE ->
          value.getListValue().getValuesList().stream()
              .map(Payloads::toJson)
              .collect(Collectors.joining(",", "[", "]"));
      case STRUCT_VALUE -> toJson(value.getStructValue());
      case STRING_VALUE -> quoted(value.getStringValue());
      case BOOL_VALUE -> String.valueOf(value.getBoolValue());
      case NULL_VALUE, KIND_NOT_SET -> "null";
    };
  }

  private static String number(double number) {
    boolean isWhole = number == Math.rint(number) && Math.abs(number) < LARGEST_WHOLE;
    return isWhole ? String.valueOf((long) number) : String.valueOf(number);
  }

  private static String quoted(String text) {
    return print(Value.newBuilder().setStringValue(text).build());
  }

  private static void parse(String text, com.google.protobuf.Message.Builder into) {
    try {
      JsonFormat.parser().merge(text, into);
    } catch (InvalidProtocolBufferException e) {
      throw new IllegalArgumentException("not JSON as it must be: " + e.getMessage(), e);
    }
  }

  private static String print(com.google.protobuf.MessageOrBuilder message) {
    try {
      return PRINTER.print(message);
    } catch (InvalidProtocolBufferException e) {
      throw new IllegalArgumentException("JSON that cannot be written: " + e.getMessage(), e);
    }
  }
}
