package dev.sluice.management;

import static dev.sluice.management.Figure.counter;
import static dev.sluice.management.Figure.gauge;

import java.util.List;

/** The figures of MCP clients and what is held for them, as {@link Figures}. */
final class RelayFigures {

  static final List<Figure<HubReading>> RELAY =
      List.of(
          gauge(
              "Sessions",
              "sluice_relay_sessions",
              "Sessions of MCP clients.",
              r -> r.sessions().streamable() + r.sessions().sse() + r.sessions().webSocket()),
          gauge(
              "MaxSessions",
              "sluice_relay_max_sessions",
              "Sessions of MCP clients at most.",
              r -> r.sessions().maxSessions()),
          gauge(
              "StreamableHttpSessions",
              "sluice_relay_streamable_http_sessions",
              "Of these, over Streamable HTTP.",
              r -> r.sessions().streamable()),
          gauge(
              "SseSessions",
              "sluice_relay_sse_sessions",
              "Of these, over HTTP+SSE.",
              r -> r.sessions().sse()),
          gauge(
              "WebSocketSessions",
              "sluice_relay_websocket_sessions",
              "Of these, over WebSocket.",
              r -> r.sessions().webSocket()),
          counter(
              "RefusedSessions",
              "sluice_relay_refused_sessions",
              "Sessions refused at a limit.",
              r -> r.sessions().refusedSessions()),
          counter(
              "SlowClients",
              "sluice_relay_slow_clients",
              "Sessions ended because the client read too slowly.",
              r -> r.sessions().slowClients()),
          gauge(
              "InFlight",
              "sluice_relay_in_flight",
              "Requests of sessions that wait for answers.",
              r -> r.sessions().inFlight()),
          gauge(
              "Asked",
              "sluice_relay_asked",
              "Requests of servers that wait for answers of clients.",
              r -> r.sessions().asked()),
          counter(
              "RefusedRequests",
              "sluice_relay_refused_requests",
              "Requests refused at a limit.",
              r -> r.sessions().refusedRequests() + r.stateless().refused()),
          counter(
              "StrayAnswers",
              "sluice_relay_stray_answers",
              "Answers of servers that no session waited for.",
              r -> r.sessions().strayAnswers()),
          gauge(
              "Streams",
              "sluice_relay_streams",
              "Streams of Streamable HTTP sessions.",
              r -> r.sessions().streams()),
          gauge(
              "KeptStreams",
              "sluice_relay_kept_streams",
              "Of these, kept for clients that come back.",
              r -> r.sessions().keptStreams()),
          gauge(
              "HeldBytes",
              "sluice_relay_held_bytes",
              "Bytes that wait for clients or are kept for them.",
              r -> r.sessions().heldBytes() + r.stateless().heldBytes()),
          gauge(
              "SharedChildren",
              "sluice_relay_shared_children",
              "Child processes that sessions share.",
              r -> r.sessions().children()),
          gauge(
              "SharedRequests",
              "sluice_relay_shared_requests",
              "Requests that wait for the answers of those.",
              r -> r.sessions().childWaiting()),
          gauge(
              "SharedSubscriptions",
              "sluice_relay_shared_subscriptions",
              "Resources that sessions of those are subscribed to.",
              r -> r.sessions().childSubscriptions()),
          gauge(
              "StatelessRequests",
              "sluice_relay_stateless_requests",
              "Stateless requests that wait for answers.",
              r -> r.stateless().requests()),
          gauge(
              "MaxStatelessRequests",
              "sluice_relay_max_stateless_requests",
              "Stateless requests at most.",
              r -> r.stateless().maxRequests()),
          gauge(
              "StatelessSubscriptions",
              "sluice_relay_stateless_subscriptions",
              "Of the stateless requests, subscriptions.",
              r -> r.stateless().subscriptions()),
          gauge(
              "MaxStatelessSubscriptions",
              "sluice_relay_max_stateless_subscriptions",
              "Subscriptions at most.",
              r -> r.stateless().maxSubscriptions()),
          gauge(
              "MirroredArguments",
              "sluice_relay_mirrored_arguments",
              "Arguments known to be repeated in HTTP headers.",
              r -> r.stateless().mirroredArguments()));

  private RelayFigures() {}
}
