package dev.sluice.servers;

import static org.assertj.core.api.Assertions.assertThat;

import dev.sluice.servers.ServerDefinition.Budget;
import dev.sluice.servers.ServerDefinition.Era;
import dev.sluice.servers.ServerDefinition.Limits;
import dev.sluice.servers.ServerDefinition.Sharing;
import dev.sluice.servers.ServerDefinition.Transport;
import dev.sluice.servers.upstream.EraVerdict;
import java.net.URI;
import java.time.Clock;
import java.time.Duration;
import java.time.Instant;
import java.time.ZoneId;
import java.time.ZoneOffset;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import org.junit.jupiter.api.Test;

class ErasTest {

  /** A clock that is set. */
  private static final class SetClock extends Clock {
    private Instant now = Instant.parse("2026-08-01T00:00:00Z");

    @Override
    public ZoneId getZone() {
      return ZoneOffset.UTC;
    }

    @Override
    public Clock withZone(ZoneId zone) {
      return this;
    }

    @Override
    public Instant instant() {
      return now;
    }
  }

  private final SetClock clock = new SetClock();
  private final Deque<Runnable> waiting = new ArrayDeque<>();
  private boolean modern = true;
  private boolean down;
  private int probes;
  private final Eras eras =
      new Eras(
          definition -> {
            probes++;
            if (down) {
              throw new IllegalStateException("down");
            }
            return new EraVerdict(!modern, modern, true, clock.now);
          },
          waiting::add,
          clock);

  private static ServerDefinition definition(String url, Era era) {
    return new ServerDefinition(
        new ServerId("one"),
        new Transport.Http(URI.create(url), Map.of()),
        "",
        true,
        false,
        Sharing.AUTO,
        Duration.ZERO,
        Duration.ofMinutes(1),
        3,
        Duration.ofSeconds(30),
        Duration.ofSeconds(30),
        Budget.UNLIMITED,
        Limits.DEFAULT,
        era);
  }

  private static final ServerDefinition ONE = definition("http://one.invalid/", Era.AUTO);

  private void probe() {
    while (!waiting.isEmpty()) {
      waiting.remove().run();
    }
  }

  @Test
  void allWhoAskAtOnceWaitForOneProbe() {
    CompletableFuture<EraVerdict> first = eras.of(ONE);
    CompletableFuture<EraVerdict> second = eras.of(ONE);
    assertThat(eras.known(ONE)).isEmpty();
    probe();
    assertThat(first.join().modern()).isTrue();
    assertThat(second.join()).isEqualTo(first.join());
    assertThat(eras.of(ONE).join()).isEqualTo(first.join());
    assertThat(probes).isEqualTo(1);
  }

  @Test
  void anOldVerdictHoldsUntilTheServerHasSaidAnother() {
    eras.of(ONE);
    probe();
    clock.now = clock.now.plus(Eras.HORIZON).plusSeconds(1);
    modern = false;
    assertThat(eras.of(ONE).join().modern()).isTrue();
    probe();
    assertThat(eras.of(ONE).join().modern()).isFalse();
    assertThat(eras.known(ONE).orElseThrow().at()).isEqualTo(clock.now);
    assertThat(probes).isEqualTo(2);
  }

  @Test
  void anOldVerdictOutlivesAProbeThatFails() {
    eras.of(ONE);
    probe();
    clock.now = clock.now.plus(Eras.HORIZON).plusSeconds(1);
    down = true;
    eras.of(ONE);
    probe();
    assertThat(eras.of(ONE).join().modern()).isTrue();
  }

  @Test
  void aFailedProbeIsNoVerdictAndIsRepeatedAfterAWhile() {
    down = true;
    CompletableFuture<EraVerdict> failed = eras.of(ONE);
    probe();
    assertThat(failed).isCompletedExceptionally();
    assertThat(eras.known(ONE)).isEmpty();
    assertThat(eras.of(ONE)).isCompletedExceptionally();
    assertThat(probes).isEqualTo(1);
    clock.now = clock.now.plus(Eras.AGAIN).plusMillis(1);
    down = false;
    CompletableFuture<EraVerdict> again = eras.of(ONE);
    probe();
    assertThat(again.join().modern()).isTrue();
  }

  @Test
  void anotherDefinitionIsAskedAnew() {
    eras.of(ONE);
    probe();
    ServerDefinition other = definition("http://other.invalid/", Era.AUTO);
    assertThat(eras.known(other)).isEmpty();
    modern = false;
    CompletableFuture<EraVerdict> asked = eras.of(other);
    probe();
    assertThat(asked.join().legacy()).isTrue();
    assertThat(probes).isEqualTo(2);
  }

  @Test
  void aConfiguredEraIsNotAsked() {
    ServerDefinition legacy = definition("http://one.invalid/", Era.LEGACY);
    assertThat(eras.of(legacy).join().legacy()).isTrue();
    assertThat(eras.of(legacy).join().modern()).isFalse();
    assertThat(eras.known(definition("http://one.invalid/", Era.MODERN)).orElseThrow().modern())
        .isTrue();
    assertThat(waiting).isEmpty();
  }

  @Test
  void aServerThatWasRemovedIsForgotten() {
    eras.of(ONE);
    probe();
    eras.forget(ONE.id());
    assertThat(eras.known(ONE)).isEmpty();
  }
}
