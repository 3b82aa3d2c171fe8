package dev.sluice.events;

import java.util.Arrays;
import java.util.function.Predicate;

/**
 * What one subscriber gets: its filter and its rights, remembered per topic in two bits. Used by
 * the owning sending thread only.
 */
final class TopicMatch {

  private static final long[] EMPTY = {};
  private static final int PER_WORD = 32;
  private static final long YES = 1;
  private static final long NO = 2;

  private final EventFilter filter;
  private final Predicate<? super Topic> visible;
  private long[] known = EMPTY;

  TopicMatch(EventFilter filter, Predicate<? super Topic> visible) {
    this.filter = filter;
    this.visible = visible;
  }

  /** Whether every event matches, so that holes need no look at topics. */
  boolean everything() {
    return filter.everything() && visible == Fanout.SEES_ALL;
  }

  boolean matches(JournalEntry entry) {
    int number = entry.topicId();
    return number < 0 ? ask(entry.topic()) : matches(number, entry.topic());
  }

  boolean matches(int number, Topic topic) {
    int word = number / PER_WORD;
    int shift = number % PER_WORD * 2;
    if (word < known.length) {
      long bits = known[word] >>> shift & 3;
      if (bits != 0) {
        return bits == YES;
      }
    } else {
      known = Arrays.copyOf(known, word + 1);
    }
    boolean yes = ask(topic);
    known[word] |= (yes ? YES : NO) << shift;
    return yes;
  }

  private boolean ask(Topic topic) {
    return filter.test(topic) && visible.test(topic);
  }
}
