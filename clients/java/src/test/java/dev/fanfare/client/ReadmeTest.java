package dev.fanfare.client;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.BufferedReader;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.regex.MatchResult;
import java.util.regex.Pattern;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

@Timeout(120)
class ReadmeTest {
  /** The blocks of a page in one language, as the shell's commands. */
  private static List<String> blocksOf(String page, String language) {
    return Pattern.compile("```" + language + "\n(.*?)```", Pattern.DOTALL)
        .matcher(page)
        .results()
        .map((MatchResult block) -> block.group(1))
        .toList();
  }

  private static Process bash(String commands, String address) throws Exception {
    ProcessBuilder builder = new ProcessBuilder("bash", "-ec", commands);
    builder.redirectError(ProcessBuilder.Redirect.INHERIT);
    builder.environment().put("FANFARE_ADDRESS", address);
    return builder.start();
  }

  @Test
  void the_commands_of_the_readme_do_what_it_says() throws Exception {
    List<String> blocks = blocksOf(Files.readString(Path.of("README.md")), "bash");
    try (RealNode node = RealNode.start()) {
      assertEquals(0, bash(blocks.get(0), node.address).waitFor());
      Process listener = bash("exec " + blocks.get(1), node.address);
      try {
        BufferedReader lines = listener.inputReader(StandardCharsets.UTF_8);
        assertTrue(lines.readLine().matches("ready as [0-9a-f-]{36}"));
        Process commands = bash(blocks.get(2), node.address);
        List<String> said = commands.inputReader(StandardCharsets.UTF_8).lines().toList();
        assertEquals(0, commands.waitFor(), () -> "after " + said);
        assertEquals("number 1, 1 listened", said.get(0));
        assertTrue(said.get(1).matches("[0-9a-f-]{36} \\{\"name\":\"Ada\"\\}"), said.get(1));
        assertEquals("sent 1000, the last as number 1001", said.get(2));
        assertEquals("1 created {\"id\":17}", lines.readLine());
      } finally {
        listener.destroyForcibly();
      }
    }
  }

  @Test
  void the_page_on_clients_says_what_the_readme_says() throws Exception {
    String readme = Files.readString(Path.of("README.md"));
    String page = Files.readString(Path.of("../../docs/clients.md"));
    String section = page.split("\n## Java\n")[1].split("\n## ")[0];
    List<String> commands = blocksOf(readme, "bash").subList(0, 3);
    assertEquals(
        List.of("cd clients/java\n" + commands.get(0), commands.get(1), commands.get(2)),
        blocksOf(section, "bash"));
    assertEquals(blocksOf(readme, "text"), blocksOf(section, "text"));
  }
}
