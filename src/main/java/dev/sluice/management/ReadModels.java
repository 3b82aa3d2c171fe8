package dev.sluice.management;

import dev.sluice.access.RequestCounts;
import dev.sluice.events.Fanout;
import dev.sluice.events.Journal;
import dev.sluice.servers.ServerRegistry;
import jakarta.enterprise.context.ApplicationScoped;
import jakarta.enterprise.event.Observes;
import jakarta.enterprise.event.Startup;
import jakarta.inject.Inject;
import java.time.Duration;

/** Reads the figures of all features at once. Any thread; nothing blocks. */
@ApplicationScoped
class ReadModels {

  private final long begun = System.nanoTime();

  @Inject private RequestCounts requests;
  @Inject private Fanout fanout;
  @Inject private Journal journal;
  @Inject private ServerRegistry registry;

  void begin(@Observes Startup started) {
    // makes the bean at start, so that the uptime is the application's
  }

  HubReading read() {
    return new HubReading(
        Duration.ofNanos(System.nanoTime() - begun),
        fanout.stats(),
        journal.stats(),
        journal.head(),
        registry.summary(),
        requests.requests(),
        requests.refusals());
  }
}
