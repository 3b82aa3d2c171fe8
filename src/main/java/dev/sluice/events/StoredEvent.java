package dev.sluice.events;

/**
 * An event as the durable log keeps it.
 *
 * @param seq its number within the epoch
 * @param micros microseconds since 1970
 * @param type the wire name
 * @param subject what {@code mcp_server_ids} compares
 * @param json the whole object as subscribers receive it
 */
public record StoredEvent(long seq, long micros, String type, String subject, String json) {}
