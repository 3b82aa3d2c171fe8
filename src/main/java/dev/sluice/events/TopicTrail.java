package dev.sluice.events;

import java.lang.invoke.VarHandle;

/**
 * Remembers the topic of positions that the ring has already let go, four bytes each, so that a
 * hole's events can still be counted exactly for any filter.
 *
 * <p>Written under the journal's lock, read by anyone without one: a reader asks {@link #holds}
 * after reading.
 */
final class TopicTrail {

  private final int[] topics;
  private volatile long first;

  TopicTrail(int capacity) {
    topics = new int[Integer.highestOneBit(Math.max(1024, capacity))];
  }

  void begin(long position) {
    first = position;
  }

  void put(long position, int topic) {
    if (position - first >= topics.length) {
      // Moved first, so that a reader of the slot about to change finds out.
      first = position - topics.length + 1;
    }
    topics[(int) (position & (topics.length - 1))] = topic;
  }

  /**
   * The number of the topic at a position; meaningful only if {@link #holds} says so afterwards.
   */
  int topic(long position) {
    return topics[(int) (position & (topics.length - 1))];
  }

  /** Whether positions from {@code position} on are still remembered. */
  boolean holds(long position) {
    VarHandle.loadLoadFence();
    return position >= first;
  }

  /** The first remembered position. */
  long first() {
    return first;
  }
}
