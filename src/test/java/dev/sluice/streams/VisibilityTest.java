package dev.sluice.streams;

import static org.assertj.core.api.Assertions.assertThat;

import dev.sluice.access.Caller;
import dev.sluice.events.Fanout;
import dev.sluice.events.Topic;
import java.util.Set;
import org.junit.jupiter.api.Test;

/** Who sees events, and that who sees all is not asked for each. */
class VisibilityTest {

  private static final Topic TOPIC = new Topic("McpServerStopped", "math");

  @Test
  void aCallerWithTheRightTakesTheFastPath() {
    assertThat(EventStreams.visible(new Caller("root", Set.of(Caller.ADMIN))))
        .isSameAs(Fanout.SEES_ALL);
    assertThat(EventStreams.visible(new Caller("auditor", Set.of(EventStreams.READ))))
        .isSameAs(Fanout.SEES_ALL);
  }

  @Test
  void aCallerWithoutTheRightSeesNothing() {
    assertThat(EventStreams.visible(new Caller("guest", Set.of())).test(TOPIC)).isFalse();
    assertThat(EventStreams.visible(null).test(TOPIC)).isFalse();
  }
}
