package dev.sluice.events;

import java.lang.System.Logger;
import java.lang.System.Logger.Level;
import java.time.Duration;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ThreadFactory;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.LongAdder;
import java.util.function.Predicate;

/**
 * Hands journal entries to bounded subscriptions (contract C3 to C10, C12, C14, C17).
 *
 * <p>A few threads each own a shard of the subscriptions. An outlet that blocks its thread loses
 * nobody but itself time: a watchdog gives the shard to a fresh thread, and the outlet is from then
 * on served by a bounded pool. Memory is bounded by the sum over the subscribers of their byte
 * bounds, two frames and {@value Subscription#MAX_CONTROL} control frames each. Any thread may
 * call; life cycle: made, used, {@link #drain drained}, {@link #close closed} once.
 */
public final class Fanout implements AutoCloseable {

  /** Sees every topic; subscriptions made with it skip the question. */
  public static final Predicate<Topic> SEES_ALL = topic -> true;

  private static final Logger LOG = System.getLogger(Fanout.class.getName());

  private final Journal journal;
  private final FanoutSettings settings;
  private final ThreadFactory threads;
  private final Shard[] shards;
  private final Set<Thread> running = ConcurrentHashMap.newKeySet();
  private final Set<Subscription> subscriptions = ConcurrentHashMap.newKeySet();
  private final AtomicInteger count = new AtomicInteger();
  private final AtomicInteger nextShard = new AtomicInteger();
  private final SlowLanes slowLanes;
  private final Watchdog watchdog;
  private final Runnable wake = this::wakeShards;
  private final Object emptied = new Object();
  private volatile boolean draining;
  private volatile boolean closed;

  private final LongAdder delivered = new LongAdder();
  private final LongAdder replayed = new LongAdder();
  private final LongAdder droppedSlow = new LongAdder();
  private final LongAdder droppedRetention = new LongAdder();
  private final LongAdder conflated = new LongAdder();
  private final LongAdder gapFrames = new LongAdder();
  private final LongAdder slowCloses = new LongAdder();
  private final LongAdder unreadCloses = new LongAdder();
  private final LongAdder refused = new LongAdder();

  /** Starts the sending threads; {@code threads} makes every thread it ever uses. */
  public Fanout(Journal journal, FanoutSettings settings, ThreadFactory threads) {
    this.journal = journal;
    this.settings = settings;
    this.threads = threads;
    this.slowLanes = new SlowLanes(settings, threads);
    this.shards = new Shard[settings.shards()];
    for (int i = 0; i < shards.length; i++) {
      shards[i] = new Shard(this, journal, settings);
    }
    this.watchdog = new Watchdog(this, shards, slowLanes, settings);
    for (Shard shard : shards) {
      startOwner(shard);
    }
    startThread("sluice-fanout-watchdog", watchdog);
    journal.onAppend(wake);
  }

  private void wakeShards() {
    for (Shard shard : shards) {
      shard.wake();
    }
  }

  /** Gives a shard a fresh thread. */
  void startOwner(Shard shard) {
    startThread("sluice-fanout", () -> shard.run(new Worker()));
  }

  private void startThread(String name, Runnable work) {
    Thread thread =
        threads.newThread(
            () -> {
              // Tyrus arms a timer on every send through the managed scheduler, which captures the
              // context: with the web application's class loader that made 26 000 sends a second
              // of 106 000.
              Thread.currentThread().setContextClassLoader(ClassLoader.getPlatformClassLoader());
              try {
                work.run();
              } finally {
                running.remove(Thread.currentThread());
              }
            });
    thread.setName(name);
    running.add(thread);
    boolean started = false;
    try {
      thread.start();
      started = true;
    } finally {
      if (!started) {
        running.remove(thread);
      }
    }
  }

  /**
   * Takes a subscriber; no event after this call's start is missed. The first frame is a {@code
   * subscribed} frame.
   *
   * @param visible what this subscriber may see; asked once per topic and remembered until {@link
   *     Subscription#refreshRights}
   * @throws SubscribersExhausted at the limit or while draining
   */
  public Subscription subscribe(
      SubscribeRequest first, Predicate<? super Topic> visible, Outlet outlet) {
    return subscribe(first, visible, outlet, true);
  }

  /** As {@link #subscribe}, without the first {@code subscribed} frame: the WebSocket's accept. */
  public Subscription subscribeQuietly(
      SubscribeRequest first, Predicate<? super Topic> visible, Outlet outlet) {
    return subscribe(first, visible, outlet, false);
  }

  private Subscription subscribe(
      SubscribeRequest first, Predicate<? super Topic> visible, Outlet outlet, boolean announce) {
    journal.expire();
    long liveFrom = journal.headPosition() + 1;
    checkGoing();
    if (count.incrementAndGet() > settings.maxSubscribers()) {
      count.decrementAndGet();
      throw full();
    }
    Shard shard = shards[Math.floorMod(nextShard.getAndIncrement(), shards.length)];
    Subscription subscription = new Subscription(shard, first, visible, outlet, settings);
    subscription.cursor = liveFrom;
    subscriptions.add(subscription);
    shard.execute(subscription, () -> shard.add(subscription, liveFrom, announce));
    if (closed && subscription.end()) {
      outlet.close(CloseCode.GOING_AWAY, "the hub is going away");
    }
    return subscription;
  }

  /**
   * Refuses where {@link #subscribe} would now, for callers that can still say so in plain.
   *
   * @throws SubscribersExhausted at the limit or while draining
   */
  public void checkRoom() {
    checkGoing();
    if (count.get() >= settings.maxSubscribers()) {
      throw full();
    }
  }

  private void checkGoing() {
    if (draining || closed) {
      refused.increment();
      throw new SubscribersExhausted("the hub is going away; try again in a moment");
    }
  }

  private SubscribersExhausted full() {
    refused.increment();
    return new SubscribersExhausted(
        "the limit of "
            + settings.maxSubscribers()
            + " subscribers is reached (sluice.events.subscribers)");
  }

  /** Whether every sending thread lives; stalled connections do not count against it. */
  public boolean isSending() {
    for (Shard shard : shards) {
      Worker worker = shard.owner();
      Thread thread = worker == null ? null : worker.thread();
      if (thread != null && !thread.isAlive()) {
        return false;
      }
    }
    return true;
  }

  /**
   * Refuses new subscribers, sends each one a {@code goaway} frame at a random moment of the window
   * and closes it with 1001. Blocks until all are gone, at most the window and two seconds.
   */
  public void drain(Duration window) {
    draining = true;
    long deadline = System.nanoTime() + window.toNanos();
    for (Shard shard : shards) {
      shard.execute(() -> shard.drain(deadline));
    }
    long last = deadline + TimeUnit.SECONDS.toNanos(2);
    synchronized (emptied) {
      while (count.get() > 0) {
        long left = TimeUnit.NANOSECONDS.toMillis(last - System.nanoTime());
        if (left <= 0) {
          return;
        }
        try {
          emptied.wait(left);
        } catch (InterruptedException stop) {
          Thread.currentThread().interrupt();
          return;
        }
      }
    }
  }

  /** Reads all gauges; any thread. */
  public FanoutStats stats() {
    long head = journal.headPosition();
    long behind = head;
    long queuedEvents = 0;
    long queuedBytes = 0;
    long bound = 0;
    for (Subscription subscription : subscriptions) {
      Lane lane = subscription.lane();
      queuedEvents += lane.events();
      queuedBytes += lane.bytes();
      bound += lane.maxBytes();
      if (subscription.replaying) {
        behind = Math.min(behind, subscription.cursor - 1);
      } else {
        behind = Math.min(behind, head - lane.events());
      }
    }
    for (Shard shard : shards) {
      behind = Math.min(behind, count.get() == 0 ? head : shard.position() - 1);
    }
    JournalEntry next = behind < head ? journal.entry(behind + 1) : null;
    long lagMillis =
        next == null ? 0 : Math.max(0, System.currentTimeMillis() - next.micros() / 1000);
    return new FanoutStats(
        journal.stats().published(),
        delivered.sum(),
        droppedSlow.sum(),
        droppedRetention.sum(),
        conflated.sum(),
        gapFrames.sum(),
        replayed.sum(),
        Math.max(0, head - behind),
        lagMillis,
        queuedEvents,
        queuedBytes,
        bound,
        slowCloses.sum(),
        unreadCloses.sum(),
        refused.sum(),
        count.get(),
        settings.maxSubscribers(),
        slowLanes.busy() + watchdog.blocked(),
        settings.slowThreads() * 2);
  }

  // Called by shards and subscriptions.

  boolean isClosed() {
    return closed;
  }

  void active() {
    watchdog.wake();
  }

  void left(Subscription subscription) {
    subscriptions.remove(subscription);
    if (count.decrementAndGet() == 0 && draining) {
      synchronized (emptied) {
        emptied.notifyAll();
      }
    }
  }

  void sendSlowly(Shard shard, Subscription subscription, Frame frame) {
    slowLanes.send(shard, subscription, frame);
  }

  void delivered() {
    delivered.increment();
  }

  void replayed(int events) {
    replayed.add(events);
  }

  void told(Hole hole) {
    gapFrames.increment();
    droppedSlow.add(hole.slow());
    droppedRetention.add(hole.retention());
    conflated.add(hole.conflated());
  }

  void closedSlow() {
    slowCloses.increment();
  }

  /** Closed while a frame was on its way: the web server may keep that connection. */
  void closedUnread() {
    unreadCloses.increment();
  }

  /** Closes every subscription with 1001 and ends every thread; waits at most five seconds. */
  @Override
  public void close() {
    if (closed) {
      return;
    }
    closed = true;
    journal.offAppend(wake);
    wakeShards();
    watchdog.wake();
    long deadline = System.nanoTime() + TimeUnit.SECONDS.toNanos(5);
    boolean interrupted = !join(System.nanoTime() + TimeUnit.SECONDS.toNanos(1));
    for (Subscription late : subscriptions) {
      if (late.end()) {
        try {
          late.closeOutlet(CloseCode.GOING_AWAY, "the hub is going away");
        } catch (RuntimeException refused) {
          LOG.log(Level.DEBUG, "a connection could not be closed", refused);
        }
      }
    }
    slowLanes.close();
    running.forEach(Thread::interrupt);
    interrupted |= !join(deadline);
    try {
      if (!running.isEmpty() || !slowLanes.awaitEnd(deadline - System.nanoTime())) {
        LOG.log(
            Level.WARNING,
            "SLUICE-0112: {0} threads still hang in a write to a stalled connection; they end with"
                + " it",
            running.size() + slowLanes.busy());
      }
    } catch (InterruptedException stop) {
      interrupted = true;
    }
    if (interrupted) {
      Thread.currentThread().interrupt();
    }
  }

  private boolean join(long deadline) {
    for (Thread thread : running) {
      try {
        thread.join(Math.max(1, TimeUnit.NANOSECONDS.toMillis(deadline - System.nanoTime())));
      } catch (InterruptedException stop) {
        return false;
      }
    }
    return true;
  }
}
