package dev.sluice.storage;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import dev.sluice.events.DomainEvent;
import dev.sluice.events.EventId;
import dev.sluice.events.Journal;
import dev.sluice.events.JournalEntry;
import dev.sluice.events.JournalSettings;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.ThreadFactory;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/**
 * What a fall of the system, or of its power, leaves of a real store: each file as it was at some
 * sync, one perhaps older than the other, the tail perhaps torn. No id is given twice, and what is
 * missing is reported.
 */
class SystemCrashTest {

  private static final JournalSettings SETTINGS = JournalSettings.defaults("test-00000001");
  private static final ThreadFactory THREADS =
      work -> {
        Thread thread = new Thread(work);
        thread.setDaemon(true);
        return thread;
      };

  /** Events until the older state of the files, until the newer one, and those given after it. */
  private static final int OLDER = 1500;

  private static final int NEWER = 3000;
  private static final int GIVEN = 3700;

  @TempDir Path directory;

  /** Every id that was ever given out, with its event. */
  private final Map<String, String> given = new HashMap<>();

  private Path bootId;
  private String epoch;

  /** Writes a history and keeps the files of three moments in it. */
  @BeforeEach
  void run() throws IOException {
    bootId = Files.writeString(directory.resolve("another-boot"), "0123456789abcdef-0\n");
    Path live = directory.resolve("live");
    try (Journal journal = open(live)) {
      epoch = journal.epoch();
      commit(journal, OLDER);
      copy(live, "older");
      commit(journal, NEWER - OLDER);
      copy(live, "newer");
      append(journal, GIVEN - NEWER);
    }
    copy(live, "closed");
    assertThat(given).hasSize(GIVEN);
  }

  private static Journal open(Path files) throws IOException {
    return Journal.durable(SETTINGS, new MvEventLog(files), THREADS);
  }

  private void append(Journal journal, int count) {
    for (int n = 0; n < count; n++) {
      EventId id = journal.append(new DomainEvent.McpServerStopped("math", "n" + n));
      assertThat(given.put(id.toString(), "n" + n)).as("%s was given twice", id).isNull();
    }
  }

  /** In five commits, so that a torn tail takes some of it and not all. */
  private void commit(Journal journal, int count) {
    for (int n = 0; n < 5; n++) {
      append(journal, count / 5);
      await().until(() -> journal.stats().undurable() == 0);
    }
  }

  private void copy(Path live, String moment) throws IOException {
    Path kept = Files.createDirectory(directory.resolve(moment));
    for (String name : List.of("events.mv", "events.head")) {
      Files.copy(live.resolve(name), kept.resolve(name));
    }
  }

  /** The disk after the fall: a store and a mark of these moments, found by the next system. */
  private Path fallen(String store, String mark) throws IOException {
    Path files = Files.createDirectory(directory.resolve("fallen"));
    Files.copy(directory.resolve(store).resolve("events.mv"), files.resolve("events.mv"));
    Files.copy(directory.resolve(mark).resolve("events.head"), files.resolve("events.head"));
    ofAnotherBoot(files.resolve("events.head"));
    return files;
  }

  /** The mark, with its contents, as another run of the system would have left it. */
  private void ofAnotherBoot(Path file) throws IOException {
    HeadMark found = HeadMark.open(file);
    assertThat(found.isPresent()).isTrue();
    boolean clean = found.isClean();
    HeadMark other = HeadMark.open(file, bootId);
    other.begin(found.epoch(), found.seq());
    if (clean) {
      other.end();
    }
    assertThat(HeadMark.open(file).isSameBoot()).isFalse();
  }

  private static void tear(Path file, int bytes) throws IOException {
    try (FileChannel channel = FileChannel.open(file, StandardOpenOption.WRITE)) {
      channel.truncate(channel.size() - bytes);
    }
  }

  private static List<JournalEntry> all(Journal journal) {
    return journal.read(0, Integer.MAX_VALUE, topic -> true);
  }

  /** Holds what was recovered to what was given; returns the last seq that is still there. */
  private long assertKeptAndReported(Journal journal, long head) {
    List<JournalEntry> entries = new ArrayList<>(all(journal));
    JournalEntry report = entries.remove(entries.size() - 1);
    long last = 0;
    for (JournalEntry entry : entries) {
      assertThat(entry.seq()).as("what is kept has no hole").isEqualTo(++last);
      assertThat(entry.json()).contains("\"" + given.get(epoch + ":" + last) + "\"");
    }
    assertThat(journal.epoch()).isEqualTo(epoch);
    assertThat(report.topic().type()).isEqualTo("JournalRecovered");
    assertThat(report.seq()).isEqualTo(head + 1);
    assertThat(report.json())
        .contains("\"" + epoch + ":" + (last + 1) + "\"", "\"" + epoch + ":" + head + "\"")
        .contains("\"lost_count\":" + (head - last));
    assertThat(given.put(epoch + ":" + report.seq(), "report")).isNull();
    return last;
  }

  @ParameterizedTest(name = "store {0}, mark {1}, torn by {2} bytes")
  @CsvSource({
    "older, older, 0",
    "older, newer, 0",
    "newer, older, 0",
    "newer, newer, 0",
    "older, older, 5000",
    "older, newer, 5000",
    "newer, older, 5000",
    "newer, newer, 5000"
  })
  void whateverIsOlderNoIdIsGivenTwiceAndTheHoleIsReported(String store, String mark, int torn)
      throws IOException {
    Path files = fallen(store, mark);
    tear(files.resolve("events.mv"), torn);
    long marked = mark.equals("older") ? OLDER : NEWER;
    long stored = store.equals("older") ? OLDER : NEWER;
    long head;
    try (Journal journal = open(files)) {
      head = journal.head().seq() - 1;
      long last = assertKeptAndReported(journal, head);
      if (torn == 0) {
        assertThat(last).isEqualTo(stored);
      } else {
        assertThat(last).isBetween(1L, stored);
      }
      assertThat(head).isEqualTo(Math.max(marked, last) + MvEventLog.SKIP);
      append(journal, 50);
    }

    // A second fall, which takes the whole second run out of the store.
    Path mv = files.resolve("events.mv");
    Files.delete(mv);
    Files.copy(directory.resolve(store).resolve("events.mv"), mv);
    HeadMark.open(files.resolve("events.head"), bootId).begin(epoch, head);
    try (Journal journal = open(files)) {
      assertThat(assertKeptAndReported(journal, head + MvEventLog.SKIP)).isEqualTo(stored);
      append(journal, 50);
    }
  }

  @Test
  void aStoreThatIsOlderThanItsOrderlyEndHasAHoleAndNothingIsSkipped() throws IOException {
    try (Journal journal = open(fallen("older", "closed"))) {
      assertThat(assertKeptAndReported(journal, GIVEN)).isEqualTo(OLDER);
      append(journal, 50);
    }
  }

  @Test
  void anOrderlyEndThatReachedTheDiskIsNoCrash() throws IOException {
    try (Journal journal = open(fallen("closed", "closed"))) {
      assertThat(all(journal)).hasSize(GIVEN);
      append(journal, 50);
      assertThat(journal.head().seq()).isEqualTo(GIVEN + 50);
    }
  }

  @Test
  void aStoreWhoseBytesNeverReachedTheDiskHasAHoleFromTheFirstIdOn() throws IOException {
    Path files = fallen("older", "newer");
    tear(files.resolve("events.mv"), Math.toIntExact(Files.size(files.resolve("events.mv"))));
    try (Journal journal = open(files)) {
      assertThat(assertKeptAndReported(journal, NEWER + MvEventLog.SKIP)).isZero();
      append(journal, 50);
    }
  }

  @Test
  void aMarkWhosePageNeverReachedTheDiskSkipsBehindTheStore() throws IOException {
    Path files = fallen("newer", "newer");
    try (FileChannel channel =
        FileChannel.open(files.resolve("events.head"), StandardOpenOption.WRITE)) {
      channel.write(ByteBuffer.wrap(new byte[4096]), 0);
    }
    try (Journal journal = open(files)) {
      assertThat(assertKeptAndReported(journal, NEWER + MvEventLog.SKIP)).isEqualTo(NEWER);
      append(journal, 50);
    }
  }

  @ParameterizedTest
  @CsvSource({"older", "newer"})
  void aStoreOfWhichOnlyTheFirstBytesAreThereBeginsANewEpochAndNamesTheOld(String mark)
      throws IOException {
    Path files = fallen("older", mark);
    tear(files.resolve("events.mv"), Math.toIntExact(Files.size(files.resolve("events.mv"))) - 900);
    Set<String> before = new HashSet<>(given.keySet());
    try (Journal journal = open(files)) {
      assertThat(journal.epoch()).isNotEqualTo(epoch);
      assertThat(all(journal)).hasSize(1);
      assertThat(all(journal).get(0).json())
          .contains("JournalRecovered", "\"" + epoch + ":1\"", "corrupt");
      append(journal, 50);
      assertThat(before).doesNotContain(journal.head().toString());
    }
  }
}
