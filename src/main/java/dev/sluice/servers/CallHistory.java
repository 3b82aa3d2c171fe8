package dev.sluice.servers;

import java.time.Instant;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.List;

/** The newest tool calls of one server, at most {@link #MAX}. Any thread may call. */
final class CallHistory {

  /** Calls kept. */
  static final int MAX = 500;

  /**
   * A call that is over.
   *
   * @param position counts from 1 per server
   * @param at when it ended
   * @param tool its name
   * @param correlationId as in its events
   * @param durationMs milliseconds
   * @param error code of the failure, empty for success
   */
  record Entry(
      long position,
      Instant at,
      String tool,
      String correlationId,
      double durationMs,
      String error) {}

  private final Deque<Entry> entries = new ArrayDeque<>();
  private long total;

  synchronized void add(String tool, String correlationId, double durationMs, String error) {
    entries.addLast(new Entry(++total, Instant.now(), tool, correlationId, durationMs, error));
    if (entries.size() > MAX) {
      entries.removeFirst();
    }
  }

  /** At most {@code limit} calls from the position on, oldest first. */
  synchronized List<Entry> from(long position, int limit) {
    return entries.stream().filter(e -> e.position() >= position).limit(limit).toList();
  }

  synchronized long total() {
    return total;
  }
}
