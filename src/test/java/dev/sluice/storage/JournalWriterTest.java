package dev.sluice.storage;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import dev.sluice.events.DomainEvent;
import dev.sluice.events.EventLog;
import dev.sluice.events.Journal;
import dev.sluice.events.StoredEvent;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Path;
import java.util.List;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicReference;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;

/** The journal's thread and its log, on a real store whose calls are counted or fail on demand. */
class JournalWriterTest extends StoreTest {

  /** The real log; only fails before it is reached when told to. */
  private static final class Watched implements EventLog {
    final EventLog real;
    final AtomicInteger syncs = new AtomicInteger();
    final AtomicInteger writes = new AtomicInteger();
    final AtomicReference<@Nullable RuntimeException> failing = new AtomicReference<>();
    final AtomicReference<@Nullable Error> broken = new AtomicReference<>();

    Watched(Path directory) {
      real = new MvEventLog(directory);
    }

    @Override
    public Recovery open(String freshEpoch, int limit) throws IOException {
      return real.open(freshEpoch, limit);
    }

    @Override
    public void mark(long seq) {
      real.mark(seq);
    }

    @Override
    public void write(List<StoredEvent> batch, long oldest) throws IOException {
      RuntimeException failure = failing.get();
      if (failure != null) {
        throw failure;
      }
      real.write(batch, oldest);
      writes.incrementAndGet();
    }

    @Override
    public void sync() throws IOException {
      Error failure = broken.get();
      if (failure != null) {
        throw failure;
      }
      real.sync();
      syncs.incrementAndGet();
    }

    @Override
    public void close() {
      real.close();
    }
  }

  private static void append(Journal journal) {
    journal.append(new DomainEvent.McpServerStopped("math", "asked"));
  }

  @Test
  void theLastCommitIsForcedToTheDiskAlthoughNothingFollowsIt() throws IOException {
    Watched log = new Watched(directory);
    try (Journal journal = open(log, SETTINGS)) {
      append(journal);
      await().until(() -> log.syncs.get() == 1);
      assertThat(log.writes).hasValue(1);
      append(journal);
      await().until(() -> log.syncs.get() == 2);
      assertThat(log.writes).hasValue(2);
    }
  }

  @Test
  void aRuntimeExceptionOfTheLogIsTriedAgainLikeAnyFailedWrite() throws IOException {
    Watched log = new Watched(directory);
    log.failing.set(new UncheckedIOException(new IOException("No space left on device")));
    try (Journal journal = open(log, SETTINGS)) {
      append(journal);
      await().until(() -> journal.stats().logFailures() >= 2);
      assertThat(journal.stats().undurable()).isEqualTo(1);
      log.failing.set(null);
      awaitDurable(journal);
    }
    try (Journal journal = open()) {
      assertThat(journal.head().seq()).isEqualTo(1);
      assertThat(all(journal)).hasSize(1);
    }
  }

  @Test
  void anErrorWhileForcingToTheDiskDoesNotEndTheWriter() throws IOException {
    Watched log = new Watched(directory);
    log.broken.set(new InternalError("a fault occurred in an unsafe memory access operation"));
    try (Journal journal = open(log, SETTINGS)) {
      append(journal);
      await().until(() -> journal.stats().logFailures() >= 1);
      log.broken.set(null);
      await().until(() -> log.syncs.get() == 1);
      append(journal);
      awaitDurable(journal);
    }
  }
}
