package dev.sluice.servers;

import dev.sluice.events.Frame;
import dev.sluice.servers.upstream.LogRing;
import jakarta.enterprise.context.RequestScoped;
import jakarta.inject.Inject;
import jakarta.servlet.http.HttpServletResponse;
import jakarta.ws.rs.DefaultValue;
import jakarta.ws.rs.GET;
import jakarta.ws.rs.HeaderParam;
import jakarta.ws.rs.Path;
import jakarta.ws.rs.PathParam;
import jakarta.ws.rs.Produces;
import jakarta.ws.rs.QueryParam;
import jakarta.ws.rs.core.Context;
import jakarta.ws.rs.core.MediaType;
import jakarta.ws.rs.sse.OutboundSseEvent;
import jakarta.ws.rs.sse.Sse;
import jakarta.ws.rs.sse.SseEventSink;
import org.jspecify.annotations.Nullable;

/**
 * {@code /api/mcp_servers/{id}/logs/stream}: a server's log as server-sent events. A line is the
 * same object as in {@code /logs}, without an event name; {@code subscribed}, {@code warning} and
 * {@code ping} are control frames. An EventSource resumes by itself with {@code Last-Event-ID}.
 */
@Path("mcp_servers/{id}/logs/stream")
@RequestScoped
public class LogStreamResource {

  @Inject private LogStreams streams;

  /** Follows the log, beginning with some of the newest lines. */
  @GET
  @Produces(MediaType.SERVER_SENT_EVENTS)
  public void follow(
      @PathParam("id") String id,
      @QueryParam("lines") @DefaultValue("200") String lines,
      @HeaderParam("Last-Event-ID") @Nullable String lastId,
      @Context Sse sse,
      @Context SseEventSink sink,
      @Context HttpServletResponse response) {
    McpServer server = streams.admit(id);
    int newest = AnswersResource.number("lines", lines, 0, LogRing.MAX_LINES);
    response.setHeader("X-Accel-Buffering", "no");
    streams.follow(server, lastId, newest, frame -> sink.send(event(sse, frame)), sink::close);
  }

  private static OutboundSseEvent event(Sse sse, Frame frame) {
    OutboundSseEvent.Builder event =
        sse.newEventBuilder().mediaType(MediaType.TEXT_PLAIN_TYPE).data(String.class, frame.json());
    if (!frame.id().isEmpty()) {
      event.id(frame.id());
    }
    if (!frame.kind().equals("line")) {
      event.name(frame.kind());
    }
    return event.build();
  }
}
