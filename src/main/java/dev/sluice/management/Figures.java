package dev.sluice.management;

import static dev.sluice.management.Figure.counter;
import static dev.sluice.management.Figure.gauge;

import dev.sluice.events.FanoutStats;
import dev.sluice.events.JournalStats;
import dev.sluice.servers.ServersSummary;
import dev.sluice.servers.upstream.Upstreams;
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
              HubReading::refused),
          gauge(
              "ArrivingBodies",
              "sluice_http_arriving_bodies",
              "Request bodies that arrive without a thread.",
              r -> r.bodies().arriving()),
          gauge(
              "ArrivingBytes",
              "sluice_http_arriving_bytes",
              "Bytes that arriving request bodies hold.",
              r -> r.bodies().bytes()),
          gauge(
              "MaxArrivingBytes",
              "sluice_http_max_arriving_bytes",
              "Bytes that arriving request bodies may hold.",
              r -> r.bodies().maxBytes()),
          gauge(
              "BodyThreads",
              "sluice_http_body_threads",
              "Threads that wait for request bodies.",
              r -> r.bodies().threads()),
          gauge(
              "MaxBodyThreads",
              "sluice_http_max_body_threads",
              "Threads that may wait for request bodies.",
              r -> r.bodies().maxThreads()),
          gauge("Groups", "sluice_groups", "Groups of MCP servers.", HubReading::groups));

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
              "UnreadCloses",
              "sluice_stream_unread_closes",
              "Subscribers closed while a frame to them was not taken.",
              FanoutStats::unreadCloses),
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

  static final List<Figure<JournalStats>> JOURNAL =
      List.of(
          counter(
              "Published",
              "sluice_journal_published",
              "Events appended by this process.",
              JournalStats::published),
          counter(
              "Evicted",
              "sluice_journal_evicted",
              "Events that retention removed.",
              JournalStats::evicted),
          gauge("Events", "sluice_journal_events", "Events kept.", JournalStats::retained),
          gauge(
              "MaxEvents",
              "sluice_journal_max_events",
              "Events kept at most.",
              JournalStats::maxCount),
          gauge(
              "Bytes",
              "sluice_journal_bytes",
              "Bytes of events kept.",
              JournalStats::retainedBytes),
          gauge(
              "MaxBytes",
              "sluice_journal_max_bytes",
              "Bytes of events kept at most.",
              JournalStats::maxBytes),
          gauge(
              "Topics",
              "sluice_journal_topics",
              "Distinct pairs of event type and subject.",
              JournalStats::topics),
          gauge(
              "MaxTopics",
              "sluice_journal_max_topics",
              "Pairs that are remembered at most.",
              JournalStats::maxTopics),
          gauge(
              "Durable",
              "sluice_journal_durable",
              "1 when events outlive the process, else 0.",
              j -> j.durable() ? 1 : 0),
          gauge(
              "UndurableEvents",
              "sluice_journal_undurable_events",
              "Events not yet committed to the log.",
              JournalStats::undurable),
          counter(
              "LostDurable",
              "sluice_journal_lost_durable",
              "Events that retention removed before the log could take them.",
              JournalStats::lostDurable),
          counter(
              "LogFailures",
              "sluice_journal_log_failures",
              "Failed commits to the log.",
              JournalStats::logFailures));

  static final List<Figure<ServersSummary>> SERVERS =
      List.of(
          gauge("Total", "sluice_servers", "Registered MCP servers.", ServersSummary::total),
          gauge(
              "MaxTotal",
              "sluice_max_servers",
              "Registered MCP servers at most.",
              s -> ServersSummary.MAX),
          gauge("Tools", "sluice_tools", "Tools of all ready servers.", ServersSummary::tools),
          counter("Invocations", "sluice_tool_calls", "Tool calls.", ServersSummary::invocations),
          counter(
              "FailedInvocations",
              "sluice_tool_calls_failed",
              "Tool calls that failed.",
              ServersSummary::failedInvocations),
          gauge(
              "InFlight",
              "sluice_tool_calls_in_flight",
              "Tool calls that wait for their answer.",
              ServersSummary::inFlight),
          gauge(
              "WaitingStarts",
              "sluice_servers_waiting_starts",
              "Starts that wait for a free place.",
              ServersSummary::waitingStarts),
          gauge(
              "WaitingStops",
              "sluice_servers_waiting_stops",
              "Stops that wait for a free place.",
              ServersSummary::waitingStops));

  static final List<Figure<Upstreams.Gauges>> UPSTREAM =
      List.of(
          gauge(
              "Connections",
              "sluice_upstream_connections",
              "Connections to MCP servers, those being opened or closed included.",
              Upstreams.Gauges::connections),
          gauge(
              "Children",
              "sluice_upstream_children",
              "Child processes that run.",
              Upstreams.Gauges::children),
          gauge(
              "MaxChildren",
              "sluice_upstream_max_children",
              "Child processes at most, those being ended included.",
              Upstreams.Gauges::maxChildren),
          gauge(
              "Requests",
              "sluice_upstream_requests",
              "Requests of the hub that wait for a server's answer.",
              Upstreams.Gauges::callsInFlight),
          gauge(
              "QueuedMessages",
              "sluice_upstream_queued_messages",
              "Messages to servers that are not written yet.",
              Upstreams.Gauges::messagesQueued),
          gauge(
              "UnknownAnswers",
              "sluice_upstream_unknown_answers",
              "Answers that nobody waited for, on the connections open now.",
              Upstreams.Gauges::unknownAnswers),
          gauge(
              "LogBytes",
              "sluice_upstream_log_bytes",
              "Bytes of servers' log lines kept.",
              Upstreams.Gauges::logBytes),
          gauge(
              "MaxLogBytes",
              "sluice_upstream_max_log_bytes",
              "Bytes of log lines kept at most, for the servers that have some.",
              Upstreams.Gauges::maxLogBytes),
          gauge(
              "HeldReaders",
              "sluice_upstream_held_readers",
              "Ended children whose output somebody else holds open.",
              Upstreams.Gauges::readersHeld),
          gauge(
              "Ending",
              "sluice_upstream_ending",
              "Connections that the hub ends for a budget or a lost session now.",
              Upstreams.Gauges::ending));

  static final List<Figure<ThreadsReading>> THREADS =
      List.of(
          gauge(
              "WorkDelaySeconds",
              "sluice_threads_work_delay_seconds",
              "How long a task waits for a thread of the work pool, tried each second.",
              ThreadsReading::workSeconds),
          gauge(
              "TimerDelaySeconds",
              "sluice_threads_timer_delay_seconds",
              "How late a timer is, tried each second.",
              ThreadsReading::timerSeconds),
          gauge(
              "Reactions",
              "sluice_threads_reactions",
              "Reactions of registries to events that wait.",
              ThreadsReading::reactions),
          gauge(
              "MaxReactions",
              "sluice_threads_max_reactions",
              "Reactions that may wait.",
              ThreadsReading::maxReactions),
          counter(
              "RefusedReactions",
              "sluice_threads_refused_reactions",
              "Reactions skipped because too many waited.",
              ThreadsReading::refusedReactions),
          gauge(
              "Closing",
              "sluice_threads_closing",
              "Event streams being closed or waiting for it.",
              t -> t.streams().closing()),
          gauge(
              "MaxClosing",
              "sluice_threads_max_closing",
              "Event streams that may be closed and wait for it.",
              t -> t.streams().maxClosing()),
          gauge(
              "Pinging",
              "sluice_threads_pinging",
              "WebSocket pings being written or waiting for it.",
              t -> t.streams().pinging()),
          gauge(
              "MaxPinging",
              "sluice_threads_max_pinging",
              "WebSocket pings that may be written and wait for it.",
              t -> t.streams().maxPinging()),
          gauge(
              "WatchedSockets",
              "sluice_threads_watched_sockets",
              "WebSocket sessions of the event stream that are pinged.",
              t -> t.streams().sockets()),
          gauge(
              "LogReaders",
              "sluice_threads_log_readers",
              "Readers that follow a server's log.",
              ThreadsReading::logReaders),
          gauge(
              "MaxLogReaders",
              "sluice_threads_max_log_readers",
              "Readers of logs at most, those being closed included.",
              ThreadsReading::maxLogReaders),
          gauge(
              "LogWriting",
              "sluice_threads_log_writing",
              "Readers of logs that are written to or wait for it.",
              ThreadsReading::logWriting),
          gauge(
              "LogClosing",
              "sluice_threads_log_closing",
              "Readers of logs that are being closed or wait for it.",
              ThreadsReading::logClosing),
          gauge(
              "McpClosing",
              "sluice_threads_mcp_closing",
              "MCP sockets that are being closed or wait for it.",
              ThreadsReading::mcpClosing),
          gauge(
              "MaxMcpClosing",
              "sluice_threads_max_mcp_closing",
              "MCP sockets that may be closed and wait for it.",
              ThreadsReading::maxMcpClosing),
          gauge(
              "Answers",
              "sluice_threads_answers",
              "Late answers of REST being written or waiting for it.",
              ThreadsReading::answers),
          gauge(
              "MaxAnswers",
              "sluice_threads_max_answers",
              "Late answers of REST that may be written and wait for it.",
              ThreadsReading::maxAnswers));

  static final Figure<Integer> SERVERS_BY_STATE =
      gauge(
          "", "sluice_servers_by_state", "Registered MCP servers, by state.", Integer::doubleValue);

  private Figures() {}
}
