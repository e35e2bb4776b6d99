package dev.fanfare.driver;

import com.google.protobuf.Struct;
import com.google.protobuf.Value;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.stream.Stream;

/** Runs the scenarios of clients/conformance with this client; see its README.md. */
final class Main {
  private static final Set<String> KEYS = Set.of("name", "node", "connections", "slow", "steps");
  private static final int AT_A_TIME = 4;

  private Main() {}

  public static void main(String[] arguments) throws Exception {
    Map<String, String> given = options(arguments);
    Door door = new Door(given.get("--door"));
    Value file = Json.parse(Files.readString(Path.of(given.get("--scenarios"))));
    List<Struct> chosen =
        Json.list(file.getStructValue().getFieldsOrThrow("scenarios")).stream()
            .map(Value::getStructValue)
            .filter(scenario -> name(scenario).contains(given.getOrDefault("--only", "")))
            .toList();
    ExecutorService slow = Executors.newCachedThreadPool();
    ExecutorService quick = Executors.newFixedThreadPool(AT_A_TIME);
    List<Future<Boolean>> results = new ArrayList<>();
    for (Struct scenario : chosen) {
      ExecutorService threads = isSlow(scenario) ? slow : quick;
      results.add(threads.submit(() -> run(door, scenario)));
    }
    boolean allWell = true;
    for (Future<Boolean> result : results) {
      allWell &= result.get();
    }
    System.exit(allWell ? 0 : 1);
  }

  private static Map<String, String> options(String[] arguments) {
    if (arguments.length % 2 != 0
        || !Stream.of(arguments).toList().containsAll(List.of("--door", "--scenarios"))) {
      System.err.println("usage: Main --door URL --scenarios FILE [--only TEXT]");
      System.exit(2);
    }
    Map<String, String> given = new java.util.HashMap<>();
    for (int i = 0; i < arguments.length; i += 2) {
      given.put(arguments[i], arguments[i + 1]);
    }
    return given;
  }

  private static String name(Struct scenario) {
    return scenario.getFieldsOrThrow("name").getStringValue();
  }

  private static boolean isSlow(Struct scenario) {
    return scenario.getFieldsOrDefault("slow", Json.NULL).getBoolValue();
  }

  private static boolean run(Door door, Struct scenario) {
    Struct.Builder result = Struct.newBuilder().putFields("scenario", Json.text(name(scenario)));
    boolean isWell = true;
    try {
      if (!KEYS.containsAll(scenario.getFieldsMap().keySet())) {
        throw new IllegalArgumentException("a scenario that is not understood");
      }
      runOn(door, scenario);
    } catch (Exception | AssertionError e) {
      isWell = false;
      result.putFields("why", Json.text("" + e.getMessage()));
    }
    result.putFields("ok", Value.newBuilder().setBoolValue(isWell).build());
    System.out.println(Json.print(result.build()));
    return isWell;
  }

  private static void runOn(Door door, Struct scenario) throws Exception {
    Door.Node node = door.node(scenario.getFieldsOrThrow("node"));
    try (Run run =
        new Run(node, scenario.getFieldsOrDefault("connections", Json.NULL).getStructValue())) {
      run.steps(Json.list(scenario.getFieldsOrThrow("steps")));
    } finally {
      node.end();
    }
  }
}
