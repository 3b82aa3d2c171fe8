package dev.sluice.servers;

import java.util.ArrayDeque;
import java.util.Queue;
import java.util.concurrent.Executor;
import java.util.concurrent.RejectedExecutionException;

/**
 * Lets a limited number of blocking tasks run on the shared executor at once, so that a hundred
 * servers that start slowly do not take all of its threads; the others wait in order.
 *
 * <p>What waits is bounded by its callers: each server has one start and one stop at a time. Any
 * thread may call.
 */
final class Gate {

  private final Executor executor;
  private final int limit;
  private final Queue<Runnable> waiting = new ArrayDeque<>();
  private int running;

  Gate(Executor executor, int limit) {
    this.executor = executor;
    this.limit = limit;
  }

  /** Runs the task soon; on the caller's thread if the executor is shut down already. */
  void execute(Runnable task) {
    synchronized (this) {
      if (running >= limit) {
        waiting.add(task);
        return;
      }
      running++;
    }
    submit(task);
  }

  /** Tasks that wait for a place. */
  synchronized int waiting() {
    return waiting.size();
  }

  private void submit(Runnable task) {
    try {
      executor.execute(() -> run(task));
    } catch (RejectedExecutionException shutDown) {
      run(task);
    }
  }

  private void run(Runnable task) {
    try {
      task.run();
    } finally {
      Runnable next;
      synchronized (this) {
        next = waiting.poll();
        if (next == null) {
          running--;
        }
      }
      if (next != null) {
        submit(next);
      }
    }
  }
}
