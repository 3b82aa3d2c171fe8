package dev.sluice.events;

import java.util.List;
import java.util.concurrent.ThreadLocalRandom;
import java.util.concurrent.TimeUnit;

/**
 * What a shard's members get or lose by the clock: pings with the cursor, the end of those that
 * read nothing, the drain (contract C10, C12, C14). Used by the owning sending thread only; times
 * are {@link System#nanoTime}.
 */
final class KeepAlive {

  /** Events that a filter may skip before the cursor is told. */
  private static final int SKIPS_PER_CURSOR = 1000;

  private final Shard shard;
  private final long pingNanos;
  private final long stallNanos;
  private final long tickNanos;
  private long nextTick;

  KeepAlive(Shard shard, FanoutSettings settings, long now) {
    this.shard = shard;
    this.pingNanos = settings.ping().toNanos();
    this.stallNanos = settings.stall().toNanos();
    long shortest = Math.min(pingNanos, stallNanos);
    this.tickNanos = Math.min(TimeUnit.MILLISECONDS.toNanos(200), Math.max(1, shortest / 8));
    this.nextTick = now;
  }

  /** When all members are to be looked at again. */
  long nextTick() {
    return nextTick;
  }

  /** True if all members are to be looked at now; the next time is then one tick later. */
  boolean isDue(long now) {
    if (now < nextTick) {
      return false;
    }
    nextTick = now + tickNanos;
    return true;
  }

  /** Looks at one member. */
  void tick(Subscription member, long now) {
    if (member.goawayAt <= now) {
      goAway(member, now);
    } else if (member.inFlight) {
      if (now - member.sentAt > stallNanos) {
        shard.tooSlow(
            member, "nothing was read for " + TimeUnit.NANOSECONDS.toMillis(stallNanos) + " ms");
      }
    } else if (now - member.lastWrite >= pingNanos - tickNanos) {
      ping(member);
    } else if (member.owesHole()) {
      shard.enqueue(member);
    }
  }

  /** Tells the cursor to a member that has got nothing, once its filter has skipped enough. */
  void afterSkips(Subscription member) {
    if (member.skipped >= SKIPS_PER_CURSOR && member.mayMoveCursor()) {
      ping(member);
    }
  }

  private void ping(Subscription member) {
    if (!member.inFlight && member.index >= 0 && member.nothingWaits()) {
      member.pingDue = true;
      shard.enqueue(member);
    }
  }

  /** Gives each member a random moment until {@code deadline} for its {@code goaway} frame. */
  void drain(List<Subscription> members, long deadline) {
    long begin = System.nanoTime();
    long window = Math.max(1, deadline - begin);
    for (Subscription member : members) {
      member.goawayAt = begin + ThreadLocalRandom.current().nextLong(window);
    }
    nextTick = begin;
  }

  private void goAway(Subscription member, long now) {
    if (member.goawaySent) {
      if (now - member.goawayAt > TimeUnit.SECONDS.toNanos(1)) {
        shard.endGoingAway(member);
      }
      return;
    }
    member.goawaySent = true;
    // What still waits is not sent any more: the peer resumes from before it.
    String cursor = member.allTold() && !member.replaying ? member.considered() : member.wireCursor;
    member.replaying = false;
    member.release();
    long retry = 500 + ThreadLocalRandom.current().nextLong(1500);
    shard.control(member, ControlFrames.goaway(cursor, retry));
  }
}
