package dev.sluice.events;

import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.atomic.AtomicInteger;
import org.jspecify.annotations.Nullable;

/**
 * Small numbers for topics, so that a subscriber's match is an array look-up after the first time.
 * Bounded: past the limit a topic has no number and is matched afresh each time. Any thread.
 */
final class TopicTable {

  /** Most topics that get a number. */
  static final int LIMIT = 8192;

  /** Of a topic without a number. */
  static final int NONE = -1;

  private final ConcurrentHashMap<Topic, Integer> numbers = new ConcurrentHashMap<>();
  private final Topic[] topics = new Topic[LIMIT];
  private final AtomicInteger next = new AtomicInteger();

  int number(Topic topic) {
    Integer known = numbers.get(topic);
    if (known != null) {
      return known;
    }
    if (next.get() >= LIMIT) {
      return NONE;
    }
    return numbers.computeIfAbsent(
        topic,
        fresh -> {
          int number = next.getAndIncrement();
          if (number >= LIMIT) {
            next.set(LIMIT);
            return NONE;
          }
          topics[number] = fresh;
          return number;
        });
  }

  /** The topic of a number that an entry carried. */
  @Nullable Topic topic(int number) {
    return number < 0 ? null : topics[number];
  }

  int size() {
    return Math.min(LIMIT, next.get());
  }
}
