package dev.sluice.events;

import java.io.IOException;
import java.lang.System.Logger;
import java.lang.System.Logger.Level;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.ThreadFactory;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.LongAdder;
import java.util.concurrent.locks.LockSupport;

/**
 * Carries entries from the ring to the durable log on one background thread.
 *
 * <p>The ring itself is the queue: it is bounded, and what retention removes before the disk took
 * it is counted. An entry is committed at most {@value #GATHER_MILLIS} ms and one commit after its
 * append, and forced to the disk a second later, also when nothing follows it. Owns its thread;
 * {@link #close} ends it after a last commit.
 */
final class JournalWriter implements Runnable {

  /** How long appends are gathered into one commit, in milliseconds. */
  static final int GATHER_MILLIS = 20;

  private static final Logger LOG = System.getLogger(JournalWriter.class.getName());
  private static final int BATCH = 4096;
  private static final long RETRY_NANOS = TimeUnit.SECONDS.toNanos(1);
  private static final long SYNC_NANOS = TimeUnit.SECONDS.toNanos(1);
  private static final long IDLE_NANOS = TimeUnit.SECONDS.toNanos(1);

  private final Journal journal;
  private final EventLog log;
  private final Thread thread;
  private volatile boolean parked;
  private volatile boolean closing;
  private volatile long durable;
  private final LongAdder lost = new LongAdder();
  private final LongAdder failures = new LongAdder();
  private boolean failing;

  /** Whether something is committed and not yet forced to the disk, and since when. */
  private boolean unsynced;

  private long unsyncedSince;

  JournalWriter(Journal journal, EventLog log, ThreadFactory threads, long durable) {
    this.journal = journal;
    this.log = log;
    this.durable = durable;
    this.thread = threads.newThread(this);
    thread.setName("sluice-journal");
  }

  void start() {
    thread.start();
  }

  /** Called after each append; wakes the thread only if it sleeps. */
  void wake() {
    if (parked) {
      parked = false;
      LockSupport.unpark(thread);
    }
  }

  /** Position of the last committed entry. */
  long durable() {
    return durable;
  }

  long lost() {
    return lost.sum();
  }

  long failures() {
    return failures.sum();
  }

  @Override
  public void run() {
    // Nothing here needs the web application's class loader; see Fanout for what holding it costs.
    Thread.currentThread().setContextClassLoader(ClassLoader.getPlatformClassLoader());
    while (!closing) {
      park();
      if (!closing && journal.headPosition() > durable) {
        LockSupport.parkNanos(TimeUnit.MILLISECONDS.toNanos(GATHER_MILLIS));
      }
      if (!writeAll() && !closing) {
        LockSupport.parkNanos(RETRY_NANOS);
      }
      if (Thread.interrupted()) {
        // Left pending it would make parking spin, and file channels close on interrupted writes.
        LOG.log(Level.DEBUG, "an interrupt was ignored: only close() ends the writer");
      }
    }
    writeAll();
  }

  private void park() {
    parked = true;
    if (!closing && journal.headPosition() <= durable) {
      LockSupport.parkNanos(
          unsynced ? Math.max(1, SYNC_NANOS - (System.nanoTime() - unsyncedSince)) : IDLE_NANOS);
    }
    parked = false;
  }

  /** False if it failed and must be tried again. */
  private boolean writeAll() {
    try {
      while (journal.headPosition() > durable) {
        writeBatch();
        syncIfDue();
      }
      syncIfDue();
      journal.expire();
      if (failing) {
        failing = false;
        LOG.log(
            Level.INFO, "SLUICE-0102: the event log works again; all retained events are in it");
      }
      return true;
    } catch (Throwable failure) { // a mapped file reports a full disk as an Error
      failures.increment();
      if (!failing) {
        failing = true;
        LOG.log(
            Level.ERROR,
            "SLUICE-0101: the event log cannot be written; events stay in memory and are tried"
                + " again every second: "
                + failure.getMessage(),
            failure);
      }
      return false;
    }
  }

  private void syncIfDue() throws IOException {
    if (unsynced && System.nanoTime() - unsyncedSince >= SYNC_NANOS) {
      log.sync();
      unsynced = false;
    }
  }

  private void writeBatch() throws IOException {
    long from = durable + 1;
    long oldest = journal.oldestPosition();
    if (from < oldest) {
      lost.add(oldest - from);
      LOG.log(
          Level.WARNING,
          "SLUICE-0103: {0} events left retention before the event log could take them",
          oldest - from);
      from = oldest;
    }
    long to = Math.min(journal.headPosition(), from + BATCH - 1);
    List<StoredEvent> batch = new ArrayList<>((int) (to - from + 1));
    for (long position = from; position <= to; position++) {
      JournalEntry entry = journal.entry(position);
      if (entry != null) {
        Topic topic = entry.topic();
        batch.add(
            new StoredEvent(
                entry.seq(), entry.micros(), topic.type(), topic.subject(), entry.json()));
      }
    }
    log.write(batch, journal.oldest().seq());
    durable = to;
    if (!unsynced) {
      unsynced = true;
      unsyncedSince = System.nanoTime();
    }
  }

  /** Commits the rest and ends the thread; waits for it at most five seconds. */
  void close() {
    closing = true;
    LockSupport.unpark(thread);
    boolean interrupted = false;
    try {
      thread.join(TimeUnit.SECONDS.toMillis(5));
    } catch (InterruptedException stop) {
      interrupted = true;
    }
    if (interrupted) {
      Thread.currentThread().interrupt();
    }
    log.close();
  }
}
