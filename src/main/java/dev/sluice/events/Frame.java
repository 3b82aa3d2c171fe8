package dev.sluice.events;

/**
 * One JSON object on its way to a subscriber.
 *
 * @param kind {@code event} for domain events, else the control kind: subscribed, warning, ping,
 *     error, goaway
 * @param id the text of the event's id; for control frames the cursor they carry, or empty
 * @param json the object, one line, shared by all subscribers
 */
public record Frame(String kind, String id, String json) {}
