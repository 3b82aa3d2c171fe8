package dev.sluice.events;

/**
 * Gives a shard's members their place in the stream, at first and when they ask for another, and
 * answers from which id it holds (contract C8, C10). Used by the owning sending thread only.
 */
final class Admission {

  private final Shard shard;
  private final Journal journal;
  private final FanoutSettings settings;

  Admission(Shard shard, Journal journal, FanoutSettings settings) {
    this.shard = shard;
    this.journal = journal;
    this.settings = settings;
  }

  /** Puts a new request in force; the member keeps its place unless the request names one. */
  void replace(Subscription member, SubscribeRequest next, long liveFrom, boolean announce) {
    member.adopt(next, settings);
    if (next.since() != null) {
      place(member, liveFrom, announce);
      return;
    }
    if (!member.replaying) {
      member.cursor = Math.max(member.cursor, shard.position());
    }
    if (announce) {
      announce(member, member.cursor, "none");
    }
    shard.enqueue(member);
  }

  /** Where its request says; {@code liveFrom} is what live meant when the subscriber asked. */
  void place(Subscription member, long liveFrom, boolean announce) {
    StartPoint start = StartPoint.of(journal, member.request().since(), liveFrom);
    member.cursor = start.position();
    member.expectedSeq = start.expectedSeq();
    member.wireCursor = journal.id(Math.max(0, start.expectedSeq() - 1));
    member.replaying = start.position() < shard.position();
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
    shard.enqueue(member);
  }

  private void announce(Subscription member, long from, String resumed) {
    Frame frame =
        ControlFrames.subscribed(
            member.request(),
            journal.id(journal.seqAt(from)),
            resumed,
            journal.oldest().toString(),
            journal.head().toString());
    if (!member.mark(frame)) {
      shard.end(member, CloseCode.TRY_AGAIN_LATER, "too many unread answers");
    }
  }
}
