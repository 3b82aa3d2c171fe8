package dev.sluice.management;

import dev.sluice.events.EventId;
import dev.sluice.events.FanoutStats;
import dev.sluice.events.JournalStats;
import dev.sluice.relay.ModernRelay;
import dev.sluice.relay.Relay;
import dev.sluice.rest.Bodies;
import dev.sluice.servers.ServersSummary;
import dev.sluice.servers.upstream.Upstreams;
import java.time.Duration;
import java.util.SortedMap;

/**
 * All figures of the hub at one moment: what {@code /metrics}, JMX, {@code /api/system} and health
 * show.
 *
 * @param uptime since the application was started
 * @param stream the fan-out of events to subscribers
 * @param journal the one order of events and what is kept of it
 * @param head id of the newest event
 * @param servers totals over all MCP servers
 * @param groups groups of MCP servers
 * @param upstream connections to MCP servers and their child processes
 * @param sessions clients' sessions with MCP servers
 * @param stateless clients' requests without sessions
 * @param threads what waits for threads
 * @param bodies request bodies that are still arriving
 * @param requests HTTP requests received
 * @param refusals answers in the error shape, by status
 */
record HubReading(
    Duration uptime,
    FanoutStats stream,
    JournalStats journal,
    EventId head,
    ServersSummary servers,
    int groups,
    Upstreams.Gauges upstream,
    Relay.Gauges sessions,
    ModernRelay.Gauges stateless,
    ThreadsReading threads,
    Bodies.Gauges bodies,
    long requests,
    SortedMap<Integer, Long> refusals) {

  /** All refusals together. */
  long refused() {
    return refusals.values().stream().mapToLong(Long::longValue).sum();
  }
}
