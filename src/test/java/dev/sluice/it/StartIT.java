package dev.sluice.it;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.net.URI;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.concurrent.Executors;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.ScheduledFuture;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** The start of a hub that is asked for its health all the while, as orchestrators do. */
class StartIT {

  @TempDir private Path directory;

  @Test
  void probesInTheMiddleOfTheStartDoNotDisturbIt() throws Exception {
    int port = HubProcess.freePort();
    URI base = URI.create("http://localhost:" + port + "/");
    ScheduledExecutorService probes = Executors.newScheduledThreadPool(4);
    AtomicInteger answers = new AtomicInteger();
    AtomicInteger failures = new AtomicInteger();
    for (String path : List.of("/health", "/health/ready", "/health/live", "/health/started")) {
      ScheduledFuture<?> unused =
          probes.scheduleWithFixedDelay(
              () -> {
                try {
                  RawHttp.get(base, path, "Host: localhost:" + port);
                  answers.incrementAndGet();
                } catch (IOException | RuntimeException notYet) {
                  // Nobody listens, or an answer that is none yet.
                  failures.incrementAndGet();
                }
              },
              0,
              20,
              TimeUnit.MILLISECONDS);
    }
    try (HubProcess hub = HubProcess.start(directory, Map.of(), port)) {
      assertThat(answers).hasPositiveValue();
      assertThat(hub.log()).doesNotContain("WELD-001524", "Exception executing HealthCheck");
    } finally {
      probes.shutdownNow();
      assertThat(probes.awaitTermination(20, TimeUnit.SECONDS)).isTrue();
    }
  }
}
