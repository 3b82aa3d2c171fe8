package dev.sluice.servers;

import static org.assertj.core.api.Assertions.assertThat;

import dev.sluice.servers.CircuitBreaker.State;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.constraints.Size;
import org.junit.jupiter.api.Test;

class CircuitBreakerTest {

  private static final Duration RESET = Duration.ofSeconds(30);

  private final List<String> changes = new ArrayList<>();
  private final CircuitBreaker breaker =
      new CircuitBreaker(3, RESET, (from, to) -> changes.add(from.wire() + ">" + to.wire()));

  @Test
  void opensAfterFailuresInARow() {
    breaker.failure(0);
    breaker.failure(0);
    assertThat(breaker.allow(0)).isTrue();
    breaker.failure(0);
    assertThat(breaker.allow(1)).isFalse();
    assertThat(changes).containsExactly("closed>open");
    assertThat(breaker.untilProbe(0)).isEqualTo(RESET);
  }

  @Test
  void aSuccessInBetweenStartsTheCountAnew() {
    for (int i = 0; i < 20; i++) {
      breaker.failure(0);
      breaker.failure(0);
      breaker.success();
    }
    assertThat(breaker.state()).isEqualTo(State.CLOSED);
    assertThat(changes).isEmpty();
  }

  @Test
  void letsExactlyOneProbeThroughAfterTheResetTimeout() {
    open();
    long later = RESET.toNanos();
    assertThat(breaker.allow(later - 1)).isFalse();
    assertThat(breaker.allow(later)).isTrue();
    assertThat(breaker.allow(later)).isFalse();
    breaker.success();
    assertThat(breaker.state()).isEqualTo(State.CLOSED);
    assertThat(changes).containsExactly("closed>open", "open>half_open", "half_open>closed");
  }

  @Test
  void aFailedProbeOpensItAgain() {
    open();
    assertThat(breaker.allow(RESET.toNanos())).isTrue();
    breaker.failure(RESET.toNanos());
    assertThat(breaker.allow(RESET.toNanos() + 1)).isFalse();
    assertThat(breaker.allow(RESET.toNanos() * 2)).isTrue();
  }

  @Test
  void aProbeThatNeverReachedTheServerGivesItsPlaceBack() {
    open();
    assertThat(breaker.allow(RESET.toNanos())).isTrue();
    breaker.giveBack();
    assertThat(breaker.allow(RESET.toNanos())).isTrue();
  }

  @Property
  void itIsOpenOnlyAfterThresholdFailuresInARow(@ForAll @Size(max = 60) List<Boolean> results) {
    int inARow = 0;
    CircuitBreaker fresh = new CircuitBreaker(3, RESET, (from, to) -> {});
    for (boolean good : results) {
      if (!fresh.allow(0)) {
        break;
      }
      if (good) {
        fresh.success();
        inARow = 0;
      } else {
        fresh.failure(0);
        inARow++;
      }
      assertThat(fresh.state() == State.OPEN).isEqualTo(inARow >= 3);
    }
  }

  private void open() {
    breaker.failure(0);
    breaker.failure(0);
    breaker.failure(0);
  }
}
