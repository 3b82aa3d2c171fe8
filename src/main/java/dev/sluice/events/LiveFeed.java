package dev.sluice.events;

import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * Reads the journal on, in batches, and offers each entry to all live members of a shard; {@link
 * Replay} serves those that are behind. Used by the thread that owns the shard; calls no outlet.
 */
final class LiveFeed {

  /** Entries offered to all lanes before they are pumped. */
  private static final int BATCH = 128;

  private final Shard shard;
  private final Journal journal;
  private final Replay replay;
  private final KeepAlive keepAlive;
  private final @Nullable JournalEntry[] batch = new @Nullable JournalEntry[BATCH];
  private volatile long position;

  /** A batch fits into every lane, so that no reader loses an event to the size of our batches. */
  private int batchEvents = BATCH;

  private int batchBytes = Integer.MAX_VALUE;
  private boolean boundsChanged;

  LiveFeed(Shard shard, Journal journal, Replay replay, KeepAlive keepAlive) {
    this.shard = shard;
    this.journal = journal;
    this.replay = replay;
    this.keepAlive = keepAlive;
    this.position = journal.headPosition() + 1;
  }

  /** The next position to read; any thread. */
  long position() {
    return position;
  }

  /** Whether there is nothing in the journal that was not read. */
  boolean caughtUp() {
    return position > journal.headPosition();
  }

  /** A member came, went or has another lane. */
  void boundsChanged() {
    boundsChanged = true;
  }

  /** Reads and offers one batch, or tells the members what retention took before it was read. */
  void offer(List<Subscription> members) {
    long from = position;
    long oldest = journal.oldestPosition();
    if (from < oldest) {
      passedBy(members, from, oldest);
      return;
    }
    int count = collect(from, members);
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

  private void passedBy(List<Subscription> members, long from, long oldest) {
    for (Subscription member : List.copyOf(members)) {
      if (!member.replaying && member.cursor < oldest) {
        try {
          member.expired(replay.evicted(member, Math.max(from, member.cursor), oldest));
          shard.enqueue(member);
        } catch (Throwable defect) {
          shard.fail(member, defect);
        }
      }
    }
    position = oldest;
  }

  /** Reads the next batch: as much as every lane can hold, at least one entry if there is one. */
  private int collect(long from, List<Subscription> members) {
    if (boundsChanged) {
      findBounds(members);
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

  private void findBounds(List<Subscription> members) {
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
        shard.enqueue(member);
      } else {
        keepAlive.afterSkips(member);
      }
    } catch (Throwable defect) {
      shard.fail(member, defect);
    }
  }

  /** False if this subscription takes no more of the batch. */
  private boolean take(Subscription member, JournalEntry entry) {
    if (member.toldAhead && member.endHole(entry)) {
      return true;
    }
    Lane lane = member.lane();
    if (!lane.fits(entry)) {
      switch (member.policy()) {
        case DISCONNECT -> {
          shard.tooSlow(member, "the lane is full");
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
}
