package dev.sluice.threads;

import java.lang.System.Logger.Level;
import java.util.ArrayDeque;
import java.util.concurrent.Executor;
import java.util.concurrent.RejectedExecutionException;

/**
 * Runs tasks one after another, in the order they came, on another executor. Any thread may call;
 * the queue is bounded and a task over the bound is refused. A task that was taken stays until it
 * has run: when the other executor refuses, the next task tries again.
 */
public final class SerialExecutor implements Executor {

  private static final System.Logger LOG = System.getLogger(SerialExecutor.class.getName());
  private static final int BATCH = 64;

  private final Executor threads;
  private final int limit;
  private final ArrayDeque<Runnable> queue = new ArrayDeque<>();
  private boolean running; // guarded by the queue
  private long refused; // guarded by the queue

  /**
   * Makes one.
   *
   * @param threads where tasks run
   * @param limit tasks that may wait
   */
  public SerialExecutor(Executor threads, int limit) {
    this.threads = threads;
    this.limit = limit;
  }

  /**
   * Takes a task.
   *
   * @throws RejectedExecutionException when the queue is full
   */
  @Override
  public void execute(Runnable task) {
    synchronized (queue) {
      if (queue.size() >= limit) {
        refused++;
        throw new RejectedExecutionException("queue is full at " + limit);
      }
      queue.add(task);
      if (running) {
        return;
      }
      running = true;
    }
    if (!start()) {
      synchronized (queue) {
        running = false;
      }
    }
  }

  /** Tasks waiting now. */
  public int size() {
    synchronized (queue) {
      return queue.size();
    }
  }

  /** Tasks that may wait. */
  public int limit() {
    return limit;
  }

  /** Tasks refused because the queue was full. */
  public long refused() {
    synchronized (queue) {
      return refused;
    }
  }

  private boolean start() {
    try {
      threads.execute(this::drain);
      return true;
    } catch (RuntimeException refused) { // also what servers throw while they stop
      LOG.log(Level.DEBUG, "no thread for what waits; it is tried again", refused);
      return false;
    }
  }

  /**
   * Runs a batch, then goes to the end of the line so that others get the thread; where there is no
   * line, goes on.
   */
  private void drain() {
    do {
      if (!drainBatch()) {
        return;
      }
    } while (!start());
  }

  /** False if nothing is left. */
  private boolean drainBatch() {
    for (int i = 0; i < BATCH; i++) {
      Runnable task;
      synchronized (queue) {
        task = queue.poll();
        if (task == null) {
          running = false;
          return false;
        }
      }
      try {
        task.run();
      } catch (RuntimeException failure) {
        Thread thread = Thread.currentThread();
        thread.getUncaughtExceptionHandler().uncaughtException(thread, failure);
      }
    }
    return true;
  }
}
