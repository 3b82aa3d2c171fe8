package dev.sluice.servers.upstream;

import java.util.concurrent.CompletableFuture;
import java.util.concurrent.Executor;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.function.Supplier;

/**
 * Does something again soon and once, however often it is asked for meanwhile, and at most once a
 * second; holds no thread while it runs. Any thread may ask.
 */
final class Refresh {

  private static final long BETWEEN_MILLIS = 1_000;

  private final Supplier<CompletableFuture<?>> read;
  private final Executor work;
  private final ScheduledExecutorService timer;
  private final AtomicBoolean wanted = new AtomicBoolean();
  private final AtomicBoolean running = new AtomicBoolean();
  private volatile boolean allowed;

  /**
   * Makes it.
   *
   * @param read begins, never blocks, and sees to its own failures
   */
  Refresh(Supplier<CompletableFuture<?>> read, Executor work, ScheduledExecutorService timer) {
    this.read = read;
    this.work = work;
    this.timer = timer;
  }

  /** From now on it may run; what was asked for before is done now. */
  void allow() {
    allowed = true;
    if (wanted.get()) {
      ask();
    }
  }

  /** It will not run again. */
  void stop() {
    allowed = false;
  }

  /** Asks for it. */
  void ask() {
    wanted.set(true);
    if (!allowed || !running.compareAndSet(false, true)) {
      return;
    }
    try {
      work.execute(this::run);
    } catch (RejectedExecutionException closing) {
      running.set(false);
    }
  }

  private void run() {
    wanted.set(false);
    CompletableFuture<?> unused = read.get().whenComplete((done, problem) -> pause());
  }

  /** A server that announces a change whenever it is read must not keep the hub busy. */
  private void pause() {
    try {
      Object unused = timer.schedule(this::goOn, BETWEEN_MILLIS, TimeUnit.MILLISECONDS);
    } catch (RejectedExecutionException closing) {
      running.set(false);
    }
  }

  private void goOn() {
    running.set(false);
    if (wanted.get()) {
      ask();
    }
  }
}
