package dev.sluice.events;

/**
 * A run of events that a subscriber does not get, until one warning frame tells it. Grows while it
 * is contiguous; used by the owning sending thread only.
 */
final class Hole {

  private long slow;
  private long retention;
  private long conflated;
  private boolean exact = true;
  private String from = "";
  private String to = "";

  /** One event that gave way because the reader was slow. */
  void dropped(JournalEntry entry) {
    slow++;
    span(entry.id(), entry.id());
  }

  /** Events that the conflate policy skipped between two ids. */
  void conflated(long events, String first, String last) {
    conflated += events;
    span(first, last);
  }

  /** Events that retention has removed; an upper bound unless {@code counted}. */
  void expired(long events, boolean counted, String first, String last) {
    retention += events;
    exact &= counted;
    span(first, last);
  }

  /** Takes over a hole that follows this one without an event between. */
  void join(Hole next) {
    slow += next.slow;
    retention += next.retention;
    conflated += next.conflated;
    exact &= next.exact;
    span(next.from, next.to);
  }

  private void span(String first, String last) {
    if (from.isEmpty()) {
      from = first;
    }
    to = last;
  }

  /** Whether there is nothing to tell. */
  boolean isEmpty() {
    return from.isEmpty();
  }

  long slow() {
    return slow;
  }

  long retention() {
    return retention;
  }

  long conflated() {
    return conflated;
  }

  /** The warning frame. */
  Frame frame() {
    boolean skippedOnly = slow == 0 && retention == 0;
    StringBuilder json = new StringBuilder(160);
    json.append("{\"type\":\"warning\",\"code\":\"")
        .append(skippedOnly ? "events_conflated" : "events_dropped")
        .append("\",\"reason\":\"")
        .append(retention > 0 || !exact ? "retention" : "slow_consumer")
        .append("\",\"dropped\":")
        .append(slow + retention + conflated);
    if (!exact) {
      json.append(",\"exact\":false");
    }
    json.append(",\"from\":\"").append(from).append("\",\"to\":\"").append(to).append("\"}");
    return new Frame("warning", to, json.toString());
  }
}
