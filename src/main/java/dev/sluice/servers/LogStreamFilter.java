package dev.sluice.servers;

import dev.sluice.access.AccessFilter;
import dev.sluice.access.Refusal;
import dev.sluice.access.RequestCounts;
import dev.sluice.access.Unread;
import dev.sluice.events.Frame;
import dev.sluice.rest.ApiException;
import dev.sluice.rest.Query;
import dev.sluice.servers.upstream.LogRing;
import dev.sluice.sse.SseResponse;
import dev.sluice.sse.SseText;
import jakarta.inject.Inject;
import jakarta.servlet.FilterChain;
import jakarta.servlet.ServletException;
import jakarta.servlet.http.HttpFilter;
import jakarta.servlet.http.HttpServletRequest;
import jakarta.servlet.http.HttpServletResponse;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.util.Objects;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.atomic.AtomicReference;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/**
 * {@code GET /api/mcp_servers/{id}/logs/stream}: a server's log as server-sent events. A line is
 * the same object as in {@code /logs}, without an event name; {@code subscribed}, {@code warning}
 * and {@code ping} are control frames. An EventSource resumes by itself with {@code Last-Event-ID}.
 *
 * <p>No REST resource, see {@link SseResponse}; and no servlet, because a mapping cannot say this
 * path. What is not this path goes on to REST.
 */
public class LogStreamFilter extends HttpFilter {

  private static final long serialVersionUID = 1L;

  private static final Pattern PATH = Pattern.compile("/api/mcp_servers/([^/]+)/logs/stream/?");

  /** Lines that a new reader gets first. */
  private static final String LINES = "200";

  @Inject private transient LogStreams streams;
  @Inject private transient RequestCounts counts;

  @Override
  protected void doFilter(
      HttpServletRequest request, HttpServletResponse response, FilterChain chain)
      throws IOException, ServletException {
    Matcher path =
        PATH.matcher(request.getRequestURI().substring(request.getContextPath().length()));
    if (!path.matches()) {
      chain.doFilter(request, response);
      return;
    }
    switch (request.getMethod()) {
      case "GET" -> {
        try {
          follow(path.group(1), request, response);
        } catch (ApiException refused) {
          refuse(request, response, refused.refusal());
        }
      }
      case "HEAD" -> response.setContentType("text/event-stream;charset=UTF-8");
      default -> {
        response.setHeader("Allow", "GET, HEAD");
        Unread.close(request, response);
        response.sendError(HttpServletResponse.SC_METHOD_NOT_ALLOWED);
      }
    }
  }

  private void follow(String id, HttpServletRequest request, HttpServletResponse response)
      throws IOException {
    McpServer server = streams.admit(id);
    int lines =
        AnswersResource.number(
            "lines", Objects.requireNonNullElse(lines(request), LINES), 0, LogRing.MAX_LINES);
    if (!SseResponse.accepted(request)) {
      refuse(request, response, Refusal.of(406, "not_acceptable", SseResponse.NOT_ACCEPTABLE));
      return;
    }
    AtomicReference<@Nullable LogFollower> reader = new AtomicReference<>();
    SseResponse stream = SseResponse.of(request, response, () -> left(reader.get()));
    LogFollower follower =
        streams.follow(
            server,
            request.getHeader("Last-Event-ID"),
            lines,
            frame -> send(stream, frame),
            stream::close);
    reader.set(follower);
    stream.open();
    follower.begin();
  }

  private static @Nullable String lines(HttpServletRequest request) {
    try {
      return Query.first(request, "lines");
    } catch (IllegalArgumentException illegal) {
      throw ApiException.of(400, "invalid_parameter", String.valueOf(illegal.getMessage()));
    }
  }

  /** One who leaves before it is known here is noticed by the first write. */
  private static void left(@Nullable LogFollower reader) {
    if (reader != null) {
      reader.end();
    }
  }

  private void refuse(HttpServletRequest request, HttpServletResponse response, Refusal refusal)
      throws IOException {
    counts.refused(refusal.status());
    AccessFilter.answer(request, response, refusal);
  }

  private static CompletionStage<?> send(SseResponse stream, Frame frame) {
    CompletableFuture<Void> written = new CompletableFuture<>();
    stream.send(
        SseText.event(
            frame.id(),
            frame.kind().equals("line") ? "" : frame.kind(),
            -1,
            frame.json().getBytes(StandardCharsets.UTF_8)),
        failure -> {
          if (failure == null) {
            written.complete(null);
          } else {
            written.completeExceptionally(failure);
          }
        });
    return written;
  }
}
