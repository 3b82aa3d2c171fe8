/**
 * The vocabulary of facts and the one order they have: {@link dev.sluice.events.DomainEvent}
 * records, {@link dev.sluice.events.EventId}, the {@link dev.sluice.events.Journal} (ring and
 * durable log) and the {@link dev.sluice.events.Fanout} that hands entries to bounded
 * subscriptions.
 *
 * <p>Implements clauses C1 to C17 of docs/stream-contract.md for one node. Pure Java: imports
 * nothing of Jakarta EE, so that its tests need no server. Everybody publishes through {@link
 * dev.sluice.events.EventSink}; only {@code streams} and {@code management} read.
 */
@NullMarked
package dev.sluice.events;

import org.jspecify.annotations.NullMarked;
