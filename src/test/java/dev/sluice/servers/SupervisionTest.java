package dev.sluice.servers;

import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.awaitility.Awaitility.await;

import dev.sluice.events.EventId;
import dev.sluice.servers.upstream.RealUpstreams;
import dev.sluice.servers.upstream.Upstreams;
import java.time.Duration;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** Starts that go wrong in ways nobody plans for. */
@Timeout(60)
class SupervisionTest {

  @Test
  void endsAStartThatDiesOfAnErrorAndLeavesNoChild() throws Exception {
    AtomicBoolean exhausted = new AtomicBoolean();
    ExecutorService work = Executors.newFixedThreadPool(8);
    ScheduledExecutorService timer = Executors.newScheduledThreadPool(1);
    try (Upstreams upstreams =
        RealUpstreams.open(
            work,
            task -> {
              if (exhausted.get()) {
                throw new OutOfMemoryError("unable to create native thread");
              }
              return new Thread(task);
            })) {
      Servers servers =
          new Servers(
              new Supervision(
                  upstreams, event -> new EventId("t", 1), work, timer, new Backoff(() -> 0.5)));
      McpServer server =
          servers.add(ServersRig.read("starved", ServersRig.shell("sleep 300")), "test");
      exhausted.set(true);
      assertThatThrownBy(() -> server.start("test").get(20, TimeUnit.SECONDS))
          .hasMessageContaining("unable to create native thread");
      await()
          .atMost(Duration.ofSeconds(10))
          .until(() -> upstreams.gauges().children() == 0 && upstreams.gauges().connections() == 0);
      exhausted.set(false);
      servers.shutdown().get(20, TimeUnit.SECONDS);
    } finally {
      timer.shutdownNow();
      work.shutdownNow();
    }
  }
}
