package dev.sluice.events;

/**
 * What filters and access decide by: the event's type and its subject, nothing else.
 *
 * @param type the wire name of the event's type
 * @param subject the id that {@code mcp_server_ids} compares; empty where there is none
 */
public record Topic(String type, String subject) {}
