package dev.sluice.events;

import java.io.IOException;
import java.lang.System.Logger;
import java.lang.System.Logger.Level;
import java.time.Instant;
import java.time.temporal.ChronoUnit;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.ThreadFactory;
import java.util.concurrent.ThreadLocalRandom;
import java.util.concurrent.atomic.AtomicReferenceArray;
import java.util.concurrent.locks.ReentrantLock;
import java.util.function.Predicate;
import org.jspecify.annotations.Nullable;

/**
 * The one total order of all events (contract C1, C2, C3, C15): a ring in memory, bounded by count,
 * bytes and age, with an optional durable log behind it.
 *
 * <p>Any thread may append or read. Appending is O(1), independent of the number of subscribers,
 * takes one short lock and does no I/O; reading takes no lock. Life cycle: made, used, {@link
 * #close closed} once at undeploy; a durable journal keeps its epoch over restarts.
 */
public final class Journal implements AutoCloseable {

  private static final Logger LOG = System.getLogger(Journal.class.getName());

  /** Entries that age may remove in one append; the rest goes with the next ones. */
  private static final int EXPIRE_BATCH = 64;

  private final JournalSettings limits;
  private final String epoch;
  private final long ageMicros;
  private final AtomicReferenceArray<@Nullable JournalEntry> ring;
  private final TopicTable topics = new TopicTable();
  private final TopicTrail trail;
  private final Positions positions;
  private final CopyOnWriteArrayList<Runnable> wakes = new CopyOnWriteArrayList<>();
  private final @Nullable EventLog log;
  private final @Nullable JournalWriter writer;

  private final ReentrantLock lock = new ReentrantLock();
  private long lastMicros;
  private volatile long retainedBytes;
  private volatile long head;
  private volatile long oldest;
  private volatile long evictedMicros = Long.MIN_VALUE;
  private final long firstOwn;
  private final long firstLoaded;

  private Journal(
      JournalSettings limits,
      EventLog.Recovery start,
      @Nullable EventLog log,
      @Nullable ThreadFactory threads) {
    this.limits = limits;
    this.epoch = start.epoch();
    this.ageMicros = Math.max(1, limits.age().toNanos() / 1000);
    this.ring = new AtomicReferenceArray<>(Integer.highestOneBit(Math.max(2, limits.count())) * 2);
    this.trail = new TopicTrail(ring.length() * 4);
    this.positions = new Positions(start.events(), start.head());
    this.log = log;
    this.firstOwn = start.head() + 1;
    this.firstLoaded = firstOwn - start.events().size();
    this.head = firstLoaded - 1;
    this.oldest = firstLoaded;
    this.trail.begin(firstLoaded);
    for (StoredEvent event : start.events()) {
      load(event);
    }
    noteEarlierEvictions(start);
    if (log != null && threads != null) {
      JournalWriter carrier = new JournalWriter(this, log, threads, head);
      this.writer = carrier;
      wakes.add(carrier::wake);
      carrier.start();
    } else {
      this.writer = null;
    }
    report(start);
  }

  /** A journal in memory only: each start begins a new epoch. */
  public static Journal inMemory(JournalSettings limits) {
    return new Journal(
        limits, new EventLog.Recovery(freshEpoch(), List.of(), 0, null, null, 0), null, null);
  }

  /**
   * A journal with a durable log, which it owns from here on.
   *
   * @throws IOException with a message for the operator, if the log cannot be used
   */
  public static Journal durable(JournalSettings limits, EventLog log, ThreadFactory threads)
      throws IOException {
    return new Journal(limits, log.open(freshEpoch(), limits.count()), log, threads);
  }

  private static String freshEpoch() {
    return Long.toString(System.currentTimeMillis(), 36)
        + Integer.toString(
            ThreadLocalRandom.current().nextInt(36 * 36 * 36, 36 * 36 * 36 * 36), 36);
  }

  /** Appends and returns the new id. */
  public EventId append(DomainEvent event) {
    return record(event).id();
  }

  /** Appends and returns the event with its id and time. */
  public RecordedEvent record(DomainEvent event) {
    Topic topic = new Topic(event.type(), event.subject());
    int topicId = topics.number(topic);
    StringBuilder body = EventJson.body(event);
    int bodyBytes = EventJson.utf8Length(body) - body.length() + JournalEntry.OVERHEAD;
    long nowMicros = micros(limits.clock().instant());
    long seq;
    long micros;
    lock.lock();
    try {
      micros = Math.max(nowMicros, lastMicros);
      lastMicros = micros;
      seq = head + 1;
      String id = id(seq);
      String json = EventJson.finish(body, micros, id, limits.producedBy());
      int bytes = json.length() + bodyBytes;
      JournalEntry entry =
          new JournalEntry(seq, seq, micros, topic, topicId, new Frame("event", id, json), bytes);
      if (log != null) {
        log.mark(seq);
      }
      put(entry);
    } finally {
      lock.unlock();
    }
    for (Runnable wake : wakes) {
      wake.run();
    }
    return new RecordedEvent(
        new EventId(epoch, seq), Instant.EPOCH.plus(micros, ChronoUnit.MICROS), event);
  }

  /** Under the lock: makes room, stores the entry and only then shows it to readers. */
  private void put(JournalEntry entry) {
    long position = entry.position();
    while (position - oldest >= limits.count()
        || (retainedBytes + entry.bytes() > limits.bytes() && oldest < position)) {
      evict();
    }
    evictOlderThan(entry.micros() - ageMicros, EXPIRE_BATCH);
    ring.setRelease(slot(position), entry);
    trail.put(position, entry.topicId());
    long bytesNow = retainedBytes + entry.bytes();
    retainedBytes = bytesNow;
    head = position;
  }

  private void evict() {
    long position = oldest;
    JournalEntry gone = ring.getPlain(slot(position));
    if (gone != null) {
      long bytesLeft = retainedBytes - gone.bytes();
      retainedBytes = bytesLeft;
      evictedMicros = gone.micros();
      ring.setRelease(slot(position), null);
    }
    oldest = position + 1;
  }

  private void evictOlderThan(long micros, int most) {
    for (int i = 0; i < most && oldest <= head; i++) {
      JournalEntry candidate = ring.getPlain(slot(oldest));
      if (candidate != null && candidate.micros() > micros) {
        return;
      }
      evict();
    }
  }

  private void load(StoredEvent event) {
    lock.lock();
    try {
      Topic topic = new Topic(event.type(), event.subject());
      Frame frame = new Frame("event", id(event.seq()), event.json());
      int bytes = EventJson.utf8Length(event.json()) + JournalEntry.OVERHEAD;
      lastMicros = Math.max(lastMicros, event.micros());
      put(
          new JournalEntry(
              head + 1, event.seq(), event.micros(), topic, topics.number(topic), frame, bytes));
    } finally {
      lock.unlock();
    }
  }

  /** What former runs have let go is gone for this one, too: a resume by time must say so. */
  private void noteEarlierEvictions(EventLog.Recovery start) {
    List<StoredEvent> events = start.events();
    if (!events.isEmpty() && events.get(0).seq() > 1) {
      evictedMicros = Math.max(evictedMicros, events.get(0).micros());
    } else if (events.isEmpty() && (start.head() > 0 || start.lostEpoch() != null)) {
      evictedMicros = micros(limits.clock().instant());
    }
  }

  /** Microseconds since 1970; a moment beyond what a long holds is the furthest that it holds. */
  private static long micros(Instant time) {
    long furthest = Long.MAX_VALUE / 1_000_000 - 1;
    long seconds = Math.max(-furthest, Math.min(furthest, time.getEpochSecond()));
    return seconds * 1_000_000 + time.getNano() / 1000;
  }

  private void report(EventLog.Recovery start) {
    if (start.lostEpoch() != null) {
      lost(start.lostEpoch(), 1, start.lostHead(), "a new epoch begins: " + start.loss());
    } else if (start.loss() != null) {
      List<StoredEvent> events = start.events();
      long last = events.isEmpty() ? 0 : events.get(events.size() - 1).seq();
      if (last < start.head()) {
        lost(epoch, last + 1, start.head(), start.loss());
      }
    }
  }

  private void lost(String where, long from, long to, String reason) {
    String first = where + ':' + from;
    String last = where + ':' + to;
    LOG.log(
        Level.WARNING,
        "SLUICE-0104: up to {0} events were lost before this start, {1} to {2}: {3}",
        Math.max(0, to - from + 1),
        first,
        last,
        reason);
    append(new DomainEvent.JournalRecovered(first, last, Math.max(0, to - from + 1), reason));
  }

  /** Removes what is older than retention allows, in small steps; for background threads. */
  void expire() {
    long micros = micros(limits.clock().instant()) - ageMicros;
    JournalEntry candidate = entry(oldest);
    if (candidate == null || candidate.micros() > micros) {
      return;
    }
    lock.lock();
    try {
      evictOlderThan(micros, EXPIRE_BATCH * 16);
    } finally {
      lock.unlock();
    }
  }

  /** The epoch of all ids of this journal. */
  public String epoch() {
    return epoch;
  }

  /** The text of an id of this journal. */
  String id(long seq) {
    return epoch + ':' + seq;
  }

  /** The newest id; seq 0 before the first event. */
  public EventId head() {
    return new EventId(epoch, seqAt(head));
  }

  /** The oldest id still retained; head + 1 when nothing is. */
  public EventId oldest() {
    return new EventId(epoch, seqAt(oldest));
  }

  /**
   * Reads retained entries for paging, ascending.
   *
   * @param after entries with a greater seq are returned
   * @param limit most entries to return
   * @param wanted which ones
   */
  public List<JournalEntry> read(long after, int limit, Predicate<? super Topic> wanted) {
    List<JournalEntry> found = new ArrayList<>();
    long last = head;
    for (long p = Math.max(positions.after(after), oldest);
        p <= last && found.size() < limit;
        p++) {
      JournalEntry entry = entry(p);
      if (entry != null && wanted.test(entry.topic())) {
        found.add(entry);
      }
    }
    return found;
  }

  /** Reads all gauges; any thread. */
  public JournalStats stats() {
    long newest = head;
    JournalWriter carrier = writer;
    return new JournalStats(
        Math.max(0, newest - firstOwn + 1),
        oldest - firstLoaded,
        Math.max(0, newest - oldest + 1),
        retainedBytes,
        limits.count(),
        limits.bytes(),
        topics.size(),
        TopicTable.LIMIT,
        carrier != null,
        carrier == null ? 0 : Math.max(0, newest - carrier.durable()),
        carrier == null ? 0 : carrier.lost(),
        carrier == null ? 0 : carrier.failures());
  }

  /** Calls {@code wake} after every append, on the appending thread: it must only unpark. */
  void onAppend(Runnable wake) {
    wakes.add(wake);
  }

  void offAppend(Runnable wake) {
    wakes.remove(wake);
  }

  long headPosition() {
    return head;
  }

  long oldestPosition() {
    return oldest;
  }

  /** The entry at a position, or null if it is evicted or not yet there. */
  @Nullable JournalEntry entry(long position) {
    JournalEntry entry = ring.getAcquire(slot(position));
    return entry != null && entry.position() == position ? entry : null;
  }

  /**
   * What a crash swallowed between two seqs, exclusive and inclusive: ids that were given and whose
   * events are nowhere; each as its first and last seq.
   */
  public List<long[]> swallowed(long after, long end) {
    return positions.holes(after, end);
  }

  /** The first position whose seq is greater than {@code seq}. */
  long positionAfter(long seq) {
    return positions.after(seq);
  }

  /** The first retained position at or after a time; head + 1 if there is none. */
  long positionAt(Instant time) {
    long micros = micros(time);
    long low = oldest;
    long high = head + 1;
    while (low < high) {
      long middle = (low + high) >>> 1;
      JournalEntry entry = entry(middle);
      if (entry == null || entry.micros() < micros) {
        low = middle + 1;
      } else {
        high = middle;
      }
    }
    return Math.max(low, oldest);
  }

  /**
   * Whether an event at or after this time is, or may be, retained no more: removed by retention or
   * lost before this start.
   */
  public boolean evictedSince(Instant time) {
    return evictedMicros >= micros(time);
  }

  /** The seq at a position, also of evicted ones. */
  long seqAt(long position) {
    return positions.seq(position);
  }

  TopicTrail trail() {
    return trail;
  }

  TopicTable topics() {
    return topics;
  }

  private int slot(long position) {
    return (int) (position & (ring.length() - 1));
  }

  /** Commits what is left and ends the background thread; appending afterwards is still legal. */
  @Override
  public void close() {
    if (writer != null) {
      writer.close();
    }
  }
}
