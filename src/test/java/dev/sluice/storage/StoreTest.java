package dev.sluice.storage;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import dev.sluice.events.EventLog;
import dev.sluice.events.Journal;
import dev.sluice.events.JournalEntry;
import dev.sluice.events.JournalSettings;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.concurrent.ThreadFactory;
import org.junit.jupiter.api.io.TempDir;

/** A journal on a real store in a directory of its own. */
abstract class StoreTest {

  static final JournalSettings SETTINGS = JournalSettings.defaults("test-00000001");
  static final ThreadFactory THREADS =
      work -> {
        Thread thread = new Thread(work);
        thread.setDaemon(true);
        return thread;
      };

  @TempDir Path directory;

  static JournalSettings keeping(int events) {
    return new JournalSettings(
        events, SETTINGS.bytes(), SETTINGS.age(), SETTINGS.producedBy(), SETTINGS.clock());
  }

  final Journal open() throws IOException {
    return open(new MvEventLog(directory), SETTINGS);
  }

  static Journal open(EventLog log, JournalSettings settings) throws IOException {
    return Journal.durable(settings, log, THREADS);
  }

  /** All that is retained, ascending. */
  static List<JournalEntry> all(Journal journal) {
    return journal.read(0, Integer.MAX_VALUE, topic -> true);
  }

  static void awaitDurable(Journal journal) {
    await().until(() -> journal.stats().undurable() == 0);
  }

  /** Whether a store that could not be read is still there for whoever wants to look at it. */
  final void assertMovedAside() throws IOException {
    try (var files = Files.list(directory)) {
      assertThat(files.map(Path::getFileName).map(Path::toString))
          .anyMatch(name -> name.startsWith("events.mv.corrupt-"));
    }
  }
}
