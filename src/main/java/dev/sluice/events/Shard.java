package dev.sluice.events;

import java.lang.System.Logger;
import java.lang.System.Logger.Level;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.List;
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

  /** Rest after a defect that is nobody's in particular: it may come again at once. */
  private static final long REST_NANOS = TimeUnit.MILLISECONDS.toNanos(50);

  private final Fanout fanout;
  private final Journal journal;
  private final Replay replay;
  private final KeepAlive keepAlive;
  private final LiveFeed feed;
  private final Admission admission;
  private final Mailbox mailbox = new Mailbox();
  private volatile boolean parked;
  private volatile @Nullable Worker owner;

  private record Closing(Subscription subscription, CloseCode code, String reason) {}

  private final List<Subscription> members = new ArrayList<>();
  private final ArrayDeque<Subscription> runnable = new ArrayDeque<>();
  private final ArrayDeque<Closing> closings = new ArrayDeque<>();
  private long now;

  Shard(Fanout fanout, Journal journal, FanoutSettings settings) {
    this.fanout = fanout;
    this.journal = journal;
    this.replay = new Replay(journal);
    this.now = System.nanoTime();
    this.keepAlive = new KeepAlive(this, settings, now);
    this.feed = new LiveFeed(this, journal, replay, keepAlive);
    this.admission = new Admission(this, journal, settings);
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

  /** The next position to read; any thread. */
  long position() {
    return feed.position();
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
      feed.offer(members);
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
        || !feed.caughtUp()
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
      LockSupport.parkNanos(this, Math.max(1, keepAlive.nextTick() - System.nanoTime()));
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

  void enqueue(Subscription member) {
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
      endGoingAway(member);
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
    int taken = replay.refill(member, feed.position());
    fanout.replayed(taken);
    if (taken == 0) {
      keepAlive.afterSkips(member);
    }
  }

  // Commands, on the owner.

  void add(Subscription member, long liveFrom, boolean announce) {
    if (member.hasEnded()) {
      return;
    }
    member.index = members.size();
    members.add(member);
    feed.boundsChanged();
    member.lastWrite = now;
    admission.place(member, liveFrom, announce);
  }

  void replace(Subscription member, SubscribeRequest next, long liveFrom, boolean announce) {
    feed.boundsChanged();
    admission.replace(member, next, liveFrom, announce);
  }

  /** Whether there is nothing in the journal that this shard has not read. */
  boolean caughtUp() {
    return feed.caughtUp();
  }

  void control(Subscription member, Frame frame) {
    if (member.control(frame)) {
      enqueue(member);
    } else {
      end(member, CloseCode.TRY_AGAIN_LATER, "too many unread control frames");
    }
  }

  void end(Subscription member, CloseCode code, String reason) {
    if (member.end()) {
      if (code == CloseCode.TOO_SLOW) {
        fanout.closedSlow();
      }
      if (member.inFlight) {
        fanout.closedUnread();
      }
      closeEnded(member, code, reason);
    }
  }

  void closeEnded(Subscription member, CloseCode code, String reason) {
    remove(member);
    closings.add(new Closing(member, code, reason));
  }

  void endGoingAway(Subscription member) {
    end(member, CloseCode.GOING_AWAY, "the hub is going away");
  }

  void tooSlow(Subscription member, String reason) {
    end(member, CloseCode.TOO_SLOW, reason + "; resume from your last id");
  }

  void fail(@Nullable Subscription member, Throwable defect) {
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
      feed.boundsChanged();
    }
  }

  void drain(long deadlineNanos) {
    keepAlive.drain(members, deadlineNanos);
  }

  private void tick() {
    if (!keepAlive.isDue(now)) {
      return;
    }
    journal.expire();
    for (int i = members.size() - 1; i >= 0; i--) {
      Subscription member = members.get(i);
      try {
        keepAlive.tick(member, now);
      } catch (Throwable defect) {
        fail(member, defect);
      }
    }
  }

  private void shutDown(Worker worker) {
    runCommands();
    for (Subscription member : List.copyOf(members)) {
      endGoingAway(member);
    }
    closeOutlets(worker);
  }
}
