package dev.sluice.events;

import java.lang.System.Logger;
import java.lang.System.Logger.Level;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.ThreadLocalRandom;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.LockSupport;
import org.jspecify.annotations.Nullable;

/**
 * A disjoint set of subscriptions with its own cursor in the journal, run by one thread at a time.
 *
 * <p>Reading entries and offering them to lanes never calls an outlet, so that the shard is whole
 * whenever its thread may hang; only then are lanes pumped, one at a time. Other threads reach it
 * through two lock-free lists: commands and ready subscriptions.
 */
final class Shard {

  private static final Logger LOG = System.getLogger(Shard.class.getName());

  /** Frames a lane may send before the next one has its turn. */
  private static final int PUMP = 256;

  /** Entries offered to all lanes before they are pumped. */
  private static final int BATCH = 128;

  /** Rest after a defect that is nobody's in particular: it may come again at once. */
  private static final long REST_NANOS = TimeUnit.MILLISECONDS.toNanos(50);

  /** Events that a filter may skip before the cursor is told. */
  private static final int SKIPS_PER_CURSOR = 1000;

  private final Fanout fanout;
  private final Journal journal;
  private final FanoutSettings settings;
  private final Replay replay;
  private final Mailbox mailbox = new Mailbox();
  private volatile boolean parked;
  private volatile @Nullable Worker owner;

  private record Closing(Subscription subscription, CloseCode code, String reason) {}

  private final List<Subscription> members = new ArrayList<>();
  private final ArrayDeque<Subscription> runnable = new ArrayDeque<>();
  private final ArrayDeque<Closing> closings = new ArrayDeque<>();
  private final @Nullable JournalEntry[] batch = new @Nullable JournalEntry[BATCH];
  private final long tickNanos;
  private volatile long position;

  /** A batch fits into every lane, so that no reader loses an event to the size of our batches. */
  private int batchEvents = BATCH;

  private int batchBytes = Integer.MAX_VALUE;
  private boolean boundsChanged;
  private long now;
  private long nextTick;

  Shard(Fanout fanout, Journal journal, FanoutSettings settings) {
    this.fanout = fanout;
    this.journal = journal;
    this.settings = settings;
    this.replay = new Replay(journal);
    this.position = journal.headPosition() + 1;
    this.now = System.nanoTime();
    this.nextTick = now;
    long shortest = Math.min(settings.ping().toNanos(), settings.stall().toNanos());
    this.tickNanos = Math.min(TimeUnit.MILLISECONDS.toNanos(200), Math.max(1, shortest / 8));
  }

  Fanout fanout() {
    return fanout;
  }

  Journal journal() {
    return journal;
  }

  @Nullable Worker owner() {
    return owner;
  }

  boolean isParked() {
    return parked;
  }

  long position() {
    return position;
  }

  // Called from other threads.

  void execute(Runnable work) {
    mailbox.add(new Mailbox.Command(null, work));
    wake();
  }

  /** As {@link #execute(Runnable)}; when it throws, {@code member} is closed. */
  void execute(Subscription member, Runnable work) {
    mailbox.add(new Mailbox.Command(member, work));
    wake();
  }

  /** A write was reported by another thread than the one that started it. */
  void ready(Subscription subscription) {
    mailbox.ready(subscription);
    wake();
  }

  /** Unparks the owner if it sleeps: all that publishing costs, whatever the subscribers. */
  void wake() {
    if (parked) {
      parked = false;
      Worker worker = owner;
      if (worker != null) {
        LockSupport.unpark(worker.thread());
      }
    }
  }

  // The owner's loop.

  /**
   * Runs the shard until the hub closes or the right to run it is taken away. What a subscription
   * causes ends that subscription; whatever else is thrown is logged and the shard goes on.
   */
  void run(Worker first) {
    Worker worker = first;
    while (true) {
      worker.bind(Thread.currentThread());
      owner = worker;
      try {
        loop(worker);
        return;
      } catch (Revoked handedOver) {
        LOG.log(Level.DEBUG, "a blocked thread leaves its shard to {0}", owner);
        return;
      } catch (Throwable defect) { // an Error too: without this thread its subscribers are mute
        if (!worker.retire() || fanout.isClosed()) {
          return;
        }
        LOG.log(
            Level.ERROR,
            "SLUICE-0114: a sending thread met a defect and goes on: " + defect,
            defect);
        LockSupport.parkNanos(this, REST_NANOS);
        worker = new Worker();
      }
    }
  }

  private void loop(Worker worker) {
    while (!fanout.isClosed()) {
      runCommands();
      takeReady();
      offerLive();
      closeOutlets(worker);
      pumpAll(worker);
      tick();
      park();
    }
    shutDown(worker);
  }

  private void park() {
    parked = true;
    if (fanout.isClosed()
        || journal.headPosition() >= position
        || !mailbox.isEmpty()
        || !runnable.isEmpty()
        || !closings.isEmpty()) {
      parked = false;
      now = System.nanoTime();
      fanout.active();
      return;
    }
    if (members.isEmpty()) {
      LockSupport.park(this);
    } else {
      LockSupport.parkNanos(this, Math.max(1, nextTick - System.nanoTime()));
    }
    parked = false;
    if (Thread.interrupted()) {
      // A pending interrupt would turn every later park into a spin; close() is what ends us.
      LOG.log(Level.DEBUG, "an interrupt was ignored");
    }
    now = System.nanoTime();
    fanout.active();
  }

  private void runCommands() {
    for (Mailbox.Command next = mailbox.next(); next != null; next = mailbox.next()) {
      try {
        next.work().run();
      } catch (Throwable defect) {
        fail(next.member(), defect);
      }
    }
  }

  private void takeReady() {
    Subscription next = mailbox.takeReady();
    while (next != null) {
      Subscription subscription = next;
      next = subscription.nextReady;
      subscription.nextReady = null;
      try {
        finish(subscription);
        enqueue(subscription);
      } catch (Throwable defect) {
        fail(subscription, defect);
      }
    }
  }

  private void offerLive() {
    long from = position;
    long oldest = journal.oldestPosition();
    if (from < oldest) {
      for (Subscription member : List.copyOf(members)) {
        if (!member.replaying && member.cursor < oldest) {
          try {
            member.expired(replay.evicted(member, Math.max(from, member.cursor), oldest));
          } catch (Throwable defect) {
            fail(member, defect);
          }
        }
      }
      position = oldest;
      return;
    }
    int count = collect(from);
    if (count == 0) {
      return;
    }
    position = from + count;
    for (int i = members.size() - 1; i >= 0; i--) {
      Subscription member = members.get(i);
      if (!member.replaying && !member.goawaySent) {
        offer(member, count);
      }
    }
  }

  /** Reads the next batch: as much as every lane can hold, at least one entry if there is one. */
  private int collect(long from) {
    if (boundsChanged) {
      findBounds();
    }
    int count = 0;
    long bytes = 0;
    long head = journal.headPosition();
    while (count < batchEvents && from + count <= head) {
      JournalEntry entry = journal.entry(from + count);
      if (entry == null) {
        break; // evicted while we read; the next round counts it
      }
      bytes += entry.bytes();
      if (bytes > batchBytes && count > 0) {
        break;
      }
      batch[count++] = entry;
    }
    return count;
  }

  private void findBounds() {
    boundsChanged = false;
    batchEvents = BATCH;
    batchBytes = Integer.MAX_VALUE;
    for (Subscription member : members) {
      batchEvents = Math.min(batchEvents, member.lane().maxEvents());
      batchBytes = Math.min(batchBytes, member.lane().maxBytes());
    }
  }

  private void offer(Subscription member, int count) {
    try {
      boolean any = false;
      for (int i = 0; i < count; i++) {
        JournalEntry entry = batch[i];
        if (entry == null || entry.position() < member.cursor) {
          continue;
        }
        if (!member.match().matches(entry)) {
          member.skipped++;
          continue;
        }
        any = true;
        if (!take(member, entry)) {
          break;
        }
      }
      if (any) {
        enqueue(member);
      } else if (member.skipped >= SKIPS_PER_CURSOR) {
        ping(member);
      }
    } catch (Throwable defect) {
      fail(member, defect);
    }
  }

  /** False if this subscription takes no more of the batch. */
  private boolean take(Subscription member, JournalEntry entry) {
    Lane lane = member.lane();
    if (!lane.fits(entry)) {
      switch (member.policy()) {
        case DISCONNECT -> {
          tooSlow(member, "the lane is full");
          return false;
        }
        case REQUIRE_COMPLETE -> {
          member.replaying = true;
          member.cursor = entry.position();
          member.expectedSeq = entry.seq();
          return false;
        }
        default -> {}
      }
    }
    lane.offer(entry, member);
    return true;
  }

  private void enqueue(Subscription member) {
    if (!member.queued && !member.inFlight && member.index >= 0) {
      member.queued = true;
      runnable.add(member);
    }
  }

  private void pumpAll(Worker worker) {
    for (int turns = runnable.size(); turns > 0; turns--) {
      Subscription member = runnable.poll();
      if (member == null) {
        return;
      }
      member.queued = false;
      if (member.inFlight || member.index < 0) {
        continue;
      }
      try {
        pump(worker, member);
      } catch (Revoked handedOver) {
        throw handedOver;
      } catch (Throwable defect) {
        fail(member, defect);
      }
    }
  }

  private void pump(Worker worker, Subscription member) {
    now = System.nanoTime();
    for (int sent = 0; sent < PUMP; sent++) {
      if (member.hasEnded()) {
        return;
      }
      if (member.replaying && member.lane().isEmpty()) {
        refill(member);
      }
      Frame frame = member.next();
      if (frame == null) {
        if (member.replaying) {
          break; // the scan found nothing yet: come back for more
        }
        return;
      }
      member.inFlight = true;
      member.sentAt = now;
      if (member.slow) {
        fanout.sendSlowly(this, member, frame);
        return;
      }
      if (!send(worker, member, frame)) {
        return;
      }
      finish(member);
    }
    enqueue(member);
  }

  /** True if the write is done; throws if the shard was handed over meanwhile. */
  private boolean send(Worker worker, Subscription member, Frame frame) {
    worker.enter(member);
    member.startSend(frame);
    if (worker.leave()) {
      return member.settle();
    }
    leaveBlocked(member);
    throw new Revoked();
  }

  private void leaveBlocked(Subscription member) {
    if (member.settle()) {
      ready(member);
    }
  }

  /** Takes the result of a write. */
  private void finish(Subscription member) {
    member.inFlight = false;
    Throwable failure = member.takeResult();
    if (failure != null) {
      member.eventInFlight = false;
      end(member, CloseCode.INTERNAL, "write failed");
      return;
    }
    member.lastWrite = now;
    if (member.eventInFlight) {
      member.eventInFlight = false;
      fanout.delivered();
    }
    if (member.goawaySent && member.nothingWaits()) {
      end(member, CloseCode.GOING_AWAY, "the hub is going away");
    }
  }

  private void closeOutlets(Worker worker) {
    for (Closing next = closings.poll(); next != null; next = closings.poll()) {
      worker.enter(next.subscription);
      try {
        next.subscription.closeOutlet(next.code, next.reason);
      } catch (Throwable refused) { // an Error too: the call must be left in any case
        LOG.log(Level.DEBUG, "a connection could not be closed", refused);
      }
      if (!worker.leave()) {
        throw new Revoked();
      }
    }
  }

  private void refill(Subscription member) {
    int taken = replay.refill(member, position);
    fanout.replayed(taken);
    if (taken == 0 && member.skipped >= SKIPS_PER_CURSOR) {
      ping(member);
    }
  }

  private String id(long seq) {
    return journal.epoch() + ':' + seq;
  }

  // Commands, on the owner.

  void add(Subscription member, long liveFrom, boolean announce) {
    if (member.hasEnded()) {
      return;
    }
    member.index = members.size();
    members.add(member);
    boundsChanged = true;
    member.lastWrite = now;
    place(member, liveFrom, announce);
  }

  void replace(Subscription member, SubscribeRequest next, long liveFrom, boolean announce) {
    member.adopt(next, settings);
    boundsChanged = true;
    if (next.since() != null) {
      place(member, liveFrom, announce);
      return;
    }
    if (!member.replaying) {
      member.cursor = Math.max(member.cursor, position);
    }
    if (announce) {
      announce(member, member.cursor, "none");
    }
    enqueue(member);
  }

  private void place(Subscription member, long liveFrom, boolean announce) {
    StartPoint start = StartPoint.of(journal, member.request().since(), liveFrom);
    member.cursor = start.position();
    member.expectedSeq = start.expectedSeq();
    member.wireCursor = id(Math.max(0, start.expectedSeq() - 1));
    member.replaying = start.position() < position;
    if (announce) {
      announce(member, Math.max(start.position(), journal.oldestPosition()), start.resumed());
    }
    Hole hole = start.hole();
    if (hole != null) {
      member.expired(hole);
    }
    if (start.position() < journal.oldestPosition() || hole != null) {
      member.tellHoleNow();
    }
    enqueue(member);
  }

  private void announce(Subscription member, long from, String resumed) {
    Frame frame =
        ControlFrames.subscribed(
            member.request(),
            id(journal.seqAt(from)),
            resumed,
            journal.oldest().toString(),
            journal.head().toString());
    if (!member.mark(frame)) {
      end(member, CloseCode.TRY_AGAIN_LATER, "too many unread answers");
    }
  }

  /** Whether there is nothing in the journal that this shard has not read. */
  boolean caughtUp() {
    return position > journal.headPosition();
  }

  void control(Subscription member, Frame frame) {
    if (member.control(frame)) {
      enqueue(member);
    } else {
      end(member, CloseCode.TRY_AGAIN_LATER, "too many unread control frames");
    }
  }

  private void ping(Subscription member) {
    if (!member.inFlight && member.index >= 0 && member.nothingWaits()) {
      member.skipped = 0;
      String cursor = cursor(member);
      member.wireCursor = cursor;
      control(member, ControlFrames.ping(cursor));
    }
  }

  /** Everything up to this id was considered for the subscription. */
  private String cursor(Subscription member) {
    long next = member.replaying ? member.cursor : Math.max(member.cursor, position);
    return id(Math.max(0, journal.seqAt(next - 1)));
  }

  void end(Subscription member, CloseCode code, String reason) {
    if (member.end()) {
      if (code == CloseCode.TOO_SLOW) {
        fanout.closedSlow();
      }
      closeEnded(member, code, reason);
    }
  }

  void closeEnded(Subscription member, CloseCode code, String reason) {
    remove(member);
    closings.add(new Closing(member, code, reason));
  }

  private void tooSlow(Subscription member, String reason) {
    end(member, CloseCode.TOO_SLOW, reason + "; resume from your last id");
  }

  private void fail(@Nullable Subscription member, Throwable defect) {
    LOG.log(Level.ERROR, "SLUICE-0111: a subscription failed and was closed", defect);
    if (member != null) {
      end(member, CloseCode.INTERNAL, "internal error");
    }
  }

  /** Frees what a subscription that has ended still holds. */
  void remove(Subscription member) {
    member.release();
    int index = member.index;
    if (index >= 0) {
      member.index = -1;
      Subscription last = members.remove(members.size() - 1);
      if (last != member) {
        members.set(index, last);
        last.index = index;
      }
      boundsChanged = true;
    }
  }

  void drain(long deadlineNanos) {
    long begin = System.nanoTime();
    long window = Math.max(1, deadlineNanos - begin);
    for (Subscription member : members) {
      member.goawayAt = begin + ThreadLocalRandom.current().nextLong(window);
    }
    nextTick = begin;
  }

  private void tick() {
    if (now < nextTick) {
      return;
    }
    nextTick = now + tickNanos;
    journal.expire();
    for (int i = members.size() - 1; i >= 0; i--) {
      Subscription member = members.get(i);
      try {
        tick(member);
      } catch (Throwable defect) {
        fail(member, defect);
      }
    }
  }

  private void tick(Subscription member) {
    if (member.goawayAt <= now) {
      goAway(member);
    } else if (member.inFlight) {
      if (now - member.sentAt > settings.stall().toNanos()) {
        tooSlow(member, "nothing was read for " + settings.stall().toMillis() + " ms");
      }
    } else if (now - member.lastWrite >= settings.ping().toNanos() - tickNanos) {
      ping(member);
    } else if (member.owesHole()) {
      enqueue(member);
    }
  }

  private void goAway(Subscription member) {
    if (member.goawaySent) {
      if (now - member.goawayAt > TimeUnit.SECONDS.toNanos(1)) {
        end(member, CloseCode.GOING_AWAY, "the hub is going away");
      }
      return;
    }
    member.goawaySent = true;
    // What still waits is not sent any more: the peer resumes from before it.
    String cursor = member.allTold() && !member.replaying ? cursor(member) : member.wireCursor;
    member.replaying = false;
    member.release();
    long retry = 500 + ThreadLocalRandom.current().nextLong(1500);
    control(member, ControlFrames.goaway(cursor, retry));
  }

  private void shutDown(Worker worker) {
    runCommands();
    for (Subscription member : List.copyOf(members)) {
      end(member, CloseCode.GOING_AWAY, "the hub is going away");
    }
    closeOutlets(worker);
  }
}
