package dev.sluice.relay;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import java.time.Duration;
import org.junit.jupiter.api.Test;

/** What a session knows of its own time. */
class SessionTest {

  private static final Duration IDLE = Duration.ofHours(2);
  private static final Duration AGE = Duration.ofHours(24);

  private final Session session = new Session("id", null, null, null, null, null);

  @Test
  void aSessionThatNobodyUsesExpiresAndOneInUseDoesNot() {
    Duration moment = Duration.ofMillis(1);
    await().until(() -> session.isExpired(System.nanoTime(), moment, AGE));
    long before = System.nanoTime();
    session.touch();
    assertThat(session.isExpired(before, moment, AGE)).isFalse();
    Duration almost = Duration.ofSeconds(59);
    assertThat(session.isExpired(before + almost.toNanos(), almost, AGE)).isFalse();
  }

  /** Of one that has begun, RelayLimitsIT holds the time. */
  @Test
  void aSessionThatNobodyBeginsExpiresAfterAMinute() {
    session.touch();
    long now = System.nanoTime();
    assertThat(session.isExpired(now + Duration.ofSeconds(59).toNanos(), IDLE, AGE)).isFalse();
    assertThat(session.isExpired(now + Duration.ofSeconds(61).toNanos(), IDLE, AGE)).isTrue();
  }

  @Test
  void noSessionGrowsOlderThanItMay() {
    long now = System.nanoTime();
    session.touch();
    assertThat(session.isExpired(now, IDLE, AGE)).isFalse();
    assertThat(session.isExpired(now + AGE.toNanos() + 1, AGE.plusDays(1), AGE)).isTrue();
  }
}
