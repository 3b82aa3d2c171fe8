package dev.sluice.storage;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.awaitility.Awaitility.await;

import dev.sluice.events.DomainEvent;
import dev.sluice.events.EventId;
import dev.sluice.events.Journal;
import dev.sluice.events.JournalEntry;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import org.junit.jupiter.api.Test;

/** Contract C1 and C15 across the end of the process, orderly or not. */
class JournalDurabilityTest extends StoreTest {

  private static void append(Journal journal, int count) {
    for (int n = 0; n < count; n++) {
      journal.append(new DomainEvent.McpServerStopped("ma th\nü", "n" + n));
    }
  }

  private static List<String> json(List<JournalEntry> entries) {
    return entries.stream().map(JournalEntry::json).toList();
  }

  @Test
  void anOrderlyRestartKeepsEverythingAndGoesOnCounting() throws IOException {
    List<String> before;
    EventId head;
    try (Journal journal = open()) {
      append(journal, 5000);
      before = json(all(journal));
      head = journal.head();
    }
    try (Journal journal = open()) {
      assertThat(json(all(journal))).isEqualTo(before);
      assertThat(all(journal).get(0).topic().subject()).isEqualTo("ma th\nü");
      assertThat(journal.head()).isEqualTo(head);
      EventId next = journal.append(new DomainEvent.McpServerStopped("math", "again"));
      assertThat(next).isEqualTo(new EventId(head.epoch(), 5001));
    }
  }

  @Test
  void afterKillNineNoIdIsGivenTwiceAndTheHoleIsReported() throws Exception {
    Set<String> given = new HashSet<>();
    EventId last = new EventId("none", 0);
    for (int round = 0; round < 3; round++) {
      List<String> lines = writeUntilKilled(3000 + round * 1000);
      for (String line : lines) {
        String id = line.substring(line.indexOf(' ') + 1);
        assertThat(given.add(id)).as("%s was given twice", id).isTrue();
        last = EventId.parse(id);
      }
      long durable = Long.parseLong(lines.get(lines.size() - 1).split(" ")[0]);
      try (Journal journal = open()) {
        assertThat(journal.epoch()).isEqualTo(last.epoch());
        List<JournalEntry> entries = all(journal);
        List<JournalEntry> theirs =
            entries.stream().filter(e -> e.json().contains("child-00000001")).toList();
        assertThat(theirs.get(theirs.size() - 1).seq())
            .as("what the journal called durable is there")
            .isGreaterThanOrEqualTo(durable);
        if (theirs.get(theirs.size() - 1).seq() < journal.head().seq()) {
          assertThat(entries.get(entries.size() - 1).topic().type()).isEqualTo("JournalRecovered");
        }
        EventId mine = journal.append(new DomainEvent.McpServerStopped("math", "after"));
        assertThat(mine.seq()).isGreaterThan(last.seq());
        assertThat(given.add(mine.toString())).isTrue();
      }
    }
  }

  private List<String> writeUntilKilled(int lines) throws Exception {
    Path output = directory.resolve("given.txt");
    Process child = EventWriterProcess.start(directory, output);
    try {
      await().until(() -> Files.size(output) > lines * 30L);
    } finally {
      child.destroyForcibly().waitFor();
    }
    List<String> seen =
        Files.readAllLines(output, StandardCharsets.UTF_8).stream()
            .filter(line -> line.matches("\\d+ \\S+:\\d+"))
            .toList();
    // The last line may be cut.
    return seen.subList(0, seen.size() - 1);
  }

  @Test
  void aTornTailIsRepairedAndWhatItHeldIsReported() throws Exception {
    Path image = Files.createDirectory(directory.resolve("image"));
    try (Journal journal = open()) {
      for (int round = 0; round < 10; round++) {
        append(journal, 600);
        awaitDurable(journal);
      }
      Files.copy(directory.resolve("events.mv"), image.resolve("events.mv"));
      Files.copy(directory.resolve("events.head"), image.resolve("events.head"));
    }
    try (FileChannel channel =
        FileChannel.open(image.resolve("events.mv"), StandardOpenOption.WRITE)) {
      channel.truncate(channel.size() - 9000);
    }
    try (Journal journal = open(new MvEventLog(image), SETTINGS)) {
      List<JournalEntry> entries = all(journal);
      JournalEntry report = entries.get(entries.size() - 1);
      long last = entries.get(entries.size() - 2).seq();
      assertThat(last).isBetween(1L, 5999L).isEqualTo(entries.size() - 1);
      assertThat(report.seq()).isEqualTo(6001);
      assertThat(report.json())
          .contains("JournalRecovered", ":" + (last + 1) + "\"", ":6000\"")
          .contains("\"lost_count\":" + (6000 - last));
    }
  }

  @Test
  void aStoreThatCannotBeReadIsMovedAsideAndANewEpochBegins() throws IOException {
    String epoch;
    try (Journal journal = open()) {
      epoch = journal.epoch();
      append(journal, 100);
    }
    Path file = directory.resolve("events.mv");
    try (FileChannel channel = FileChannel.open(file, StandardOpenOption.WRITE)) {
      channel.write(ByteBuffer.wrap(new byte[Math.toIntExact(channel.size())]), 0);
    }
    try (Journal journal = open()) {
      assertThat(journal.epoch()).isNotEqualTo(epoch);
      assertThat(all(journal)).hasSize(1);
      assertThat(all(journal).get(0).json())
          .contains("JournalRecovered", epoch + ":1", epoch + ":100", "corrupt");
    }
    assertMovedAside();
  }

  @Test
  void aDirectoryInUseByAnotherHubIsAClearRefusal() throws IOException {
    try (Journal journal = open()) {
      append(journal, 1);
      assertThatThrownBy(this::open)
          .isInstanceOf(IOException.class)
          .hasMessageContaining("sluice.data.dir")
          .hasMessageContaining("in use by another hub");
    }
  }

  @Test
  void retentionAppliesOnDiskToo() throws IOException {
    try (Journal journal = open(new MvEventLog(directory), keeping(500))) {
      for (int round = 0; round < 20; round++) {
        append(journal, 500);
        awaitDurable(journal);
      }
    }
    try (Journal journal = open()) {
      assertThat(all(journal)).hasSize(500);
      assertThat(journal.oldest().seq()).isEqualTo(9501);
    }
    assertThat(Files.size(directory.resolve("events.mv"))).isLessThan(16 * 1024 * 1024);
  }

  @Test
  void aLostStoreFileGivesNoIdTwice() throws IOException {
    try (Journal journal = open()) {
      append(journal, 100);
    }
    Files.delete(directory.resolve("events.mv"));
    try (Journal journal = open()) {
      assertThat(journal.head().seq()).isEqualTo(101);
      assertThat(all(journal).get(0).json()).contains("JournalRecovered", ":1\"", ":100\"");
    }
  }

  @Test
  void aLostHeadMarkSkipsAheadInsteadOfGivingAnIdTwice() throws IOException {
    try (Journal journal = open()) {
      append(journal, 100);
    }
    Files.delete(directory.resolve("events.head"));
    try (Journal journal = open()) {
      assertThat(all(journal)).hasSize(101);
      assertThat(journal.head().seq()).isEqualTo(100 + MvEventLog.SKIP + 1);
    }
    try (Journal journal = open()) {
      assertThat(all(journal)).hasSize(101);
      assertThat(journal.head().seq()).isEqualTo(100 + MvEventLog.SKIP + 1);
    }
  }

  @Test
  void theLogStartsNoThreadsOfItsOwn() throws IOException {
    try (Journal journal = open()) {
      append(journal, 2000);
      awaitDurable(journal);
      assertThat(Thread.getAllStackTraces().keySet().stream().map(Thread::getName))
          .noneMatch(name -> name.contains("MVStore") || name.contains("H2"));
    }
  }
}
