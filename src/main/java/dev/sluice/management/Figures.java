package dev.sluice.management;

import static dev.sluice.management.Figure.counter;
import static dev.sluice.management.Figure.gauge;

import dev.sluice.events.FanoutStats;
import java.util.List;

/** Every figure of every read model; docs/operations.md lists them and a test compares. */
final class Figures {

  static final List<Figure<HubReading>> HUB =
      List.of(
          gauge(
              "UptimeSeconds",
              "sluice_uptime_seconds",
              "Seconds since the hub started.",
              r -> r.uptime().toMillis() / 1000.0),
          counter("Requests", "sluice_http_requests", "HTTP requests.", HubReading::requests),
          counter(
              "RefusedRequests",
              "sluice_http_errors",
              "HTTP requests answered with an error.",
              HubReading::refused));

  static final Figure<Long> ERRORS_BY_STATUS =
      counter(
          "",
          "sluice_http_errors_by_status",
          "HTTP requests answered with an error, by status.",
          Long::doubleValue);

  static final List<Figure<FanoutStats>> STREAM =
      List.of(
          counter(
              "Published",
              "sluice_stream_published",
              "Events published by this process.",
              FanoutStats::published),
          counter(
              "Delivered",
              "sluice_stream_delivered",
              "Event frames written to subscribers.",
              FanoutStats::delivered),
          counter(
              "DroppedSlow",
              "sluice_stream_dropped_slow",
              "Events reported lost because a reader was slow.",
              FanoutStats::droppedSlow),
          counter(
              "DroppedRetention",
              "sluice_stream_dropped_retention",
              "Events reported lost because retention had passed them.",
              FanoutStats::droppedRetention),
          counter(
              "Conflated",
              "sluice_stream_conflated",
              "Events skipped by the conflate policy.",
              FanoutStats::conflated),
          counter(
              "GapFrames",
              "sluice_stream_gap_frames",
              "Warning frames that report a hole.",
              FanoutStats::gapFrames),
          counter(
              "Replayed",
              "sluice_stream_replayed",
              "Event frames that came from replay.",
              FanoutStats::replayed),
          counter(
              "SlowCloses",
              "sluice_stream_slow_closes",
              "Subscribers closed because they were too slow.",
              FanoutStats::slowCloses),
          counter(
              "RefusedSubscribers",
              "sluice_stream_refused",
              "Subscriptions refused at the limit.",
              FanoutStats::refused),
          gauge(
              "LagEvents",
              "sluice_stream_lag_events",
              "Events that the reader furthest behind has yet to be given.",
              FanoutStats::lagEvents),
          gauge(
              "LagSeconds",
              "sluice_stream_lag_seconds",
              "Age of the oldest of those in seconds.",
              s -> s.lagMillis() / 1000.0),
          gauge(
              "QueuedEvents",
              "sluice_stream_queued_events",
              "Events waiting in all lanes.",
              FanoutStats::queuedEvents),
          gauge(
              "QueuedBytes",
              "sluice_stream_queued_bytes",
              "Bytes waiting in all lanes.",
              FanoutStats::queuedBytes),
          gauge(
              "BoundBytes",
              "sluice_stream_bound_bytes",
              "Bytes that all lanes together may hold.",
              FanoutStats::boundBytes),
          gauge(
              "Subscribers",
              "sluice_stream_subscribers",
              "Subscribers now.",
              FanoutStats::subscribers),
          gauge(
              "MaxSubscribers",
              "sluice_stream_max_subscribers",
              "Subscribers at most.",
              FanoutStats::maxSubscribers),
          gauge(
              "BlockedThreads",
              "sluice_stream_blocked_threads",
              "Threads that hang in a blocking send.",
              FanoutStats::blockedThreads),
          gauge(
              "MaxBlockedThreads",
              "sluice_stream_max_blocked_threads",
              "Threads that may hang in a blocking send.",
              FanoutStats::maxBlockedThreads));

  private Figures() {}
}
