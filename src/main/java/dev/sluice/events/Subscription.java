package dev.sluice.events;

import java.util.ArrayDeque;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.Consumer;
import java.util.function.Predicate;
import org.jspecify.annotations.Nullable;

/**
 * One subscriber's place in the stream, made by {@link Fanout#subscribe}. Any thread may call the
 * public methods; none blocks, and after the end all do nothing.
 *
 * <p>Life cycle: replays from the journal until it has caught up, then live; it ends once, by
 * {@link #gone}, {@link #close}, a failed or stalled write, or the hub's end. All state that is not
 * marked otherwise belongs to the thread that owns the shard.
 */
public final class Subscription {

  /** Control frames that may wait; a reader that leaves more unread is closed with 1013. */
  static final int MAX_CONTROL = 64;

  private static final int IDLE = 0;
  private static final int SENDING = 1;
  private static final int DONE = 2;
  private static final int IN_FLIGHT = 3;

  private final Shard shard;
  private final Outlet outlet;
  private final Predicate<? super Topic> visible;
  private final AtomicInteger stage = new AtomicInteger(IDLE);
  private final AtomicBoolean ended = new AtomicBoolean();
  private final AtomicInteger commands = new AtomicInteger();
  private final Consumer<@Nullable Throwable> done = this::completed;
  private volatile @Nullable Throwable failure;

  /** Set by the watchdog when a send blocks: from then on a slow lane's thread sends. */
  volatile boolean slow;

  /** Link of the shard's ready list. */
  @Nullable Subscription nextReady;

  private SubscribeRequest request;
  private TopicMatch match;
  private volatile Lane lane;
  private @Nullable ArrayDeque<Frame> control;
  private @Nullable Hole hole;
  private boolean tellHoleNow;
  private @Nullable JournalEntry held;
  private int markers;

  int index = -1;
  boolean queued;
  boolean inFlight;
  boolean eventInFlight;
  boolean replaying;
  boolean goawaySent;
  int fastSends;
  int skipped;

  /** A ping is to be sent unless an event comes first. */
  boolean pingDue;

  /** A hole was told before there was an event to end it, and there still is none. */
  boolean toldAhead;

  /** The next position to consider; live it is the first one that this subscription takes. */
  volatile long cursor;

  /** The seq that the next replayed entry must have unless a crash has left a hole. */
  long expectedSeq;

  /** The peer has, or is being told about, everything up to this id. */
  String wireCursor = "";

  long sentAt;
  long lastWrite;
  long goawayAt = Long.MAX_VALUE;

  Subscription(
      Shard shard,
      SubscribeRequest request,
      Predicate<? super Topic> visible,
      Outlet outlet,
      FanoutSettings settings) {
    this.shard = shard;
    this.request = request;
    this.visible = visible;
    this.outlet = outlet;
    this.match = new TopicMatch(new EventFilter(request), visible);
    this.lane = Lane.of(request, settings);
  }

  /**
   * Replaces the filters (and place, policy and sizes where the request names them) and answers
   * with a {@code subscribed} frame that says from which id this holds.
   */
  public void replace(SubscribeRequest next) {
    long liveFrom = shard.journal().headPosition() + 1;
    command(() -> shard.replace(this, next, liveFrom, true));
  }

  /** As {@link #replace}, without the answer: the legacy form. */
  public void replaceQuietly(SubscribeRequest next) {
    long liveFrom = shard.journal().headPosition() + 1;
    command(() -> shard.replace(this, next, liveFrom, false));
  }

  /** Sends an {@code error} control frame; the connection lives on. */
  public void error(String code, String message) {
    Frame frame = ControlFrames.error(code, message);
    command(() -> shard.control(this, frame));
  }

  /**
   * Asks the visibility predicate afresh for every topic, because rights changed: for what comes,
   * what is replayed, and what waits. Only a frame that is being written is not called back.
   */
  public void refreshRights() {
    command(this::decideAgain);
  }

  /** The peer has left: frees everything at once; the outlet is not called again. */
  public void gone() {
    if (end()) {
      shard.execute(this, () -> shard.remove(this));
    }
  }

  /** Frees the lane and closes the outlet. */
  public void close(CloseCode code, String reason) {
    shard.execute(this, () -> shard.end(this, code, reason));
  }

  private void command(Runnable work) {
    if (ended.get()) {
      return;
    }
    if (commands.incrementAndGet() > MAX_CONTROL) {
      close(CloseCode.TRY_AGAIN_LATER, "too many requests at once");
      return;
    }
    shard.execute(
        this,
        () -> {
          commands.decrementAndGet();
          if (!ended.get()) {
            work.run();
          }
        });
  }

  /** Claims the end; true for exactly one caller, who then cleans up. */
  boolean end() {
    if (ended.compareAndSet(false, true)) {
      shard.fanout().left(this);
      return true;
    }
    return false;
  }

  /** Ends it although its shard may be stuck: the outlet is closed when the shard runs again. */
  boolean abandon(CloseCode code, String reason) {
    if (end()) {
      shard.execute(this, () -> shard.closeEnded(this, code, reason));
      return true;
    }
    return false;
  }

  boolean hasEnded() {
    return ended.get();
  }

  // The wire.

  /**
   * Calls the outlet and says whether the write was already reported; otherwise the report comes
   * through the shard's ready list. Any sending thread, one frame at a time.
   */
  void startSend(Frame frame) {
    failure = null;
    stage.setRelease(SENDING);
    try {
      outlet.send(frame, done);
    } catch (Throwable thrown) { // an Error too: it ends this subscription, not its thread
      completed(thrown);
    }
  }

  /** After {@link #startSend} returned: true if the report was inline. */
  boolean settle() {
    return !stage.compareAndSet(SENDING, IN_FLIGHT);
  }

  private void completed(@Nullable Throwable problem) {
    int now = stage.get();
    while (now == SENDING || now == IN_FLIGHT) {
      if (problem != null) {
        failure = problem;
      }
      if (stage.compareAndSet(now, DONE)) {
        if (now == IN_FLIGHT) {
          shard.ready(this);
        }
        return;
      }
      now = stage.get();
    }
  }

  /** The reported failure of the last write, or null. */
  @Nullable Throwable takeResult() {
    stage.setRelease(IDLE);
    return failure;
  }

  void closeOutlet(CloseCode code, String reason) {
    outlet.close(code, reason);
  }

  // The data, owner only.

  SubscribeRequest request() {
    return request;
  }

  DeliveryPolicy policy() {
    DeliveryPolicy policy = request.policy();
    return policy == null ? DeliveryPolicy.DROP_OLDEST : policy;
  }

  TopicMatch match() {
    return match;
  }

  Lane lane() {
    return lane;
  }

  /** Puts a new request in force; the lane's content moves over unless the place changes. */
  void adopt(SubscribeRequest next, FanoutSettings settings) {
    SubscribeRequest merged = next.over(request);
    Lane old = lane;
    Lane fresh = Lane.of(merged, settings);
    request = merged;
    match = new TopicMatch(new EventFilter(merged), visible);
    if (next.since() != null) {
      // Answers to earlier requests are still owed, and no event that waits is.
      for (Object item = old.poll(); item != null; item = old.poll()) {
        if (item instanceof Frame marker) {
          fresh.mark(marker);
        }
      }
      hole = null;
      held = null;
      tellHoleNow = false;
      toldAhead = false;
      lane = fresh;
    } else if (fresh.getClass() != old.getClass()
        || fresh.maxEvents() != old.maxEvents()
        || fresh.maxBytes() != old.maxBytes()) {
      lane = fresh;
      for (Object item = old.poll(); item != null; item = old.poll()) {
        if (item instanceof JournalEntry entry) {
          fresh.offer(entry, this);
        } else {
          fresh.mark(item);
        }
      }
    }
  }

  /**
   * Rights have changed: what waits is decided again, and what may not be seen any more goes
   * without being told, as if it had not matched. What was already lost stays counted.
   */
  private void decideAgain() {
    match = new TopicMatch(new EventFilter(request), visible);
    // What waits has passed the filter of its time; only the rights are new.
    TopicMatch rights = new TopicMatch(new EventFilter(SubscribeRequest.EVERYTHING), visible);
    if (held != null && !rights.matches(held)) {
      held = null;
    }
    Lane old = lane;
    Lane fresh = old.emptyTwin();
    for (Object item = old.poll(); item != null; item = old.poll()) {
      if (!(item instanceof JournalEntry entry)) {
        fresh.mark(item);
      } else if (rights.matches(entry)) {
        fresh.offer(entry, this);
      }
    }
    lane = fresh;
  }

  /** Adds a control frame that must keep its place among the events; false if too many wait. */
  boolean mark(Frame frame) {
    if (markers >= MAX_CONTROL) {
      return false;
    }
    markers++;
    lane.mark(frame);
    return true;
  }

  /** Adds a control frame that goes before all events in the lane; false if too many wait. */
  boolean control(Frame frame) {
    ArrayDeque<Frame> queue = control();
    if (queue.size() >= MAX_CONTROL) {
      return false;
    }
    queue.add(frame);
    return true;
  }

  private ArrayDeque<Frame> control() {
    ArrayDeque<Frame> queue = control;
    if (queue == null) {
      queue = new ArrayDeque<>(4);
      control = queue;
    }
    return queue;
  }

  /** What a full lane pushed out. */
  void gaveWay(Object item) {
    if (item instanceof JournalEntry entry) {
      currentHole().dropped(entry);
    } else if (item instanceof Hole older) {
      currentHole().join(older);
    } else if (item instanceof Frame marker) {
      // It keeps its place before all events that are left; the bound of markers holds for both.
      markers--;
      control().add(marker);
    }
  }

  private Hole currentHole() {
    Hole current = hole;
    if (current == null) {
      current = new Hole();
      hole = current;
    }
    return current;
  }

  /** Notes a hole at the end of what waits. */
  void expired(Hole gap) {
    if (!gap.isEmpty()) {
      lane.mark(gap);
    }
  }

  /** The next hole is told even before there is an event to follow it: the answer to a resume. */
  void tellHoleNow() {
    tellHoleNow = true;
  }

  /** Whether a hole waits that should be told as soon as it may be. */
  boolean owesHole() {
    return tellHoleNow && hole != null;
  }

  /** Whether the cursor can be told: it must not pass a hole in silence. */
  boolean mayMoveCursor() {
    return hole == null || mayTellAhead();
  }

  /**
   * Whether a hole can be told although no event follows it yet. Not while there is more to read:
   * retention may take that too, and it would be the same hole.
   */
  private boolean mayTellAhead() {
    return !replaying && shard.caughtUp();
  }

  /**
   * Takes the first event after a hole that was told ahead. It waits outside the lane, where it
   * cannot give way: what is lost after it is another hole, and what was told stays whole.
   *
   * @return false if it must wait in the lane: more is lost already, an answer goes before it, or
   *     it is larger than the lane
   */
  boolean endHole(JournalEntry entry) {
    toldAhead = false;
    if (hole != null || !lane.isEmpty() || !lane.fits(entry)) {
      return false;
    }
    held = entry;
    return true;
  }

  /** The next frame for the wire, or null if nothing waits. */
  @Nullable Frame next() {
    if (held != null) {
      Frame frame = held.frame();
      held = null;
      return event(frame);
    }
    ArrayDeque<Frame> queue = control;
    if (queue != null) {
      Frame frame = queue.poll();
      if (queue.isEmpty()) {
        control = null;
      }
      if (frame != null) {
        return frame;
      }
    }
    for (Object item = lane.poll(); item != null; item = lane.poll()) {
      if (item instanceof Frame marker) {
        markers--;
        return marker;
      } else if (item instanceof Hole gap) {
        currentHole().join(gap);
      } else if (item instanceof JournalEntry entry) {
        if (hole == null) {
          return event(entry.frame());
        }
        held = entry;
        return warning(hole);
      }
    }
    if (hole != null && (tellHoleNow || pingDue) && mayTellAhead()) {
      toldAhead = true;
      return warning(hole);
    }
    return pingDue ? ping() : null;
  }

  private Frame event(Frame frame) {
    eventInFlight = true;
    skipped = 0;
    pingDue = false;
    toldAhead = false;
    wireCursor = frame.id();
    return frame;
  }

  /** A sign of life with the cursor; before a hole that cannot be told yet the cursor stays. */
  private Frame ping() {
    pingDue = false;
    skipped = 0;
    if (hole == null) {
      wireCursor = considered();
    } else {
      tellHoleNow = true;
    }
    return ControlFrames.ping(wireCursor);
  }

  /** Everything up to this id was considered. */
  String considered() {
    Journal journal = shard.journal();
    long next = replaying ? cursor : Math.max(cursor, shard.position());
    return journal.id(Math.max(0, journal.seqAt(next - 1)));
  }

  private Frame warning(Hole told) {
    hole = null;
    tellHoleNow = false;
    shard.fanout().told(told);
    return told.frame();
  }

  boolean nothingWaits() {
    return !pingDue && isEmpty();
  }

  /** Whether the peer has, or is being told about, everything that was considered. */
  boolean allTold() {
    return hole == null && isEmpty();
  }

  private boolean isEmpty() {
    return control == null && held == null && lane.isEmpty();
  }

  /** Lets go of all memory. */
  void release() {
    lane.clear();
    control = null;
    hole = null;
    held = null;
    pingDue = false;
  }
}
