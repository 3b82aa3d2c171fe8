package dev.sluice.events;

import java.time.Instant;

/**
 * An event with its place and time, as registries receive it by CDI. Observers run in no particular
 * order: each ignores an id at or below the last it has seen of the same subject.
 *
 * @param id its place in the one order
 * @param at when it was appended
 * @param event the fact
 */
public record RecordedEvent(EventId id, Instant at, DomainEvent event) {}
