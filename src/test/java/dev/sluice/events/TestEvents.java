package dev.sluice.events;

import java.util.concurrent.ThreadFactory;
import java.util.concurrent.atomic.AtomicInteger;

/** Events and threads for the tests of this package. */
final class TestEvents {

  static final JournalSettings SETTINGS = JournalSettings.defaults("test-00000001");

  private TestEvents() {}

  static DomainEvent stopped(String server, int n) {
    return new DomainEvent.McpServerStopped(server, "n" + n);
  }

  static DomainEvent passed(String server, int n) {
    return new DomainEvent.HealthCheckPassed(server, n);
  }

  static JournalSettings settings(int count) {
    return new JournalSettings(
        count, SETTINGS.bytes(), SETTINGS.age(), SETTINGS.producedBy(), SETTINGS.clock());
  }

  /** Daemon threads that can be counted. */
  static final class Threads implements ThreadFactory {
    final AtomicInteger alive = new AtomicInteger();

    @Override
    public Thread newThread(Runnable work) {
      Thread thread =
          new Thread(
              () -> {
                alive.incrementAndGet();
                try {
                  work.run();
                } finally {
                  alive.decrementAndGet();
                }
              });
      thread.setDaemon(true);
      return thread;
    }
  }
}
