package dev.sluice.servers;

import static org.assertj.core.api.Assertions.assertThat;

import java.time.Duration;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.constraints.DoubleRange;
import net.jqwik.api.constraints.IntRange;

class BackoffTest {

  @Property
  void theWaitDoublesUpToAMinuteWithinTenPercent(
      @ForAll @IntRange(min = 1, max = 1000) int failures,
      @ForAll @DoubleRange(min = 0, max = 1) double random) {
    double nominal = Math.min(60, Math.pow(2, failures)) * 1000;
    Duration wait = new Backoff(() -> random).after(failures);
    assertThat((double) wait.toMillis()).isBetween(nominal * 0.9 - 1, nominal * 1.1 + 1);
  }
}
