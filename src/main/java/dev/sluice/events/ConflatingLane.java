package dev.sluice.events;

import java.util.Iterator;
import java.util.LinkedHashMap;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * Keeps the latest event of each topic. Every offered event has an ordinal, so that the number
 * skipped before the next delivery is a subtraction.
 */
final class ConflatingLane extends Lane {

  private record Waiting(JournalEntry entry, long ordinal) {}

  private @Nullable Map<Object, Object> items;
  private long offered;
  private long taken;
  private long takenSeq;

  /** The last that was added, if it is a hole and still waits. */
  private @Nullable Hole newest;

  ConflatingLane(int maxEvents, int maxBytes) {
    super(maxEvents, maxBytes);
  }

  @Override
  Lane emptyTwin() {
    return new ConflatingLane(maxEvents(), maxBytes());
  }

  @Override
  void offer(JournalEntry entry, Subscription owner) {
    if (entry.bytes() > maxBytes()) {
      lose(entry);
      return;
    }
    Map<Object, Object> map = map();
    if (offered++ == taken) {
      // Nothing waits: what may be skipped begins here.
      takenSeq = entry.seq() - 1;
    }
    forget(map.remove(entry.topic()));
    Iterator<Object> oldest = map.values().iterator();
    while (!fits(entry) && oldest.hasNext()) {
      if (oldest.next() instanceof Waiting waiting) {
        forget(waiting);
        oldest.remove();
      }
    }
    count(entry);
    map.put(entry.topic(), new Waiting(entry, offered));
    newest = null;
  }

  private void forget(@Nullable Object item) {
    if (item instanceof Waiting waiting) {
      uncount(waiting.entry);
    }
  }

  @Override
  void mark(Object mark) {
    if (mark instanceof Hole next && newest != null) {
      newest.join(next);
      return;
    }
    newest = mark instanceof Hole hole ? hole : null;
    // Equal control frames are still two frames: the key is an identity.
    map().put(new Object(), mark);
  }

  @Override
  @Nullable Object poll() {
    Map<Object, Object> map = items;
    if (map == null) {
      return null;
    }
    Iterator<Object> oldest = map.values().iterator();
    if (!oldest.hasNext()) {
      return null;
    }
    Object item = oldest.next();
    if (item instanceof Waiting waiting) {
      long skipped = waiting.ordinal - taken - 1;
      if (skipped > 0) {
        taken = waiting.ordinal - 1;
        Hole hole = new Hole();
        String epoch = waiting.entry.id().substring(0, waiting.entry.id().lastIndexOf(':') + 1);
        hole.conflated(skipped, epoch + (takenSeq + 1), epoch + (waiting.entry.seq() - 1));
        return hole;
      }
      taken = waiting.ordinal;
      takenSeq = waiting.entry.seq();
      uncount(waiting.entry);
      item = waiting.entry;
    }
    oldest.remove();
    if (item == newest) {
      newest = null;
    }
    if (map.isEmpty()) {
      items = null;
    }
    return item;
  }

  @Override
  void clear() {
    items = null;
    offered = 0;
    taken = 0;
    newest = null;
    countNothing();
  }

  @Override
  boolean isEmpty() {
    return items == null || items.isEmpty();
  }

  private Map<Object, Object> map() {
    Map<Object, Object> map = items;
    if (map == null) {
      map = new LinkedHashMap<>();
      items = map;
    }
    return map;
  }
}
