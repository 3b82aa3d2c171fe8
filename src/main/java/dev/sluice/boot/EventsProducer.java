package dev.sluice.boot;

import dev.sluice.events.Fanout;
import dev.sluice.events.FanoutSettings;
import dev.sluice.events.InstanceName;
import dev.sluice.events.Journal;
import dev.sluice.events.JournalSettings;
import dev.sluice.settings.Setting;
import dev.sluice.settings.Settings;
import dev.sluice.storage.MvEventLog;
import dev.sluice.threads.Bounded;
import dev.sluice.threads.SerialExecutor;
import jakarta.enterprise.concurrent.ManagedExecutorService;
import jakarta.enterprise.concurrent.ManagedThreadFactory;
import jakarta.enterprise.context.ApplicationScoped;
import jakarta.enterprise.inject.Produces;
import jakarta.inject.Singleton;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Path;
import java.time.Clock;

/** Makes the journal and the fan-out from the settings; {@link House} closes them. */
@ApplicationScoped
class EventsProducer {

  /** Reactions that may wait; lifecycle events are rare, so a full queue means a stuck one. */
  private static final int REACTIONS = 10_000;

  /** Where registries react to events, one after another. */
  @Produces
  @Singleton
  SerialExecutor reactions(@Bounded ManagedExecutorService work) {
    return new SerialExecutor(work, REACTIONS);
  }

  /** The journal's bounds, and the name of this instance. */
  @Produces
  @Singleton
  JournalSettings limits(Settings settings) {
    return new JournalSettings(
        settings.integer(Setting.EVENTS_RETENTION_COUNT),
        settings.number(Setting.EVENTS_RETENTION_BYTES),
        settings.seconds(Setting.EVENTS_RETENTION_SECONDS),
        InstanceName.create(),
        Clock.systemUTC());
  }

  @Produces
  @Singleton
  Journal journal(
      Settings settings, JournalSettings limits, @Bounded ManagedThreadFactory threads) {
    String directory = settings.text(Setting.DATA_DIR);
    if (directory.isEmpty()) {
      return Journal.inMemory(limits);
    }
    try {
      return Journal.durable(limits, new MvEventLog(Path.of(directory)), threads);
    } catch (IOException unusable) {
      throw new UncheckedIOException(unusable);
    }
  }

  @Produces
  @Singleton
  Fanout fanout(Journal journal, Settings settings, @Bounded ManagedThreadFactory threads) {
    FanoutSettings limits =
        new FanoutSettings(
            settings.integer(Setting.EVENTS_SUBSCRIBERS),
            settings.integer(Setting.EVENTS_LANE_COUNT),
            settings.integer(Setting.EVENTS_LANE_BYTES),
            settings.seconds(Setting.EVENTS_PING_SECONDS),
            settings.seconds(Setting.EVENTS_STALL_SECONDS),
            settings.integer(Setting.EVENTS_THREADS),
            FanoutSettings.DEFAULTS.slowThreads());
    return new Fanout(journal, limits, threads);
  }
}
