package dev.sluice.servers;

import static org.assertj.core.api.Assertions.assertThat;

import dev.sluice.events.DomainEvent;
import dev.sluice.events.EventId;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.constraints.Size;
import org.junit.jupiter.api.Test;

class LifeCycleTest {

  /** The changes of the contract, written down here once more on purpose. */
  private static final Set<String> CONTRACT =
      Set.of(
          "cold>initializing",
          "initializing>ready",
          "initializing>dead",
          "initializing>degraded",
          "initializing>cold",
          "ready>cold",
          "ready>dead",
          "ready>degraded",
          "dead>initializing",
          "dead>cold",
          "degraded>initializing",
          "degraded>cold");

  @Test
  void aReasonThatAServerMadeTooLongIsCutInTheEvent() {
    List<DomainEvent> published = new ArrayList<>();
    LifeCycle cycle =
        new LifeCycle(
            new ServerId("s"),
            e -> {
              published.add(e);
              return new EventId("t", published.size());
            });
    cycle.transition(ServerState.INITIALIZING, "x".repeat(100_000));
    assertThat(published)
        .singleElement()
        .isInstanceOfSatisfying(
            DomainEvent.McpServerStateChanged.class,
            e -> assertThat(e.reason()).hasSize(2000).endsWith("…"));
    assertThat(cycle.reason()).hasSize(2000);
  }

  @Property
  void noSequenceLeavesTheTableAndEveryChangeHasItsEvent(
      @ForAll @Size(max = 100) List<ServerState> attempts) {
    List<DomainEvent> published = new ArrayList<>();
    LifeCycle cycle =
        new LifeCycle(
            new ServerId("s"),
            e -> {
              published.add(e);
              return new EventId("t", published.size());
            });
    List<DomainEvent> expected = new ArrayList<>();
    for (int i = 0; i < attempts.size(); i++) {
      ServerState from = cycle.state();
      ServerState to = attempts.get(i);
      boolean legal = CONTRACT.contains(from.wire() + ">" + to.wire());
      boolean refused = false;
      try {
        cycle.transition(to, "step " + i);
      } catch (IllegalStateException notInTable) {
        refused = true;
      }
      assertThat(refused).isNotEqualTo(legal);
      assertThat(cycle.state()).isEqualTo(legal ? to : from);
      if (legal) {
        assertThat(cycle.reason()).isEqualTo("step " + i);
        expected.add(
            new DomainEvent.McpServerStateChanged("s", from.wire(), to.wire(), "step " + i));
      }
    }
    assertThat(published).isEqualTo(expected);
  }
}
