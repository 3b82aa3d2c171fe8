package dev.sluice.house;

import static org.assertj.core.api.Assertions.assertThat;

import dev.sluice.events.DomainEvent;
import dev.sluice.events.RawJson;
import java.io.IOException;
import java.lang.reflect.RecordComponent;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.TreeMap;
import java.util.regex.MatchResult;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import org.junit.jupiter.api.Test;

/** Every type of event is declared and documented, with the same fields. */
class EventTypesTest {

  private static final Pattern ROW =
      Pattern.compile("(?m)^\\| `([A-Z]\\w+)` \\| (.*?) \\| .+ \\|$");
  private static final Map<Class<?>, String> TYPES =
      Map.of(
          String.class, "string",
          int.class, "integer",
          long.class, "integer",
          double.class, "number",
          boolean.class, "boolean",
          List.class, "strings",
          RawJson.class, "json");

  private static List<Class<?>> declared() {
    return List.of(DomainEvent.class.getPermittedSubclasses());
  }

  @Test
  void theDocumentListsEveryTypeWithItsFields() throws IOException {
    Map<String, String> documented =
        ROW.matcher(Files.readString(Path.of("docs/events.md")))
            .results()
            .collect(
                Collectors.toMap(
                    (MatchResult row) -> row.group(1),
                    row -> row.group(2),
                    (first, second) -> first + " and again " + second,
                    TreeMap::new));
    Map<String, String> declared = new TreeMap<>();
    for (Class<?> type : declared()) {
      declared.put(
          type.getSimpleName(),
          Arrays.stream(type.getRecordComponents())
              .map(EventTypesTest::field)
              .collect(Collectors.joining(", ")));
    }
    assertThat(documented).isEqualTo(declared);
  }

  @Test
  void whatTheDocumentSaysOfATypeIsOneShortSentenceAndNoSource() throws IOException {
    assertThat(
            ROW.matcher(Files.readString(Path.of("docs/events.md")))
                .results()
                .map(row -> row.group().substring(row.group().indexOf(row.group(2))))
                .map(row -> row.substring(row.indexOf(" | ") + 3)))
        .isNotEmpty()
        .allSatisfy(text -> assertThat(text).hasSizeLessThan(200).doesNotContain("{", "/*", " / "));
  }

  private static String field(RecordComponent component) {
    String snake = component.getName().replaceAll("([A-Z])", "_$1").toLowerCase(Locale.ROOT);
    return "`" + snake + "` " + TYPES.get(component.getType());
  }
}
