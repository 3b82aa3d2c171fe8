package dev.sluice.house;

import static java.util.stream.Collectors.toMap;
import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.regex.MatchResult;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** A test that the documents name as the one that holds a promise is there. */
class NamedTestsTest {

  /** A class of tests and, behind a dot, one of its tests. */
  private static final Pattern NAMED =
      Pattern.compile("`([A-Z][A-Za-z]*(?:Test|IT|BT|NT))(?:\\.([a-z]\\w*))?`");

  private static final Pattern ANNOTATION =
      Pattern.compile("@(Test|ParameterizedTest|Property)\\b");

  private static final Pattern ROW = Pattern.compile("(?m)^\\| (\\d+) \\|.*");

  /** A check of ToolHive's, or several of one letter. */
  private static final Pattern LETTERED_ROW =
      Pattern.compile("(?m)^\\| ((?:[A-G]\\d+(?:, )?)+) \\|.*");

  private final Map<String, String> sources = sources();

  private static Map<String, String> sources() {
    try (Stream<Path> files = Files.walk(Path.of("src/test"))) {
      return files
          .filter(file -> file.toString().endsWith(".java"))
          .filter(file -> !file.endsWith("package-info.java"))
          .collect(
              toMap(
                  file -> file.getFileName().toString().replace(".java", ""),
                  NamedTestsTest::text));
    } catch (IOException failure) {
      throw new UncheckedIOException(failure);
    }
  }

  private static String text(Path file) {
    try {
      return Files.readString(file);
    } catch (IOException failure) {
      throw new UncheckedIOException(failure);
    }
  }

  private boolean exists(String type, @Nullable String test) {
    String source = sources.get(type);
    if (source == null || test == null) {
      return source != null;
    }
    int method = source.indexOf("void " + test + "(");
    return method >= 0
        && ANNOTATION.matcher(source.substring(source.lastIndexOf("\n\n", method), method)).find();
  }

  @Test
  void everyTestThatTheDocumentsNameExists() throws IOException {
    List<String> missing = new ArrayList<>();
    int named = 0;
    try (Stream<Path> documents = Files.list(Path.of("docs"))) {
      for (Path document : documents.filter(f -> f.toString().endsWith(".md")).toList()) {
        Matcher matcher = NAMED.matcher(text(document));
        while (matcher.find()) {
          named++;
          if (!exists(matcher.group(1), matcher.group(2))) {
            missing.add(document.getFileName() + ": " + matcher.group());
          }
        }
      }
    }
    assertThat(named).isGreaterThan(50);
    assertThat(missing).isEmpty();
  }

  @Test
  void aTestThatIsNotThereIsMissed() {
    assertThat(exists("NamedTestsTest", "aTestThatIsNotThereIsMissed")).isTrue();
    assertThat(exists("NamedTestsTest", "aTestThatIsNot")).isFalse();
    assertThat(exists("NamedTestsTest", "exists")).isFalse();
    assertThat(exists("NoSuchTest", null)).isFalse();
  }

  @ParameterizedTest
  @CsvSource({"docs/acceptance.md, 25", "docs/conformance.md, 30"})
  void eachCheckHasItsRowAndNamesATest(Path document, int checks) {
    List<MatchResult> rows = ROW.matcher(text(document)).results().toList();
    assertThat(rows).hasSize(checks);
    for (int i = 0; i < rows.size(); i++) {
      assertThat(rows.get(i).group(1)).isEqualTo(Integer.toString(i + 1));
      assertThat(rows.get(i).group()).containsPattern(NAMED);
    }
  }

  @Test
  void eachCheckOfToolHiveHasItsRowThatNamesATestOrSaysWhyNot() {
    List<String> checks = new ArrayList<>();
    LETTERED_ROW
        .matcher(text(Path.of("docs/acceptance.md")))
        .results()
        .forEach(
            row -> {
              checks.addAll(List.of(row.group(1).split(", ")));
              assertThat(row.group()).containsPattern(NAMED.pattern() + "|Not applicable: ");
            });
    Map<String, Integer> last = Map.of("A", 22, "B", 27, "C", 12, "D", 6, "E", 3, "F", 6, "G", 1);
    List<String> wanted = new ArrayList<>();
    last.forEach(
        (letter, count) -> IntStream.rangeClosed(1, count).forEach(i -> wanted.add(letter + i)));
    assertThat(checks).containsExactlyInAnyOrderElementsOf(wanted);
  }
}
