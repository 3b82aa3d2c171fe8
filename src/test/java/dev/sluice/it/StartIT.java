package dev.sluice.it;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.net.URI;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.atomic.AtomicBoolean;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** The start of a hub that is asked for its health all the while, as orchestrators do. */
class StartIT {

  @TempDir private Path directory;

  @Test
  void probesInTheMiddleOfTheStartDoNotDisturbIt() throws Exception {
    AtomicBoolean over = new AtomicBoolean();
    List<Thread> probes = new ArrayList<>();
    int port = HubProcess.freePort();
    URI base = URI.create("http://localhost:" + port + "/");
    for (String path : List.of("/health", "/health/ready", "/health/live", "/health/started")) {
      Thread probe =
          new Thread(
              () -> {
                while (!over.get()) {
                  try {
                    RawHttp.get(base, path, "Host: localhost:" + port);
                  } catch (IOException | RuntimeException notYet) {
                    Thread.onSpinWait(); // nobody listens, or an answer that is none yet
                  }
                }
              },
              "probe " + path);
      probe.setDaemon(true);
      probe.start();
      probes.add(probe);
    }
    try (HubProcess hub = HubProcess.start(directory, Map.of(), port)) {
      assertThat(hub.log()).doesNotContain("WELD-001524", "Exception executing HealthCheck");
    } finally {
      over.set(true);
      for (Thread probe : probes) {
        probe.join(10_000);
      }
    }
  }
}
