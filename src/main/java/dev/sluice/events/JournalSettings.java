package dev.sluice.events;

import java.time.Clock;
import java.time.Duration;

/**
 * Retention of a {@link Journal} (contract C15) and what it writes into every event.
 *
 * @param count events kept, 1 to 1048576
 * @param bytes bytes kept, each event counted with its JSON and 128 bytes; the newest event is kept
 *     even if it is larger by itself
 * @param age time kept
 * @param producedBy the instance's name, {@code host-8hex}
 * @param clock the source of time
 */
public record JournalSettings(int count, long bytes, Duration age, String producedBy, Clock clock) {

  /** Checks the bounds. */
  public JournalSettings {
    if (count < 1 || count > 1_048_576) {
      throw new IllegalArgumentException("journal: count must be from 1 to 1048576, was " + count);
    }
    if (bytes < 1) {
      throw new IllegalArgumentException("journal: bytes must be positive, was " + bytes);
    }
    if (age.isNegative() || age.isZero()) {
      throw new IllegalArgumentException("journal: age must be positive, was " + age);
    }
    if (!producedBy.chars().allMatch(c -> c > ' ' && c < 0x7f && c != '"' && c != '\\')) {
      throw new IllegalArgumentException("journal: producedBy must be plain visible ASCII");
    }
  }

  /** The documented defaults: 100 000 events, 64 MiB, 24 hours. */
  public static JournalSettings defaults(String producedBy) {
    return new JournalSettings(
        100_000, 64L * 1024 * 1024, Duration.ofHours(24), producedBy, Clock.systemUTC());
  }
}
