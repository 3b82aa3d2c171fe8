package dev.sluice.threads;

import java.time.Duration;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.SynchronousQueue;
import java.util.concurrent.ThreadFactory;
import java.util.concurrent.ThreadPoolExecutor;
import java.util.concurrent.TimeUnit;

/**
 * Threads that a feature has for itself, for what a peer can hold up: a write to a client, the end
 * of a child. Neither the timer nor the work pool may ever wait for a peer, else a few that stall
 * hold up the whole hub.
 *
 * <p>Bounded in threads, which end when there is nothing to do, and in what waits. Any thread may
 * call; no method blocks. Life cycle: made, used, {@link #close closed} once.
 */
public final class OwnThreads implements AutoCloseable {

  private static final long IDLE_SECONDS = 5;

  private final ThreadPoolExecutor pool;

  /**
   * Makes them; the first thread starts with the first task.
   *
   * @param factory the managed one
   * @param name of each thread
   * @param most threads at once
   * @param queue tasks that may wait while all threads are busy; with 0 none ever waits
   */
  public OwnThreads(ThreadFactory factory, String name, int most, int queue) {
    BlockingQueue<Runnable> waiting =
        queue == 0 ? new SynchronousQueue<>() : new LinkedBlockingQueue<>(queue);
    pool =
        new ThreadPoolExecutor(
            queue == 0 ? 0 : most,
            most,
            IDLE_SECONDS,
            TimeUnit.SECONDS,
            waiting,
            task -> {
              Thread thread = factory.newThread(task);
              thread.setName(name);
              return thread;
            });
    pool.allowCoreThreadTimeOut(true);
  }

  /** Takes a task; false if it does not, because all is full or {@link #close} was called. */
  public boolean offer(Runnable task) {
    try {
      pool.execute(task);
      return true;
    } catch (RejectedExecutionException fullOrEnded) {
      return false;
    } catch (IllegalStateException noThread) {
      return false; // what managed factories throw once the application is going
    }
  }

  /** Tasks that run or wait. */
  public int busy() {
    return pool.getActiveCount() + pool.getQueue().size();
  }

  /** Tasks that may run and wait at most. */
  public int limit() {
    return pool.getMaximumPoolSize() + pool.getQueue().remainingCapacity() + pool.getQueue().size();
  }

  /** Ends the threads and interrupts those that hang; what still waits is not done. */
  @Override
  public void close() {
    close(Duration.ZERO);
  }

  /**
   * Ends the threads: takes nothing more, and interrupts what hangs after a time.
   *
   * @param grace for what waits and runs; blocks at most so long
   * @return how many tasks waited all the time and are not done
   */
  public int close(Duration grace) {
    pool.shutdown();
    try {
      return pool.awaitTermination(grace.toMillis(), TimeUnit.MILLISECONDS)
          ? 0
          : pool.shutdownNow().size();
    } catch (InterruptedException hurry) {
      Thread.currentThread().interrupt();
      return pool.shutdownNow().size();
    }
  }
}
