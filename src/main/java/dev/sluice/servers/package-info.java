/**
 * The MCP servers the hub runs: definitions, the registry that owns their life cycle, health
 * monitor, circuit breaker, groups, discovery, and the REST resources of all these.
 *
 * <p>May use {@code events}, {@code jsonrpc}, {@code settings}, {@code access} and {@code rest}.
 * Nothing but {@link dev.sluice.servers.ServerRegistry} changes a server's state.
 */
@NullMarked
package dev.sluice.servers;

import org.jspecify.annotations.NullMarked;
