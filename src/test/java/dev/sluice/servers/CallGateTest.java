package dev.sluice.servers;

import static org.assertj.core.api.Assertions.assertThat;

import dev.sluice.events.DomainEvent;
import dev.sluice.events.EventId;
import dev.sluice.events.RecordedEvent;
import dev.sluice.servers.CallGate.Admission;
import dev.sluice.servers.CallGate.Outcome;
import dev.sluice.servers.CircuitBreaker.State;
import java.time.Duration;
import java.time.Instant;
import org.awaitility.Awaitility;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

class CallGateTest {

  private static final ServerId ID = new ServerId("math");

  private final ServersRig rig = new ServersRig();
  private final CallGate gate =
      new CallGate(ID, new ServerDefinition.Limits(8, 2, Duration.ofSeconds(1)), rig.supervision);

  @AfterEach
  void close() {
    rig.close();
  }

  private State circuit() {
    return gate.figures().breaker();
  }

  private void open() {
    for (int i = 0; i < 2; i++) {
      gate.release(gate.admit(), Outcome.TRANSPORT_FAILED, true);
    }
    assertThat(circuit()).isEqualTo(State.OPEN);
  }

  private void awaitHalfOpen() {
    Awaitility.await().atMost(Duration.ofSeconds(5)).until(() -> circuit() == State.HALF_OPEN);
  }

  @Test
  void aCallFromBeforeTheCircuitOpenedNeitherClosesNorReopensIt() {
    Admission good = gate.admit();
    Admission bad = gate.admit();
    open();
    awaitHalfOpen();
    gate.release(good, Outcome.ANSWERED, false);
    assertThat(circuit()).isEqualTo(State.HALF_OPEN);
    gate.release(bad, Outcome.TRANSPORT_FAILED, true);
    assertThat(circuit()).isEqualTo(State.HALF_OPEN);
    gate.release(gate.admit(), Outcome.ANSWERED, false);
    assertThat(circuit()).isEqualTo(State.CLOSED);
  }

  @Test
  void aStaleCallLeavesTheProbesPlaceTaken() {
    Admission stale = gate.admit();
    open();
    awaitHalfOpen();
    Admission probe = gate.admit();
    gate.release(stale, Outcome.NEUTRAL, true);
    org.assertj.core.api.Assertions.assertThatThrownBy(gate::admit)
        .hasMessageContaining("half_open");
    gate.release(probe, Outcome.NEUTRAL, true);
    gate.release(gate.admit(), Outcome.ANSWERED, false);
    assertThat(circuit()).isEqualTo(State.CLOSED);
  }

  @Test
  void callsThatTheHubItselfEndedDoNotCount() {
    for (int i = 0; i < 10; i++) {
      gate.release(gate.admit(), Outcome.NEUTRAL, true);
    }
    assertThat(circuit()).isEqualTo(State.CLOSED);
  }

  @Test
  void aPassedHealthCheckStartsTheCountOfFailuresAnew() throws Exception {
    McpServer server =
        rig.add("math", ServersRig.shell("exit 1", "\"circuitBreaker\":{\"failureThreshold\":2}"));
    int id = 0;
    for (int i = 0; i < 5; i++) {
      rig.servers.on(recorded(++id, new DomainEvent.HealthCheckFailed("math", 1, "no pong")));
      rig.servers.on(recorded(++id, new DomainEvent.HealthCheckPassed("math", 1.0)));
    }
    assertThat(server.view().calls().breaker()).isEqualTo(State.CLOSED);
    rig.servers.on(recorded(++id, new DomainEvent.HealthCheckFailed("math", 1, "no pong")));
    rig.servers.on(recorded(++id, new DomainEvent.HealthCheckFailed("math", 2, "no pong")));
    assertThat(server.view().calls().breaker()).isEqualTo(State.OPEN);
  }

  private static RecordedEvent recorded(int seq, DomainEvent event) {
    return new RecordedEvent(new EventId("t", seq), Instant.now(), event);
  }
}
