package dev.sluice.management;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;

class FiguresTest {

  @Test
  void theTableInTheDocumentationIsTheTableInTheSources() throws IOException {
    List<String> rows = new ArrayList<>();
    add(rows, "Hub", Figures.HUB);
    add(rows, "Stream", Figures.STREAM);
    add(rows, "Journal", Figures.JOURNAL);
    add(rows, "Servers", Figures.SERVERS);
    add(rows, "Upstream", Figures.UPSTREAM);
    add(rows, "Relay", RelayFigures.RELAY);
    add(rows, "Threads", Figures.THREADS);
    rows.add(row("", "", Figures.SERVERS_BY_STATE));
    rows.add(row("", "", Figures.ERRORS_BY_STATUS));
    try (Stream<String> lines = Files.lines(Path.of("docs/operations.md"))) {
      assertThat(lines.filter(line -> line.startsWith("| `sluice_")))
          .containsExactlyElementsOf(rows);
    }
  }

  private static <T> void add(List<String> rows, String bean, List<Figure<T>> figures) {
    for (Figure<T> figure : figures) {
      rows.add(row(bean, "`" + figure.attribute() + "`", figure));
    }
  }

  private static String row(String bean, String attribute, Figure<?> figure) {
    return "| `%s` | %s | %s | %s | %s |"
        .formatted(
            figure.exposed(),
            bean,
            attribute,
            figure.kind().name().toLowerCase(Locale.ROOT),
            figure.help());
  }
}
