package dev.sluice.servers;

import static org.assertj.core.api.Assertions.assertThat;

import dev.sluice.events.DomainEvent;
import dev.sluice.events.EventId;
import java.util.ArrayList;
import java.util.List;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.constraints.Size;

class LifeCycleTest {

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
      boolean legal = LifeCycle.LEGAL.getOrDefault(from, java.util.Set.of()).contains(to);
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
