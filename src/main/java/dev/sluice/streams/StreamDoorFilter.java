package dev.sluice.streams;

import dev.sluice.access.AccessFilter;
import dev.sluice.access.Refusal;
import dev.sluice.access.RequestCounts;
import dev.sluice.events.SubscribeRequest;
import dev.sluice.events.SubscribersExhausted;
import dev.sluice.rest.Query;
import dev.sluice.sse.SseResponse;
import jakarta.inject.Inject;
import jakarta.servlet.FilterChain;
import jakarta.servlet.ServletException;
import jakarta.servlet.http.HttpFilter;
import jakarta.servlet.http.HttpServletRequest;
import jakarta.servlet.http.HttpServletResponse;
import java.io.IOException;
import java.util.ArrayList;
import java.util.Enumeration;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Objects;
import org.jspecify.annotations.Nullable;

/**
 * In front of both event streams: what cannot become a stream is refused while a plain HTTP answer
 * is still possible. A WebSocket session, once made, can only be cut.
 *
 * <p>Refuses a query that cannot be used (400), a caller without the right to read events (403), a
 * plain request to the WebSocket path (426), a client that does not accept an event stream (406)
 * and an SSE stream beyond the limit (503). Comes after the access filter.
 */
public class StreamDoorFilter extends HttpFilter {

  private static final long serialVersionUID = 1L;

  @Inject private transient EventStreams streams;
  @Inject private transient RequestCounts counts;

  @Override
  protected void doFilter(
      HttpServletRequest request, HttpServletResponse response, FilterChain chain)
      throws IOException, ServletException {
    String path = request.getRequestURI().substring(request.getContextPath().length());
    boolean webSocket = path.equals(EventsEndpoint.PATH);
    @Nullable Refusal refusal = webSocket ? noUpgrade(request) : null;
    if (refusal == null) {
      refusal = refusal(request);
    }
    if (refusal == null && !webSocket && request.getMethod().equals("GET")) {
      refusal =
          SseResponse.accepted(request)
              ? noRoom()
              : Refusal.of(406, "not_acceptable", SseResponse.NOT_ACCEPTABLE);
    }
    if (refusal == null) {
      chain.doFilter(request, response);
      return;
    }
    counts.refused(refusal.status());
    AccessFilter.answer(request, response, refusal);
  }

  private static @Nullable Refusal noUpgrade(HttpServletRequest request) {
    String upgrade = Objects.requireNonNullElse(request.getHeader("Upgrade"), "");
    return upgrade.toLowerCase(Locale.ROOT).contains("websocket")
        ? null
        : Refusal.of(
                426,
                "upgrade_required",
                "This path speaks WebSocket only; the same events come over SSE at /api/events.")
            .with("Upgrade", "websocket");
  }

  /** A WebSocket peer is told by close code 1013, which its client can act on. */
  private @Nullable Refusal noRoom() {
    try {
      streams.checkRoom();
      return null;
    } catch (SubscribersExhausted full) {
      return full(full);
    }
  }

  static Refusal full(SubscribersExhausted full) {
    return Refusal.of(503, "too_many_subscribers", String.valueOf(full.getMessage()))
        .with("Retry-After", "5");
  }

  private static @Nullable Refusal refusal(HttpServletRequest request) {
    if (!EventStreams.mayRead(request.getUserPrincipal())) {
      return Refusal.of(403, "forbidden", "The caller may not read events.");
    }
    try {
      request.setAttribute(SubscribeRequest.class.getName(), requested(request));
    } catch (IllegalArgumentException invalid) {
      return Refusal.of(400, "invalid_parameter", String.valueOf(invalid.getMessage()));
    }
    return null;
  }

  /** The query; a reconnecting EventSource names its place in the header, which is newer. */
  private static SubscribeRequest requested(HttpServletRequest request) {
    Map<String, List<String>> query = Query.of(request);
    SubscribeRequest asked = SubscribeQuery.parse(query);
    List<String> ids = new ArrayList<>();
    Enumeration<String> headers = request.getHeaders("Last-Event-ID");
    while (headers != null && headers.hasMoreElements()) {
      ids.add(headers.nextElement());
    }
    @Nullable String last = SubscribeQuery.single(Map.of("Last-Event-ID", ids), "Last-Event-ID");
    if (last == null) {
      last = SubscribeQuery.single(query, "lastEventId");
    }
    return last == null ? asked : asked.withSince(SubscribeQuery.since(last));
  }
}
