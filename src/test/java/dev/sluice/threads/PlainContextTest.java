package dev.sluice.threads;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.concurrent.Executors;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.ScheduledThreadPoolExecutor;
import java.util.concurrent.ThreadFactory;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicReference;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

class PlainContextTest {

  /** What the executor sees of its caller: it makes its first thread while it takes a task. */
  private final AtomicReference<ClassLoader> taking = new AtomicReference<>();

  private final ThreadFactory threads =
      task -> {
        taking.set(Thread.currentThread().getContextClassLoader());
        Thread thread = Executors.defaultThreadFactory().newThread(task);
        thread.setContextClassLoader(null);
        return thread;
      };

  private final ScheduledExecutorService executor =
      PlainContext.of(new ScheduledThreadPoolExecutor(1, threads), ScheduledExecutorService.class);

  @AfterEach
  void stop() {
    executor.shutdownNow();
  }

  @Test
  void aTaskIsTakenWithThePlatformsLoaderAndRunsWithTheApplications() throws Exception {
    ClassLoader own = Thread.currentThread().getContextClassLoader();
    ClassLoader running =
        executor
            .submit(() -> Thread.currentThread().getContextClassLoader())
            .get(10, TimeUnit.SECONDS);
    assertThat(running).isSameAs(PlainContext.class.getClassLoader());
    assertThat(taking).hasValue(ClassLoader.getPlatformClassLoader());
    assertThat(Thread.currentThread().getContextClassLoader()).isSameAs(own);

    AtomicReference<ClassLoader> scheduled = new AtomicReference<>();
    executor
        .schedule(
            () -> scheduled.set(Thread.currentThread().getContextClassLoader()),
            1,
            TimeUnit.MILLISECONDS)
        .get(10, TimeUnit.SECONDS);
    assertThat(scheduled).hasValue(PlainContext.class.getClassLoader());
  }

  @Test
  void aRefusalIsTheExecutorsOwn() {
    executor.shutdownNow();
    assertThatThrownBy(() -> executor.execute(() -> {}))
        .isInstanceOf(RejectedExecutionException.class);
  }
}
