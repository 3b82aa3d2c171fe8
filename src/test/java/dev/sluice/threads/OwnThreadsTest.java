package dev.sluice.threads;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import java.time.Duration;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.atomic.AtomicBoolean;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

@Timeout(20)
class OwnThreadsTest {

  private final CountDownLatch release = new CountDownLatch(1);

  @AfterEach
  void release() {
    release.countDown();
  }

  private void hang() {
    boolean interrupted = false;
    try {
      release.await();
    } catch (InterruptedException ended) {
      interrupted = true;
    }
    if (interrupted) {
      Thread.currentThread().interrupt();
    }
  }

  @Test
  void whatDoesNotFitIsRefusedAndTheRestIsDone() {
    try (OwnThreads threads = new OwnThreads(Thread::new, "own", 2, 1)) {
      AtomicBoolean waited = new AtomicBoolean();
      assertThat(threads.offer(this::hang)).isTrue();
      assertThat(threads.offer(this::hang)).isTrue();
      assertThat(threads.offer(() -> waited.set(true))).isTrue();
      assertThat(threads.offer(this::hang)).isFalse();
      assertThat(threads.busy()).isEqualTo(3);
      assertThat(threads.limit()).isEqualTo(3);
      release.countDown();
      await().untilTrue(waited);
      await().until(() -> threads.busy() == 0);
    }
  }

  @Test
  void withoutAQueueNothingWaitsForSomebodyElsesTask() {
    try (OwnThreads threads = new OwnThreads(Thread::new, "own", 2, 0)) {
      assertThat(threads.limit()).isEqualTo(2);
      assertThat(threads.offer(this::hang)).isTrue();
      AtomicBoolean done = new AtomicBoolean();
      assertThat(threads.offer(() -> done.set(true))).isTrue();
      await().untilTrue(done);
    }
  }

  @Test
  void theEndInterruptsWhatHangsAndTakesNothingMore() {
    OwnThreads threads = new OwnThreads(Thread::new, "own", 1, 1);
    AtomicBoolean interrupted = new AtomicBoolean();
    threads.offer(
        () -> {
          hang();
          interrupted.set(Thread.currentThread().isInterrupted());
        });
    await().until(() -> threads.busy() == 1);
    threads.close();
    await().untilTrue(interrupted);
    assertThat(threads.offer(() -> {})).isFalse();
  }

  @Test
  void whatWaitsAtTheEndIsDoneWithinTheTimeGiven() {
    OwnThreads threads = new OwnThreads(Thread::new, "own", 1, 1);
    AtomicBoolean waited = new AtomicBoolean();
    threads.offer(this::hang);
    threads.offer(() -> waited.set(true));
    Thread release = new Thread(this.release::countDown);
    release.start();
    assertThat(threads.close(Duration.ofSeconds(10))).isZero();
    assertThat(waited).isTrue();
  }

  @Test
  void whatIsNotDoneAtTheEndIsCounted() {
    OwnThreads threads = new OwnThreads(Thread::new, "own", 1, 3);
    threads.offer(this::hang);
    AtomicBoolean waited = new AtomicBoolean();
    threads.offer(() -> waited.set(true));
    threads.offer(() -> waited.set(true));
    assertThat(threads.close(Duration.ofMillis(50))).isEqualTo(2);
    assertThat(waited).isFalse();
  }

  @Test
  void aFactoryThatHasEndedIsARefusal() {
    try (OwnThreads threads =
        new OwnThreads(
            task -> {
              throw new IllegalStateException("the application is going");
            },
            "own",
            1,
            1)) {
      assertThat(threads.offer(() -> {})).isFalse();
      assertThat(threads.busy()).isZero();
    }
  }
}
