/**
 * Domain events out to clients: the WebSocket endpoint {@code /api/ws/events}, the SSE stream
 * {@code /api/events}, and paging through history.
 *
 * <p>Adapters only: order, bounds, gaps and filters are rules of {@code events}.
 */
@NullMarked
package dev.sluice.streams;

import org.jspecify.annotations.NullMarked;
