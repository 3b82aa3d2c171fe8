package dev.sluice.settings;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;

class SettingsTableTest {

  @Test
  void theTableInTheDocumentationIsTheTableInTheSources() throws IOException {
    List<String> documented;
    try (Stream<String> lines = Files.lines(Path.of("docs/settings.md"))) {
      documented =
          lines
              .filter(line -> line.startsWith("| `sluice."))
              .map(line -> line.substring(0, line.lastIndexOf('|', line.length() - 2)))
              .map(line -> line.replaceAll("\\s+", ""))
              .toList();
    }
    assertThat(documented).isEqualTo(Stream.of(Setting.values()).map(this::row).toList());
  }

  @Test
  void everySettingSaysWhatItMeans() throws IOException {
    try (Stream<String> lines = Files.lines(Path.of("docs/settings.md"))) {
      assertThat(lines.filter(line -> line.startsWith("| `sluice.")))
          .allMatch(line -> line.split("\\|", -1)[6].trim().length() > 10);
    }
  }

  private String row(Setting setting) {
    boolean number = setting.type() == Setting.Type.NUMBER;
    return String.join(
        "|",
        "",
        "`" + setting.key() + "`",
        "`" + setting.variable() + "`",
        setting.fallback(),
        number ? Long.toString(setting.min()) : "",
        number ? Long.toString(setting.max()) : "");
  }
}
