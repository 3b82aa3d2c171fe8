/**
 * Carries MCP between clients and the registered servers: client sessions, one router for all
 * transports, and the transports as thin adapters (Streamable HTTP of the revisions 2025-03-26 to
 * 2025-11-25, HTTP+SSE of 2024-11-05, WebSocket).
 *
 * <p>Messages are forwarded as the bytes they came in. A session owns its connection, or child
 * process, to the server; servers are reached through {@code servers}, bytes through {@code
 * jsonrpc}.
 */
@NullMarked
package dev.sluice.relay;

import org.jspecify.annotations.NullMarked;
