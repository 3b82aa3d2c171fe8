/**
 * The load program: starts a server with the bench WAR, opens thousands of WebSocket and SSE
 * connections from one selector thread, measures a bare endpoint and the hub's own in turn and
 * writes what it saw to {@code docs/performance.md}.
 *
 * <p>JDK only. {@code dev.sluice.bench.server} is the part that is added to the hub's classes in
 * the bench WAR.
 */
package dev.sluice.bench;
