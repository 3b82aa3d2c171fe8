package dev.sluice.it;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.zip.ZipEntry;
import java.util.zip.ZipFile;
import org.junit.jupiter.api.Test;

/** What is shipped. */
class WarIT {

  private static final Path WAR = Path.of(System.getProperty("sluice.test.war"));
  private static final long MOST = 15_000_000;

  @Test
  void theWarHasLessThanFifteenMegabytes() throws Exception {
    assertThat(Files.size(WAR)).isLessThan(MOST);
  }

  @Test
  void theWarHasNothingOfTheTestsAndTheLoadProgram() throws Exception {
    try (ZipFile war = new ZipFile(WAR.toFile())) {
      assertThat(war.stream().map(ZipEntry::getName))
          .contains("WEB-INF/classes/dev/sluice/boot/House.class")
          .noneMatch(name -> name.startsWith("WEB-INF/classes/dev/sluice/it/"))
          .noneMatch(name -> name.startsWith("WEB-INF/classes/dev/sluice/bench/"))
          .noneMatch(name -> name.endsWith("Test.class"));
    }
  }
}
