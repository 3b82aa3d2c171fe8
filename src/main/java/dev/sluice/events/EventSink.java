package dev.sluice.events;

/**
 * Where every feature publishes its facts. The hub's sink appends to the journal first and then
 * tells the other registries; a cluster brings a second one.
 *
 * <p>Any thread may call; it never blocks and does no I/O (contract C3).
 */
public interface EventSink {

  /** Gives the event its place in the one order and returns its id. */
  EventId publish(DomainEvent event);
}
