package dev.sluice.boot;

import dev.sluice.events.Fanout;
import dev.sluice.events.Journal;
import jakarta.annotation.PostConstruct;
import jakarta.annotation.PreDestroy;
import jakarta.ejb.ConcurrencyManagement;
import jakarta.ejb.ConcurrencyManagementType;
import jakarta.ejb.Singleton;
import jakarta.ejb.Startup;
import jakarta.inject.Inject;
import java.lang.System.Logger.Level;
import java.time.Duration;

/**
 * Begins before the registry and ends after it: what stopping servers say still reaches the
 * streams, then every stream gets its {@code goaway} (contract C14), then the journal is closed.
 */
@Singleton
@Startup
@ConcurrencyManagement(ConcurrencyManagementType.BEAN)
public class House {

  private static final System.Logger LOG = System.getLogger(House.class.getName());

  /** Over this window the subscribers are sent away; servers kill undeployments that take long. */
  private static final Duration DRAIN = Duration.ofSeconds(1);

  @Inject private Journal journal;
  @Inject private Fanout fanout;

  @PostConstruct
  void open() {
    LOG.log(Level.INFO, "SLUICE-0002: The journal begins at {0}", journal.head());
  }

  @PreDestroy
  void close() {
    try {
      fanout.drain(DRAIN);
    } finally {
      try {
        fanout.close();
      } finally {
        journal.close();
      }
    }
    LOG.log(Level.INFO, "SLUICE-0003: Stopped; the journal ends at {0}", journal.head());
  }
}
