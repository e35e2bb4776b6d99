package dev.fanfare.client;

import com.google.protobuf.Struct;
import com.google.protobuf.Value;
import com.google.protobuf.util.JsonFormat;
import java.io.IOException;
import java.io.InputStream;
import java.io.InputStreamReader;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/** How calls are tried again: clients/service-config.json, as grpc-java takes it. */
final class ServiceConfig {
  static final Map<String, ?> MAP = read();

  private ServiceConfig() {}

  private static Map<String, ?> read() {
    try (InputStream file = ServiceConfig.class.getResourceAsStream("service-config.json")) {
      Struct.Builder config = Struct.newBuilder();
      JsonFormat.parser().merge(new InputStreamReader(file, StandardCharsets.UTF_8), config);
      return map(config.build());
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  private static Map<String, ?> map(Struct struct) {
    Map<String, Object> map = new LinkedHashMap<>();
    struct.getFieldsMap().forEach((key, value) -> map.put(key, plain(value)));
    return map;
  }

  private static Object plain(Value value) {
    return switch (value.getKindCase()) {
      case STRUCT_VALUE -> map(value.getStructValue());
      case LIST_VALUE -> list(value.getListValue().getValuesList());
      case STRING_VALUE -> value.getStringValue();
      case NUMBER_VALUE -> value.getNumberValue();
      case BOOL_VALUE -> value.getBoolValue();
      case NULL_VALUE, KIND_NOT_SET -> null;
    };
  }

  private static List<?> list(List<Value> values) {
    return values.stream().map(ServiceConfig::plain).toList();
  }
}
