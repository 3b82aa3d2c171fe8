package dev.sluice.servers;

import dev.sluice.servers.upstream.EraVerdict;
import dev.sluice.servers.upstream.StartFailure;
import jakarta.json.JsonObject;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.Optional;

/**
 * A server as it was at one moment: the read model of lists, details, the console and management.
 *
 * @param id its name
 * @param read its definition and what is wrong with it
 * @param source config, api or discovery:type
 * @param state life-cycle state
 * @param reason why it is in that state
 * @param since when it came into that state
 * @param runs how often it became ready since it was registered
 * @param blocked why it is blocked, if it is
 * @param consecutiveFailures failed starts, crashes or probes in a row
 * @param totalFailures of starts, crashes and health since it was registered
 * @param untilRetry time until it starts again by itself; zero if it does not wait
 * @param connection while ready
 * @param lastFailure the last failed start since it was last ready
 * @param lastPing the newest ping that counted, also of an earlier run
 * @param calls figures of its calls
 * @param eras which protocol eras it speaks, as far as is known
 */
record ServerView(
    ServerId id,
    DefinitionReader.Read read,
    String source,
    ServerState state,
    String reason,
    Instant since,
    long runs,
    Optional<String> blocked,
    int consecutiveFailures,
    long totalFailures,
    Duration untilRetry,
    Optional<Connection> connection,
    Optional<StartFailure> lastFailure,
    Optional<Ping> lastPing,
    CallGate.Figures calls,
    Optional<EraVerdict> eras) {

  /** The tools it lists, while ready. */
  List<JsonObject> tools() {
    return connection.map(c -> c.client().catalogue().tools()).orElse(List.of());
  }

  /** healthy, degraded, unhealthy or unknown. */
  String health() {
    return switch (state) {
      case READY -> consecutiveFailures == 0 ? "healthy" : "degraded";
      case DEGRADED -> "degraded";
      case DEAD -> "unhealthy";
      case COLD, INITIALIZING -> "unknown";
    };
  }
}
