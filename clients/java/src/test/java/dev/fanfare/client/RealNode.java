package dev.fanfare.client;

import java.io.BufferedReader;
import java.io.File;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/** A real node, for tests: the binary FANFARE_BIN, else one on PATH, else built by cargo. */
final class RealNode implements AutoCloseable {
  private static final Pattern LISTENING = Pattern.compile("listening on ([^;\\s]+)");
  private static final Path REPOSITORY = Path.of("").toAbsolutePath().resolve("../..").normalize();

  private final Process process;
  final String address;

  private RealNode(Process process, String address) {
    this.process = process;
    this.address = address;
  }

  static RealNode start() throws IOException, InterruptedException {
    return start(Map.of());
  }

  static RealNode start(Map<String, String> settings) throws IOException, InterruptedException {
    return start(settings, "127.0.0.1:0");
  }

  private static RealNode start(Map<String, String> settings, String address)
      throws IOException, InterruptedException {
    List<String> command = new ArrayList<>(List.of(binary(), "serve", "--listen", address));
    settings.forEach((key, value) -> command.addAll(List.of("--set", key + "=" + value)));
    ProcessBuilder builder =
        new ProcessBuilder(command).redirectError(ProcessBuilder.Redirect.INHERIT);
    // A node takes FANFARE_BIN and the like for settings.
    builder.environment().keySet().removeIf(name -> name.startsWith("FANFARE_"));
    Process process = builder.start();
    BufferedReader lines = process.inputReader(StandardCharsets.UTF_8);
    for (String line = lines.readLine(); line != null; line = lines.readLine()) {
      Matcher listening = LISTENING.matcher(line);
      if (listening.find()) {
        return new RealNode(process, listening.group(1));
      }
    }
    throw new IOException("the node ended with " + process.waitFor() + " before it listened");
  }

  private static String binary() throws IOException, InterruptedException {
    String given = System.getenv("FANFARE_BIN");
    if (given != null) {
      return given;
    }
    for (String folder : System.getenv().getOrDefault("PATH", "").split(File.pathSeparator)) {
      File found = new File(folder, "fanfare");
      if (found.canExecute()) {
        return found.getPath();
      }
    }
    List<String> build = Arrays.asList("cargo", "build", "--release");
    if (new ProcessBuilder(build).directory(REPOSITORY.toFile()).inheritIO().start().waitFor()
        != 0) {
      throw new IOException("no FANFARE_BIN, no fanfare on PATH, and it could not be built");
    }
    return REPOSITORY.resolve("target/release/fanfare").toString();
  }

  /** SIGTERM, and waits until it is gone. */
  void stop() throws InterruptedException {
    process.destroy();
    process.waitFor();
  }

  /** Another run, at the same address. */
  RealNode again() throws IOException, InterruptedException {
    return start(Map.of(), address);
  }

  @Override
  public void close() throws InterruptedException {
    stop();
  }
}
