package dev.sluice.house;

import static java.util.stream.Collectors.counting;
import static java.util.stream.Collectors.groupingBy;
import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.regex.MatchResult;
import java.util.regex.Pattern;
import org.junit.jupiter.api.Test;

/** Every numbered log message is said in one place and listed in docs/messages.md. */
class MessagesTest {

  private static final Pattern NUMBER = Pattern.compile("SLUICE-\\d{4}");

  @Test
  void everyNumberStandsInOnePlace() throws IOException {
    Map<String, Long> uses =
        inSources().stream().collect(groupingBy(number -> number, TreeMap::new, counting()));

    assertThat(uses.values()).as("uses by number: %s", uses).containsOnly(1L);
  }

  @Test
  void everyNumberIsListedAndEveryListedNumberIsUsed() throws IOException {
    Set<String> listed = Set.copyOf(numbers(Path.of("docs/messages.md")));

    assertThat(Set.copyOf(inSources())).isEqualTo(listed);
  }

  private static List<String> inSources() throws IOException {
    try (var files = Files.walk(Path.of("src/main/java"))) {
      return files
          .filter(file -> file.toString().endsWith(".java"))
          .flatMap(file -> numbers(file).stream())
          .toList();
    }
  }

  private static List<String> numbers(Path file) {
    try {
      return NUMBER.matcher(Files.readString(file)).results().map(MatchResult::group).toList();
    } catch (IOException failure) {
      throw new java.io.UncheckedIOException(failure);
    }
  }
}
