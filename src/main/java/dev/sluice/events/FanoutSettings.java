package dev.sluice.events;

import java.time.Duration;

/**
 * Bounds of a {@link Fanout}.
 *
 * @param maxSubscribers subscribers at once, all transports together
 * @param laneCount events a lane holds unless its subscriber asks otherwise
 * @param laneBytes bytes a lane holds unless its subscriber asks otherwise
 * @param ping silence after which a ping frame with the cursor is sent
 * @param stall time without a successful write, while a frame is in flight, until close 4008
 * @param threads sending threads; 0 means one per processor, at most 8
 * @param slowThreads threads that may at most hang in a send that blocks
 */
public record FanoutSettings(
    int maxSubscribers,
    int laneCount,
    int laneBytes,
    Duration ping,
    Duration stall,
    int threads,
    int slowThreads) {

  /** The documented defaults. */
  public static final FanoutSettings DEFAULTS =
      new FanoutSettings(
          10_000, 1024, 1024 * 1024, Duration.ofSeconds(15), Duration.ofSeconds(10), 0, 32);

  /** Checks that every bound is positive. */
  public FanoutSettings {
    if (maxSubscribers < 1 || laneCount < 1 || laneBytes < 1 || threads < 0 || slowThreads < 1) {
      throw new IllegalArgumentException("fan-out bounds must be positive");
    }
    if (ping.isNegative() || ping.isZero() || stall.isNegative() || stall.isZero()) {
      throw new IllegalArgumentException("fan-out periods must be positive");
    }
  }

  /** The number of shards that {@code threads} stands for. */
  int shards() {
    return threads > 0 ? threads : Math.min(8, Runtime.getRuntime().availableProcessors());
  }
}
