package dev.sluice.events;

/**
 * Fills the lane of a subscription that is behind from what the journal retains, and counts what it
 * does not retain any more. Used by the thread that owns the shard; calls no outlet.
 */
final class Replay {

  /** Entries a replaying subscription looks at, and takes, in one turn. */
  private static final int SCAN = 1024;

  private static final int TAKE = 64;

  private final Journal journal;

  Replay(Journal journal) {
    this.journal = journal;
  }

  /**
   * Moves the cursor up to {@code live} at most, where replaying ends.
   *
   * @return how many events were put into the lane
   */
  int refill(Subscription member, long live) {
    long at = member.cursor;
    int taken = 0;
    for (int looked = 0; looked < SCAN && taken < TAKE && at < live; looked++) {
      JournalEntry entry = journal.entry(at);
      if (entry == null) {
        long oldest = journal.oldestPosition();
        if (at >= oldest) {
          continue; // evicted between the two reads: look again
        }
        long to = Math.min(oldest, live);
        member.expired(evicted(member, at, Math.min(member.expectedSeq, journal.seqAt(at)), to));
        at = to;
        member.expectedSeq = journal.seqAt(to);
        continue;
      }
      if (entry.seq() > member.expectedSeq) {
        Hole hole = new Hole();
        hole.expired(
            entry.seq() - member.expectedSeq,
            false,
            journal.id(member.expectedSeq),
            journal.id(entry.seq() - 1));
        member.expired(hole);
      }
      if (member.match().matches(entry)) {
        if (taken > 0 && !member.lane().fits(entry)) {
          break;
        }
        member.lane().offer(entry, member);
        taken++;
      } else {
        member.skipped++;
      }
      member.expectedSeq = entry.seq() + 1;
      at++;
    }
    member.cursor = at;
    if (at >= live) {
      member.replaying = false;
    }
    return taken;
  }

  /** What a subscription loses by the eviction of positions {@code from} to before {@code to}. */
  Hole evicted(Subscription member, long from, long to) {
    return evicted(member, from, journal.seqAt(from), to);
  }

  private Hole evicted(Subscription member, long from, long fromSeq, long to) {
    Hole hole = new Hole();
    long lastSeq = journal.seqAt(to) - 1;
    // A crash takes seqs that no position stands for: what they were is known to nobody.
    long unknown = Math.max(0, lastSeq + 1 - fromSeq - (to - from));
    TopicMatch match = member.match();
    if (match.everything()) {
      hole.expired(to - from + unknown, unknown == 0, journal.id(fromSeq), journal.id(lastSeq));
      return hole;
    }
    TopicTrail trail = journal.trail();
    TopicTable topics = journal.topics();
    long crashed = unknown;
    long at = Math.min(to, Math.max(from, trail.first()));
    long first = -1;
    long last = -1;
    long count = 0;
    unknown += at - from;
    for (long p = at; p < to; p++) {
      int number = trail.topic(p);
      if (!trail.holds(p)) {
        // Overtaken: nothing up to here is sure.
        unknown = crashed + p + 1 - from;
        count = 0;
        first = -1;
        continue;
      }
      Topic topic = topics.topic(number);
      if (topic == null) {
        unknown++;
      } else if (match.matches(number, topic)) {
        count++;
        first = first < 0 ? p : first;
        last = p;
      }
    }
    if (unknown > 0) {
      hole.expired(count + unknown, false, journal.id(fromSeq), journal.id(lastSeq));
    } else if (count > 0) {
      hole.expired(count, true, journal.id(journal.seqAt(first)), journal.id(journal.seqAt(last)));
    }
    return hole;
  }
}
