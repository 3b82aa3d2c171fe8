package dev.sluice.management;

import dev.sluice.access.RequestCounts;
import dev.sluice.events.Fanout;
import dev.sluice.events.Journal;
import dev.sluice.relay.ModernRelay;
import dev.sluice.relay.Relay;
import dev.sluice.rest.Bodies;
import dev.sluice.servers.AnswersResource;
import dev.sluice.servers.LogStreams;
import dev.sluice.servers.ServerRegistry;
import dev.sluice.servers.upstream.Upstreams;
import dev.sluice.settings.Settings;
import dev.sluice.streams.EventStreams;
import dev.sluice.threads.PoolDelays;
import dev.sluice.threads.SerialExecutor;
import jakarta.enterprise.context.ApplicationScoped;
import jakarta.inject.Inject;

/** Reads the figures of all features at once. Any thread; nothing blocks. */
@ApplicationScoped
class ReadModels {

  @Inject private Settings settings;
  @Inject private RequestCounts requests;
  @Inject private Bodies bodies;
  @Inject private Fanout fanout;
  @Inject private Journal journal;
  @Inject private ServerRegistry registry;
  @Inject private Upstreams upstreams;
  @Inject private Relay relay;
  @Inject private ModernRelay modern;
  @Inject private EventStreams streams;
  @Inject private LogStreams logs;
  @Inject private AnswersResource answers;
  @Inject private SerialExecutor reactions;
  @Inject private PoolDelays delays;

  HubReading read() {
    return new HubReading(
        settings.age(),
        fanout.stats(),
        journal.stats(),
        journal.head(),
        registry.summary(),
        registry.groups().count(),
        upstreams.gauges(),
        relay.gauges(),
        modern.gauges(),
        threads(),
        bodies.gauges(),
        requests.requests(),
        requests.refusals());
  }

  private ThreadsReading threads() {
    return new ThreadsReading(
        streams.gauges(),
        logs.followers(),
        LogStreams.MAX_FOLLOWERS,
        logs.writing(),
        logs.closing(),
        relay.closing(),
        relay.maxClosing(),
        answers.writing(),
        answers.maxWriting(),
        reactions.size(),
        reactions.limit(),
        reactions.refused(),
        delays.workSeconds(),
        delays.timerSeconds());
  }
}
