package dev.fanfare.driver;

import com.google.protobuf.ListValue;
import com.google.protobuf.Struct;
import com.google.protobuf.Value;
import com.google.protobuf.Value.KindCase;
import java.math.BigDecimal;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/** The language of clients/conformance/README.md: what is replaced, and what matches. */
final class Matching {
  private static final Pattern SAVED = Pattern.compile("\\$\\{([^}]*)\\}");
  private static final Pattern REPEAT = Pattern.compile("\\$repeat:(\\d+):(.*)", Pattern.DOTALL);
  private static final Pattern MARK =
      Pattern.compile("\\$(any$|absent$|save:|gt:|lt:|ne:|contains:)(.*)", Pattern.DOTALL);

  private final Map<String, Value> saved = new HashMap<>();

  void save(String name, Value value) {
    saved.put(name, value);
  }

  /** A copy with every string replaced. */
  Value replaced(Value value) {
    return switch (value.getKindCase()) {
      case STRING_VALUE -> replacedText(value.getStringValue());
      case LIST_VALUE -> {
        ListValue.Builder list = ListValue.newBuilder();
        value.getListValue().getValuesList().forEach(item -> list.addValues(replaced(item)));
        yield Value.newBuilder().setListValue(list).build();
      }
      case STRUCT_VALUE -> {
        Struct.Builder struct = Struct.newBuilder();
        value
            .getStructValue()
            .getFieldsMap()
            .forEach((key, item) -> struct.putFields(key, replaced(item)));
        yield Value.newBuilder().setStructValue(struct).build();
      }
      default -> value;
    };
  }

  private Value replacedText(String text) {
    Matcher names = SAVED.matcher(text);
    if (names.matches()) {
      return saved(names.group(1));
    }
    names.reset();
    String filled =
        names.replaceAll(name -> Matcher.quoteReplacement(saved(name.group(1)).getStringValue()));
    Matcher repeat = REPEAT.matcher(filled);
    return Json.text(
        repeat.matches() ? repeat.group(2).repeat(Integer.parseInt(repeat.group(1))) : filled);
  }

  private Value saved(String name) {
    Value value = saved.get(name);
    if (value == null) {
      throw new IllegalStateException("nothing was saved as " + name);
    }
    return value;
  }

  /**
   * Fails with where and why it does not match. Strings are replaced as it goes, since what one
   * part saves another may use.
   *
   * @param actual null if there is nothing
   */
  void match(Value expected, Value actual) {
    mismatch(expected, actual, "")
        .ifPresent(
            reason -> {
              throw new AssertionError(reason);
            });
  }

  private Optional<String> mismatch(Value template, Value actual, String path) {
    boolean isText = template.getKindCase() == KindCase.STRING_VALUE;
    Value expected = isText ? replacedText(template.getStringValue()) : template;
    Optional<String> differs =
        Optional.of(
            (path.isEmpty() ? "it" : path)
                + ": expected "
                + Json.brief(expected)
                + ", got "
                + Json.brief(actual));
    boolean well =
        switch (expected.getKindCase()) {
          case STRING_VALUE -> matchesText(expected, actual);
          case NUMBER_VALUE ->
              actual != null
                  && actual.hasNumberValue()
                  && actual.getNumberValue() == expected.getNumberValue();
          case LIST_VALUE ->
              actual != null
                  && actual.hasListValue()
                  && actual.getListValue().getValuesCount()
                      == expected.getListValue().getValuesCount();
          case STRUCT_VALUE -> actual != null && actual.hasStructValue();
          default -> expected.equals(actual);
        };
    if (!well) {
      return differs;
    }
    return switch (expected.getKindCase()) {
      case LIST_VALUE -> inList(Json.list(expected), Json.list(actual), path);
      case STRUCT_VALUE -> inStruct(expected.getStructValue(), actual.getStructValue(), path);
      default -> Optional.empty();
    };
  }

  private Optional<String> inList(List<Value> expected, List<Value> actual, String path) {
    for (int i = 0; i < expected.size(); i++) {
      Optional<String> reason = mismatch(expected.get(i), actual.get(i), path + "[" + i + "]");
      if (reason.isPresent()) {
        return reason;
      }
    }
    return Optional.empty();
  }

  private Optional<String> inStruct(Struct expected, Struct actual, String path) {
    for (Map.Entry<String, Value> field : expected.getFieldsMap().entrySet()) {
      Value there = actual.getFieldsMap().get(field.getKey());
      Optional<String> reason = mismatch(field.getValue(), there, path + "." + field.getKey());
      if (reason.isPresent()) {
        return reason;
      }
    }
    return Optional.empty();
  }

  private boolean matchesText(Value expected, Value actual) {
    Matcher mark = MARK.matcher(expected.getStringValue());
    String kind = mark.matches() ? mark.group(1) : "";
    if (actual == null) {
      return kind.equals("absent");
    }
    String text = actual.hasStringValue() ? actual.getStringValue() : null;
    switch (kind) {
      case "absent":
        return false;
      case "any":
        return true;
      case "save:":
        saved.put(mark.group(2), actual);
        return true;
      case "gt:":
        return compared(actual, mark.group(2)).filter(order -> order > 0).isPresent();
      case "lt:":
        return compared(actual, mark.group(2)).filter(order -> order < 0).isPresent();
      case "ne:":
        return text != null && !text.equals(mark.group(2));
      case "contains:":
        return text != null && text.contains(mark.group(2));
      default:
        return expected.equals(actual);
    }
  }

  /** Above or below 0 as a number is above or below a bound; empty if it is no number. */
  private static Optional<Integer> compared(Value actual, String bound) {
    try {
      BigDecimal number =
          actual.hasNumberValue()
              ? BigDecimal.valueOf(actual.getNumberValue())
              : new BigDecimal(actual.getStringValue());
      return Optional.of(number.compareTo(new BigDecimal(bound)));
    } catch (NumberFormatException e) {
      return Optional.empty();
    }
  }
}
