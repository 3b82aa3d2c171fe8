package dev.sluice.events;

/**
 * The one total order of all events (contract C1, C2, C3, C15): a ring in memory, bounded by count,
 * bytes and age, with an optional durable log behind it.
 *
 * <p>Any thread may append or read; appending is O(1), independent of the number of subscribers,
 * and does no I/O.
 */
public final class Journal {

  /** Appends and returns the new id. */
  public EventId append(DomainEvent event) {
    throw new UnsupportedOperationException(event.type());
  }

  /** The newest id; seq 0 before the first event. */
  public EventId head() {
    throw new UnsupportedOperationException();
  }

  /** The oldest id still retained; head + 1 when nothing is. */
  public EventId oldest() {
    throw new UnsupportedOperationException();
  }
}
