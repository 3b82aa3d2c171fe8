package dev.sluice.servers;

import dev.sluice.servers.upstream.UpstreamException;
import java.time.Duration;
import java.time.Instant;
import java.util.Optional;
import java.util.concurrent.CompletionException;

/**
 * Asks a ready server whether it lives: one awaited {@code ping} per interval and server, each with
 * its own deadline, none waiting for another.
 *
 * <p>A server with calls in flight is not asked: one that works on one request at a time would seem
 * dead, and the calls have deadlines of their own.
 */
final class HealthProbe {

  /** How long a ping may take. */
  static final Duration DEADLINE = Duration.ofSeconds(5);

  private HealthProbe() {}

  /** Probes now and arranges the next probe, for as long as the connection counts. */
  static void run(McpServer server, Connection watched) {
    if (!server.counts(watched)) {
      return;
    }
    if (!server.probeable(watched)) {
      server.probeLater(watched);
      return;
    }
    long begin = System.nanoTime();
    var unused =
        watched
            .client()
            .ping(DEADLINE)
            .whenComplete(
                (took, failed) -> {
                  server.probed(
                      watched,
                      new Ping(
                          Optional.ofNullable(failed).map(HealthProbe::message),
                          (System.nanoTime() - begin) / 1e6,
                          Instant.now()));
                  server.probeLater(watched);
                });
  }

  private static String message(Throwable failed) {
    Throwable cause =
        failed instanceof CompletionException && failed.getCause() != null
            ? failed.getCause()
            : failed;
    return LifeCycle.cut(
        cause instanceof UpstreamException upstream
            ? String.valueOf(upstream.getMessage())
            : String.valueOf(cause));
  }
}
