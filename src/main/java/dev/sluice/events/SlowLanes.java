package dev.sluice.events;

import java.lang.System.Logger;
import java.lang.System.Logger.Level;
import java.util.Comparator;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.ThreadFactory;
import java.util.concurrent.ThreadPoolExecutor;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;

/**
 * Threads for the outlets whose sends block: each such subscription has at most one task here, so
 * the queue is bounded by the number of subscribers. When all threads hang and others wait, the
 * longest stalled connection is closed with 4008.
 */
final class SlowLanes implements AutoCloseable {

  /** After so many sends in a row that did not block, the shard sends by itself again. */
  private static final int GOOD_SENDS = 8;

  private static final long GOOD_NANOS = TimeUnit.MILLISECONDS.toNanos(10);
  private static final long PATIENCE_NANOS = TimeUnit.SECONDS.toNanos(1);

  /** A send that is going on; its monitor keeps an interrupt from hitting the thread's next one. */
  private static final class Hanging {
    final Subscription subscription;
    final long since;
    private final Thread thread = Thread.currentThread();
    private boolean over;

    Hanging(Subscription subscription, long since) {
      this.subscription = subscription;
      this.since = since;
    }

    synchronized void interrupt() {
      if (!over) {
        thread.interrupt();
      }
    }

    /** Also takes back an interrupt that came too late to end the send. */
    synchronized void end() {
      over = true;
      if (Thread.interrupted()) {
        LOG.log(Level.DEBUG, "a send ended as it was interrupted");
      }
    }
  }

  private static final Logger LOG = System.getLogger(SlowLanes.class.getName());

  private final ThreadPoolExecutor pool;
  private final Set<Hanging> hanging = ConcurrentHashMap.newKeySet();

  SlowLanes(FanoutSettings settings, ThreadFactory threads) {
    pool =
        new ThreadPoolExecutor(
            settings.slowThreads(),
            settings.slowThreads(),
            5,
            TimeUnit.SECONDS,
            new LinkedBlockingQueue<>(),
            task -> {
              Thread thread = threads.newThread(task);
              thread.setName("sluice-slow-lane");
              return thread;
            });
    pool.allowCoreThreadTimeOut(true);
  }

  void send(Shard shard, Subscription subscription, Frame frame) {
    pool.execute(() -> sendNow(shard, subscription, frame));
  }

  private void sendNow(Shard shard, Subscription subscription, Frame frame) {
    Thread.currentThread().setContextClassLoader(ClassLoader.getPlatformClassLoader());
    long begin = System.nanoTime();
    Hanging mine = new Hanging(subscription, begin);
    hanging.add(mine);
    try {
      subscription.startSend(frame);
    } finally {
      hanging.remove(mine);
      mine.end();
    }
    if (System.nanoTime() - begin > GOOD_NANOS) {
      subscription.fastSends = 0;
    } else if (++subscription.fastSends >= GOOD_SENDS) {
      subscription.fastSends = 0;
      subscription.slow = false;
    }
    if (subscription.settle()) {
      shard.ready(subscription);
    }
  }

  /** The connection to close because all threads hang and others wait, or null. */
  @Nullable Subscription victim(long now) {
    if (pool.getQueue().isEmpty() || pool.getActiveCount() < pool.getMaximumPoolSize()) {
      return null;
    }
    Optional<Hanging> longest = hanging.stream().min(Comparator.comparingLong(send -> send.since));
    return longest
        .filter(send -> now - send.since > PATIENCE_NANOS)
        .map(send -> send.subscription)
        .orElse(null);
  }

  /** Interrupts sends that go on although their subscription has ended. */
  void interruptEnded(long now) {
    for (Hanging send : hanging) {
      if (send.subscription.hasEnded() && now - send.since > PATIENCE_NANOS) {
        send.interrupt();
      }
    }
  }

  int busy() {
    return hanging.size();
  }

  @Override
  public void close() {
    pool.shutdownNow();
  }

  boolean awaitEnd(long nanos) throws InterruptedException {
    return pool.awaitTermination(nanos, TimeUnit.NANOSECONDS);
  }
}
