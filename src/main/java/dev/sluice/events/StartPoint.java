package dev.sluice.events;

import org.jspecify.annotations.Nullable;

/**
 * Where a subscription begins (contract C8).
 *
 * @param position the first position to consider; it may be evicted already
 * @param expectedSeq the seq that comes next if nothing is missing
 * @param resumed full, partial or none
 * @param hole what is missing before {@code position} and cannot be counted from it, or null
 */
record StartPoint(long position, long expectedSeq, String resumed, @Nullable Hole hole) {

  /** Resolves {@code since}; {@code liveFrom} is what live meant when the subscriber asked. */
  static StartPoint of(Journal journal, @Nullable Since since, long liveFrom) {
    long oldest = journal.oldestPosition();
    if (since instanceof Since.Earliest) {
      return at(journal, oldest, "full", null);
    } else if (since instanceof Since.At time) {
      long position = journal.positionAt(time.time());
      return journal.evictedSince(time.time())
          ? at(journal, oldest, "partial", unknown(journal, journal.id(1)))
          : at(journal, position, "full", null);
    } else if (since instanceof Since.After after) {
      return after(journal, after.id(), oldest);
    }
    return at(journal, liveFrom, "none", null);
  }

  private static StartPoint after(Journal journal, EventId id, long oldest) {
    if (!id.epoch().equals(journal.epoch())) {
      return at(journal, oldest, "none", unknown(journal, id.toString()));
    }
    long head = journal.headPosition();
    if (id.seq() >= journal.seqAt(head)) {
      return at(journal, head + 1, "full", null);
    }
    long position = journal.positionAfter(id.seq());
    boolean whole = position >= oldest && journal.seqAt(position) == id.seq() + 1;
    return new StartPoint(position, id.seq() + 1, whole ? "full" : "partial", null);
  }

  private static StartPoint at(
      Journal journal, long position, String resumed, @Nullable Hole hole) {
    return new StartPoint(position, journal.seqAt(position), resumed, hole);
  }

  /**
   * Continuity with {@code from} is lost: all that this epoch has let go may be missing, or more.
   */
  private static Hole unknown(Journal journal, String from) {
    long before = journal.oldest().seq() - 1;
    Hole hole = new Hole();
    hole.expired(Math.max(0, before), false, from, journal.id(before));
    return hole;
  }
}
