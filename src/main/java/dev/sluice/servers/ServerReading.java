package dev.sluice.servers;

import java.time.Duration;
import java.time.Instant;

/**
 * One server as management shows it, at one moment.
 *
 * @param id its name
 * @param mode stdio, http, sse or ws
 * @param source config, api or discovery:type
 * @param state life-cycle state
 * @param reason why it is in that state
 * @param blocked whether it is blocked
 * @param uptime since it became ready; zero while it is not
 * @param restarts how often it became ready again since it was registered
 * @param tools tools it lists; 0 while it is not ready
 * @param callsInFlight tool calls that are not over
 * @param maxCallsInFlight at most; more are refused
 * @param queuedMessages messages to it that are not written yet
 * @param calls tool calls that are over
 * @param failedCalls of these, the failed ones
 * @param consecutiveFailures failed starts, crashes or probes in a row
 * @param circuit state of the circuit breaker
 */
public record ServerReading(
    String id,
    String mode,
    String source,
    ServerState state,
    String reason,
    boolean blocked,
    Duration uptime,
    long restarts,
    int tools,
    int callsInFlight,
    int maxCallsInFlight,
    int queuedMessages,
    long calls,
    long failedCalls,
    int consecutiveFailures,
    String circuit) {

  static ServerReading of(ServerView view) {
    ServerDefinition definition = view.read().definition();
    CallGate.Figures calls = view.calls();
    return new ServerReading(
        view.id().value(),
        definition.transport().mode(),
        view.source(),
        view.state(),
        view.reason(),
        view.blocked().isPresent(),
        view.state() == ServerState.READY
            ? Duration.between(view.since(), Instant.now())
            : Duration.ZERO,
        Math.max(0, view.runs() - 1),
        view.tools().size(),
        calls.inFlight(),
        definition.limits().maxConcurrentCalls(),
        view.connection().map(c -> c.client().queued()).orElse(0),
        calls.invocations(),
        calls.failedInvocations(),
        view.consecutiveFailures(),
        calls.breaker().wire());
  }
}
