package dev.sluice.events;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

/** Contract C3: publishing never blocks on a subscriber, whatever its writes do. */
class PublishingTest {

  private static final int PUBLISHERS = 4;
  private static final int EVENTS = 5000;
  private static final int LANE = 16;
  private static final int SHARDS = 2;
  private static final int SLOW_THREADS = 3;

  /** A publisher that waited for a subscriber would wait for ever; this only ends the test. */
  private static final Duration NEVER = Duration.ofSeconds(60);

  private final TestEvents.Threads threads = new TestEvents.Threads();
  private final Journal journal = Journal.inMemory(TestEvents.settings(1000));
  private final Fanout fanout =
      new Fanout(
          journal,
          new FanoutSettings(
              100,
              LANE,
              1 << 20,
              Duration.ofMinutes(10),
              Duration.ofMinutes(10),
              SHARDS,
              SLOW_THREADS),
          threads);
  private final CountDownLatch end = new CountDownLatch(1);

  @AfterEach
  void everyThreadEnds() {
    end.countDown();
    fanout.close();
    await().until(() -> threads.alive.get() == 0);
  }

  /** A connection whose writes do not return, not even when their thread is interrupted. */
  private final class Wall implements Outlet {
    private final AtomicInteger inside;

    Wall(AtomicInteger inside) {
      this.inside = inside;
    }

    @Override
    public void send(Frame frame, Consumer<@Nullable Throwable> done) {
      inside.incrementAndGet();
      boolean over = false;
      while (!over) {
        try {
          end.await();
          over = true;
        } catch (InterruptedException ignored) {
          over = end.getCount() == 0;
        }
      }
      inside.decrementAndGet();
      done.accept(null);
    }

    @Override
    public void close(CloseCode code, String reason) {}
  }

  /** Publishes from several threads at once; comes back when all of them are done. */
  private void publishFromAll() {
    long before = journal.head().seq();
    CompletableFuture<?>[] publishers = new CompletableFuture<?>[PUBLISHERS];
    for (int p = 0; p < PUBLISHERS; p++) {
      publishers[p] =
          CompletableFuture.runAsync(
              () -> publish(EVENTS), work -> threads.newThread(work).start());
    }
    assertThat(CompletableFuture.allOf(publishers))
        .as("publishers that wait for nobody")
        .succeedsWithin(NEVER);
    assertThat(journal.head().seq() - before).isEqualTo((long) PUBLISHERS * EVENTS);
  }

  private void publish(int count) {
    for (int n = 0; n < count; n++) {
      journal.append(TestEvents.stopped("math", n));
    }
  }

  @Test
  void publishersFinishAlthoughNoWriteEverCompletesAndEveryLaneIsFull() {
    List<Reader> readers = new ArrayList<>();
    for (int i = 0; i < 20; i++) {
      Reader reader = new Reader().stop();
      readers.add(reader);
      fanout.subscribeQuietly(SubscribeRequest.EVERYTHING, Fanout.SEES_ALL, reader);
    }
    int full = readers.size() * LANE;
    await()
        .until(
            () -> {
              publish(1);
              return fanout.stats().queuedEvents() == full;
            });
    publishFromAll();
    await().until(() -> fanout.stats().lagEvents() == LANE);
    await().until(() -> fanout.stats().queuedEvents() == full);
    assertThat(fanout.stats().delivered()).isZero();
    assertThat(readers).allMatch(reader -> reader.hasWriteInFlight() && reader.size() == 1);
  }

  @Test
  void publishersFinishAlthoughEverySendingThreadHangsInAWrite() {
    AtomicInteger inside = new AtomicInteger();
    for (int i = 0; i < 20; i++) {
      fanout.subscribeQuietly(SubscribeRequest.EVERYTHING, Fanout.SEES_ALL, new Wall(inside));
    }
    publish(1);
    // Those that the watchdog replaced, and then the last ones that it had for the shards.
    await().until(() -> inside.get() == SLOW_THREADS + SHARDS);
    publishFromAll();
    assertThat(inside).as("writes that hang").hasValue(SLOW_THREADS + SHARDS);
    assertThat(fanout.stats().delivered()).isZero();
    assertThat(fanout.stats().lagEvents()).as("nobody reads").isGreaterThan(EVENTS);
  }
}
