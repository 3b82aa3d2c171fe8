package dev.sluice.streams;

import java.util.concurrent.Executor;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.ThreadFactory;
import java.util.concurrent.ThreadPoolExecutor;
import java.util.concurrent.TimeUnit;

/**
 * Closes connections on threads of its own: with a stalled peer both servers may hold the caller
 * for long, and the threads that complete tool calls must not wait for that.
 *
 * <p>At most {@value #THREADS} threads, which end when there is nothing to close, and a bounded
 * queue. When it is full, or after {@link #close}, the caller closes the connection itself: the
 * fan-out's threads may hang there, and its watchdog then goes on without them.
 */
final class Closer implements Executor, AutoCloseable {

  static final int THREADS = 16;

  private final ThreadPoolExecutor pool;

  Closer(ThreadFactory threads, int queue) {
    pool =
        new ThreadPoolExecutor(
            THREADS,
            THREADS,
            5,
            TimeUnit.SECONDS,
            new LinkedBlockingQueue<>(queue),
            work -> {
              Thread thread = threads.newThread(work);
              thread.setName("sluice-closer");
              return thread;
            });
    pool.allowCoreThreadTimeOut(true);
  }

  @Override
  public void execute(Runnable close) {
    try {
      pool.execute(close);
    } catch (RejectedExecutionException fullOrEnded) {
      close.run();
    }
  }

  /** Connections being closed or waiting for it. */
  int busy() {
    return pool.getActiveCount() + pool.getQueue().size();
  }

  /** Ends the threads; connections that still wait are closed by nobody: the hub has ended. */
  @Override
  public void close() {
    pool.shutdownNow();
  }
}
