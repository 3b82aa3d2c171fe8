package dev.sluice.events;

import org.jspecify.annotations.Nullable;

/**
 * What waits for one subscriber, in order: events, holes and control frames that must keep their
 * place. Bounded in events and bytes; allocates nothing while it is empty. Used by the owning
 * sending thread only; the two gauges may be read by any.
 */
abstract sealed class Lane permits QueueLane, ConflatingLane {

  private final int maxEvents;
  private final int maxBytes;
  private int events;
  private int bytes;

  Lane(int maxEvents, int maxBytes) {
    this.maxEvents = maxEvents;
    this.maxBytes = maxBytes;
  }

  static Lane of(SubscribeRequest request, FanoutSettings settings) {
    Integer size = request.queueSize();
    Integer bytes = request.queueBytes();
    int maxEvents = size == null ? settings.laneCount() : size;
    int maxBytes = bytes == null ? settings.laneBytes() : bytes;
    return request.policy() == DeliveryPolicy.CONFLATE
        ? new ConflatingLane(maxEvents, maxBytes)
        : new QueueLane(maxEvents, maxBytes);
  }

  /** A lane of the same kind and bounds with nothing in it. */
  abstract Lane emptyTwin();

  /** Whether an event fits without another one giving way. */
  boolean fits(JournalEntry entry) {
    return events < maxEvents && bytes + entry.bytes() <= maxBytes;
  }

  /** Adds an event; what must give way is told to {@code owner}. */
  abstract void offer(JournalEntry entry, Subscription owner);

  /** Adds a {@link Hole} or a control {@link Frame} at its place; a hole behind a hole joins it. */
  abstract void mark(Object mark);

  /** The next event, hole or control frame; null when empty. */
  abstract @Nullable Object poll();

  /** Lets go of everything. */
  abstract void clear();

  abstract boolean isEmpty();

  final int events() {
    return events;
  }

  final int bytes() {
    return bytes;
  }

  final int maxEvents() {
    return maxEvents;
  }

  final int maxBytes() {
    return maxBytes;
  }

  /** An event that is larger than the whole lane is lost alone: what waits stays. */
  final void lose(JournalEntry entry) {
    Hole hole = new Hole();
    hole.dropped(entry);
    mark(hole);
  }

  final void count(JournalEntry entry) {
    events++;
    bytes += entry.bytes();
  }

  final void uncount(JournalEntry entry) {
    events--;
    bytes -= entry.bytes();
  }

  final void countNothing() {
    events = 0;
    bytes = 0;
  }
}
