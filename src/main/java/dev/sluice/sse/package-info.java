/**
 * Server-sent events (HTML standard §9.2) over an asynchronous servlet response, written without
 * blocking. Every event stream of the hub ends here, whatever feeds it.
 *
 * <p>Uses the Servlet API only. Called by the streams of events and by the transports of the relay.
 */
@NullMarked
package dev.sluice.sse;

import org.jspecify.annotations.NullMarked;
