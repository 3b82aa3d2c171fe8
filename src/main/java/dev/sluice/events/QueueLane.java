package dev.sluice.events;

import org.jspecify.annotations.Nullable;

/** A ring that grows to its bound; when it is full the oldest events give way. */
final class QueueLane extends Lane {

  private static final @Nullable Object[] EMPTY = {};
  private static final int FIRST = 16;

  /** Above this many slots the array is let go when the lane runs empty. */
  private static final int KEPT = 256;

  private @Nullable Object[] items = EMPTY;
  private int start;
  private int size;

  QueueLane(int maxEvents, int maxBytes) {
    super(maxEvents, maxBytes);
  }

  @Override
  Lane emptyTwin() {
    return new QueueLane(maxEvents(), maxBytes());
  }

  @Override
  void offer(JournalEntry entry, Subscription owner) {
    if (entry.bytes() > maxBytes()) {
      lose(entry);
      return;
    }
    while (!fits(entry) && size > 0) {
      Object oldest = poll();
      if (oldest != null) {
        owner.gaveWay(oldest);
      }
    }
    count(entry);
    push(entry);
  }

  @Override
  void mark(Object mark) {
    if (mark instanceof Hole next
        && size > 0
        && items[(start + size - 1) & (items.length - 1)] instanceof Hole before) {
      before.join(next);
    } else {
      push(mark);
    }
  }

  private void push(Object item) {
    if (size == items.length) {
      @Nullable Object[] larger = new @Nullable Object[Math.max(FIRST, size * 2)];
      for (int i = 0; i < size; i++) {
        larger[i] = items[(start + i) & (items.length - 1)];
      }
      items = larger;
      start = 0;
    }
    items[(start + size++) & (items.length - 1)] = item;
  }

  @Override
  @Nullable Object poll() {
    if (size == 0) {
      return null;
    }
    Object item = items[start];
    items[start] = null;
    start = (start + 1) & (items.length - 1);
    if (--size == 0 && items.length > KEPT) {
      items = EMPTY;
      start = 0;
    }
    if (item instanceof JournalEntry entry) {
      uncount(entry);
    }
    return item;
  }

  @Override
  void clear() {
    items = EMPTY;
    start = 0;
    size = 0;
    countNothing();
  }

  @Override
  boolean isEmpty() {
    return size == 0;
  }
}
