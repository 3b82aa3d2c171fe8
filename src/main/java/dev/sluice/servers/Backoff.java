package dev.sluice.servers;

import java.time.Duration;
import java.util.function.DoubleSupplier;

/**
 * How long a server that failed waits for its next start: {@code min(60, 2^n)} seconds, ±10 %.
 *
 * @param random gives numbers from 0 to 1
 */
record Backoff(DoubleSupplier random) {

  /** The longest wait before jitter. */
  static final Duration CAP = Duration.ofSeconds(60);

  private static final double JITTER = 0.1;

  /** The wait after {@code failures} failures in a row, at least 1. */
  Duration after(int failures) {
    long seconds = failures >= 6 ? CAP.toSeconds() : 1L << Math.max(1, failures);
    double factor = 1 - JITTER + 2 * JITTER * random.getAsDouble();
    return Duration.ofMillis(Math.round(seconds * 1000 * factor));
  }
}
