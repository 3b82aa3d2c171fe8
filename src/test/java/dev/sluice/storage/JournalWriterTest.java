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
import java.time.Duration;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicReference;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;

/** The journal's thread and its log, on a real store whose calls are counted or fail on demand. */
class JournalWriterTest extends StoreTest {

  /** A publisher that waited for the log would wait for ever; this only ends the test. */
  private static final Duration NEVER = Duration.ofSeconds(60);

  /** The real log; only hangs or fails before it is reached when told to. */
  private static final class Watched implements EventLog {
    final EventLog real;
    final AtomicInteger syncs = new AtomicInteger();
    final AtomicInteger writes = new AtomicInteger();
    final AtomicReference<@Nullable RuntimeException> failing = new AtomicReference<>();
    final AtomicReference<@Nullable Error> broken = new AtomicReference<>();
    final AtomicReference<@Nullable CountDownLatch> hanging = new AtomicReference<>();
    final CountDownLatch hangs = new CountDownLatch(1);

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
      CountDownLatch end = hanging.get();
      if (end != null) {
        hangs.countDown();
        try {
          end.await();
        } catch (InterruptedException stop) {
          throw new IOException(stop);
        }
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

  /** Contract C3: a log that cannot keep up costs durability, visibly, and no publisher's time. */
  @Test
  void aLogThatHangsHoldsUpNoPublisherAndWhatItMissesIsCounted() throws Exception {
    Watched log = new Watched(directory);
    CountDownLatch end = new CountDownLatch(1);
    log.hanging.set(end);
    try (Journal journal = open(log, keeping(100))) {
      append(journal);
      await().until(() -> log.hangs.getCount() == 0);
      CompletableFuture<Void> publisher =
          CompletableFuture.runAsync(
              () -> {
                for (int n = 0; n < 4000; n++) {
                  append(journal);
                }
              });
      assertThat(publisher).as("a publisher that waits for no disk").succeedsWithin(NEVER);
      assertThat(journal.stats().undurable()).isEqualTo(4001);
      end.countDown();
      awaitDurable(journal);
      assertThat(journal.stats().lostDurable()).isEqualTo(3900);
    } finally {
      end.countDown();
    }
    try (Journal journal = open()) {
      assertThat(journal.head().seq()).isEqualTo(4001);
      assertThat(all(journal)).hasSize(100);
    }
  }
}
