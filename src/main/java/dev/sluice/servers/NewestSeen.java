package dev.sluice.servers;

import dev.sluice.events.RecordedEvent;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;

/**
 * Tells late events from new ones: per subject, an event at or below the newest id seen is late.
 * Bounded by the number of subjects; a subject that is gone is forgotten.
 */
final class NewestSeen {

  private final Map<String, Long> newest = new ConcurrentHashMap<>();

  /** Whether the event is newer than all that were seen of its subject; it is seen by that. */
  boolean advance(RecordedEvent recorded) {
    long seq = recorded.id().seq();
    boolean[] newer = new boolean[1];
    newest.compute(
        recorded.event().subject(),
        (subject, last) -> {
          newer[0] = last == null || seq > last;
          return newer[0] ? Long.valueOf(seq) : last;
        });
    return newer[0];
  }

  void forget(String subject) {
    newest.remove(subject);
  }
}
