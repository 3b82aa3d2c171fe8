package dev.sluice.storage;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.sluice.events.DomainEvent;
import dev.sluice.events.EventLog;
import dev.sluice.events.Journal;
import dev.sluice.events.StoredEvent;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.List;
import org.junit.jupiter.api.Test;

/** Real files with real damage: the hub starts, tells what is lost, and gives no id twice. */
class DamagedStoreTest extends StoreTest {

  private static void append(Journal journal, int count) {
    for (int n = 0; n < count; n++) {
      journal.append(new DomainEvent.McpServerStopped("math", "reason-" + n + "-end"));
    }
  }

  /** Overwrites the page around a text, wherever the store has put it. */
  private void overwrite(String text, int around) throws IOException {
    Path file = directory.resolve("events.mv");
    byte[] bytes = Files.readAllBytes(file);
    String content = new String(bytes, StandardCharsets.ISO_8859_1);
    int found = 0;
    try (FileChannel channel = FileChannel.open(file, StandardOpenOption.WRITE)) {
      for (int at = content.indexOf(text); at >= 0; at = content.indexOf(text, at + 1)) {
        channel.write(ByteBuffer.wrap(new byte[2 * around]), Math.max(8192, at - around));
        found++;
      }
    }
    assertThat(found).isPositive();
  }

  @Test
  void aStoreThatOpensButHasABadPageIsMovedAsideAndANewEpochBegins() throws IOException {
    String epoch;
    try (Journal journal = open()) {
      epoch = journal.epoch();
      for (int round = 0; round < 4; round++) {
        append(journal, 1000);
        awaitDurable(journal);
      }
    }
    overwrite("reason-500-end", 6000);
    try (Journal journal = open()) {
      assertThat(journal.epoch()).isNotEqualTo(epoch);
      assertThat(all(journal)).hasSize(1);
      assertThat(all(journal).get(0).json())
          .contains("JournalRecovered", epoch + ":1", epoch + ":4000", "corrupt");
      append(journal, 10);
    }
    try (Journal journal = open()) {
      assertThat(all(journal)).hasSize(11);
    }
    assertMovedAside();
  }

  @Test
  void aMarkThatCannotBeOpenedLeavesTheStoreUnlocked() throws IOException {
    Path mark = Files.createDirectory(directory.resolve("events.head"));
    assertThatThrownBy(this::open).isInstanceOf(IOException.class);
    Files.delete(mark);
    try (Journal journal = open()) {
      append(journal, 1);
      assertThat(journal.head().seq()).isEqualTo(1);
    }
  }

  @Test
  void aLogThatIsClosedRefusesToWriteInsteadOfOpeningAgain() throws IOException {
    EventLog log = new MvEventLog(directory);
    log.open("first", 10);
    log.close();
    assertThatThrownBy(
            () -> log.write(List.of(new StoredEvent(1, 1, "McpServerStopped", "math", "{}")), 1))
        .isInstanceOf(IOException.class)
        .hasMessageContaining("closed");
    try (Journal journal = open()) {
      assertThat(journal.head().seq()).isZero();
    }
  }

  @Test
  void aSystemThatDoesNotTellItsRunsApartIsNotTakenForTheSameRun() throws IOException {
    Path file = directory.resolve("mark");
    Path nothing = directory.resolve("no-boot-id");
    HeadMark.open(file, nothing).begin("epoch", 7);
    HeadMark untold = HeadMark.open(file, nothing);
    assertThat(untold.isPresent()).isTrue();
    assertThat(untold.isSameBoot()).isFalse();
    Path told = Files.writeString(directory.resolve("boot-id"), "0123456789abcdef-0\n");
    HeadMark.open(file, told).begin("epoch", 7);
    assertThat(HeadMark.open(file, told).isSameBoot()).isTrue();
    Path other = Files.writeString(directory.resolve("boot-id-2"), "1123456789abcdef-0\n");
    assertThat(HeadMark.open(file, other).isSameBoot()).isFalse();
  }

  @Test
  void aMarkWithoutItsMagicReadsAsAbsent() throws IOException {
    Path file = directory.resolve("mark");
    HeadMark.open(file).begin("epoch", 7);
    try (FileChannel channel = FileChannel.open(file, StandardOpenOption.WRITE)) {
      channel.write(ByteBuffer.wrap(new byte[8]), 0);
    }
    HeadMark half = HeadMark.open(file);
    assertThat(half.isPresent()).isFalse();
    half.begin("other", 9);
    assertThat(half.isPresent()).isTrue();
    assertThat(half.epoch()).isEqualTo("other");
  }
}
