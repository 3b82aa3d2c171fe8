/**
 * Connections from the hub to MCP servers: stdio child processes with their supervisor, Streamable
 * HTTP, HTTP+SSE and WebSocket, and the MCP client that speaks over any of them.
 *
 * <p>Implements the client side of MCP 2025-03-26 to 2025-11-25. Called by {@code servers} only;
 * publishes nothing itself: what it sees goes to {@link
 * dev.sluice.servers.upstream.UpstreamListener}.
 */
@NullMarked
package dev.sluice.servers.upstream;

import org.jspecify.annotations.NullMarked;
