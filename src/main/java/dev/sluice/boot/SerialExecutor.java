package dev.sluice.boot;

import java.util.ArrayDeque;
import java.util.concurrent.Executor;
import java.util.concurrent.RejectedExecutionException;

/**
 * Runs tasks one after another, in the order they came, on another executor. Any thread may call;
 * the queue is bounded and a task over the bound is refused.
 */
final class SerialExecutor implements Executor {

  private static final int BATCH = 64;

  private final Executor threads;
  private final int limit;
  private final ArrayDeque<Runnable> queue = new ArrayDeque<>();
  private boolean running;

  SerialExecutor(Executor threads, int limit) {
    this.threads = threads;
    this.limit = limit;
  }

  @Override
  public void execute(Runnable task) {
    synchronized (queue) {
      if (queue.size() >= limit) {
        throw new RejectedExecutionException("queue is full at " + limit);
      }
      queue.add(task);
      if (running) {
        return;
      }
      running = true;
    }
    start();
  }

  /** Tasks waiting now. */
  int size() {
    synchronized (queue) {
      return queue.size();
    }
  }

  private void start() {
    try {
      threads.execute(this::drain);
    } catch (RejectedExecutionException shutDown) {
      synchronized (queue) {
        running = false;
        queue.clear();
      }
      throw shutDown;
    }
  }

  /** Runs a batch, then goes to the end of the line so that others get the thread. */
  private void drain() {
    for (int i = 0; i < BATCH; i++) {
      Runnable task;
      synchronized (queue) {
        task = queue.poll();
        if (task == null) {
          running = false;
          return;
        }
      }
      try {
        task.run();
      } catch (RuntimeException failure) {
        Thread thread = Thread.currentThread();
        thread.getUncaughtExceptionHandler().uncaughtException(thread, failure);
      }
    }
    start();
  }
}
