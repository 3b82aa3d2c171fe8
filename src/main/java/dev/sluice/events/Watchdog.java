package dev.sluice.events;

import java.lang.System.Logger;
import java.lang.System.Logger.Level;
import java.util.Iterator;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.LockSupport;
import org.jspecify.annotations.Nullable;

/**
 * Sees outlets that block. A call that lasts over {@value #BLOCKED_MILLIS} ms costs its thread the
 * shard: a fresh thread goes on, the blocked one ends when the call returns. Sleeps while nothing
 * is sent.
 */
final class Watchdog implements Runnable {

  /** How long a call into an outlet may last before the shard is handed over, in milliseconds. */
  static final int BLOCKED_MILLIS = 20;

  private static final Logger LOG = System.getLogger(Watchdog.class.getName());
  private static final long TICK_NANOS = TimeUnit.MILLISECONDS.toNanos(BLOCKED_MILLIS / 2);
  private static final long PATIENCE_NANOS = TimeUnit.SECONDS.toNanos(1);

  /** Least time between two connections closed to get a thread back. */
  private static final long SACRIFICE_NANOS = TimeUnit.MILLISECONDS.toNanos(50);

  private record Blocked(Worker worker, Subscription subscription, long since) {}

  private final Fanout fanout;
  private final Shard[] shards;
  private final SlowLanes slowLanes;
  private final int maxBlocked;
  private final @Nullable Worker[] seenWorker;
  private final long[] seenCall;
  private final long[] seenSince;

  /** Shards whose thread was taken from them and that could not be given another one yet. */
  private final boolean[] ownerless;

  private final Set<Blocked> blocked = ConcurrentHashMap.newKeySet();
  private long sacrificedAt = System.nanoTime() - SACRIFICE_NANOS;
  private volatile boolean parked;
  private volatile @Nullable Thread self;

  Watchdog(Fanout fanout, Shard[] shards, SlowLanes slowLanes, FanoutSettings settings) {
    this.fanout = fanout;
    this.shards = shards.clone();
    this.slowLanes = slowLanes;
    this.maxBlocked = settings.slowThreads();
    this.seenWorker = new @Nullable Worker[shards.length];
    this.seenCall = new long[shards.length];
    this.seenSince = new long[shards.length];
    this.ownerless = new boolean[shards.length];
  }

  int blocked() {
    return blocked.size();
  }

  void wake() {
    if (parked) {
      parked = false;
      LockSupport.unpark(self);
    }
  }

  @Override
  public void run() {
    self = Thread.currentThread();
    int quiet = 0;
    while (!fanout.isClosed()) {
      boolean busy = true;
      try {
        busy = look(System.nanoTime());
      } catch (Throwable defect) { // an Error too: without the watchdog one peer can stop all
        LOG.log(
            Level.ERROR, "SLUICE-0115: the watchdog met a defect and goes on: " + defect, defect);
      }
      quiet = busy || slowLanes.busy() > 0 || !blocked.isEmpty() ? 0 : quiet + 1;
      if (quiet < 10) {
        LockSupport.parkNanos(this, TICK_NANOS);
      } else {
        parked = true;
        if (!fanout.isClosed() && allParked()) {
          LockSupport.park(this);
        }
        parked = false;
        quiet = 0;
      }
      if (Thread.interrupted()) {
        LOG.log(Level.DEBUG, "an interrupt was ignored: only close() ends the watchdog");
      }
    }
  }

  /** True if something is going on, so that it must look again soon. */
  private boolean look(long now) {
    boolean busy = false;
    for (int i = 0; i < shards.length; i++) {
      busy |= watch(i, now);
    }
    tidy(now);
    return busy;
  }

  private boolean allParked() {
    for (Shard shard : shards) {
      if (!shard.isParked()) {
        return false;
      }
    }
    return true;
  }

  private boolean watch(int i, long now) {
    if (ownerless[i]) {
      giveOwner(i);
      return true;
    }
    Worker worker = shards[i].owner();
    if (worker == null) {
      return true;
    }
    long call = worker.inside();
    if (call < 0 || worker != seenWorker[i] || call != seenCall[i]) {
      seenWorker[i] = worker;
      seenCall[i] = call;
      seenSince[i] = now;
      return !shards[i].isParked();
    }
    if (now - seenSince[i] >= TimeUnit.MILLISECONDS.toNanos(BLOCKED_MILLIS)) {
      handOver(i, worker, call, now);
    }
    return true;
  }

  private void handOver(int i, Worker worker, long call, long now) {
    if (blocked.size() >= maxBlocked) {
      closeLongest(now);
      return;
    }
    Subscription hanging = worker.revoke(call);
    if (hanging != null) {
      hanging.slow = true;
      blocked.add(new Blocked(worker, hanging, now));
      ownerless[i] = true;
      giveOwner(i);
    }
  }

  /** Throws if there is no thread to be had; the next look tries again. */
  private void giveOwner(int i) {
    fanout.startOwner(shards[i]);
    ownerless[i] = false;
  }

  private void closeLongest(long now) {
    if (now - sacrificedAt < SACRIFICE_NANOS) {
      return;
    }
    Blocked longest = null;
    for (Blocked candidate : blocked) {
      if (!candidate.subscription.hasEnded()
          && (longest == null || candidate.since < longest.since)) {
        longest = candidate;
      }
    }
    if (longest != null && sacrifice(longest.subscription, now)) {
      Thread thread = longest.worker.thread();
      if (thread != null) {
        thread.interrupt();
      }
    }
  }

  private boolean sacrifice(Subscription victim, long now) {
    sacrificedAt = now;
    if (!victim.abandon(
        CloseCode.TOO_SLOW, "too many stalled connections; resume from your last id")) {
      return false;
    }
    fanout.closedSlow();
    fanout.closedUnread();
    LOG.log(
        Level.WARNING,
        "SLUICE-0113: too many connections block their writes; the longest stalled one is closed");
    return true;
  }

  private void tidy(long now) {
    for (Iterator<Blocked> all = blocked.iterator(); all.hasNext(); ) {
      Blocked one = all.next();
      Thread thread = one.worker.thread();
      if (thread == null || !thread.isAlive()) {
        all.remove();
      } else if (one.subscription.hasEnded() && now - one.since > PATIENCE_NANOS) {
        // The connection is closed, yet its write goes on: the last means to get the thread back.
        thread.interrupt();
      }
    }
    Subscription victim = slowLanes.victim(now);
    if (victim != null && now - sacrificedAt >= SACRIFICE_NANOS) {
      sacrifice(victim, now);
    }
    slowLanes.interruptEnded(now);
  }
}
