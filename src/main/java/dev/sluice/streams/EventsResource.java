package dev.sluice.streams;

import dev.sluice.events.SubscribeRequest;
import dev.sluice.events.SubscribersExhausted;
import dev.sluice.rest.ApiException;
import jakarta.inject.Inject;
import jakarta.servlet.http.HttpServletRequest;
import jakarta.servlet.http.HttpServletResponse;
import jakarta.ws.rs.GET;
import jakarta.ws.rs.Path;
import jakarta.ws.rs.Produces;
import jakarta.ws.rs.core.Context;
import jakarta.ws.rs.core.MediaType;
import jakarta.ws.rs.core.UriInfo;
import jakarta.ws.rs.sse.Sse;
import jakarta.ws.rs.sse.SseEventSink;
import java.time.Duration;

/**
 * The event stream over SSE, {@code /api/events}, and its past in pages, {@code
 * /api/events/history}.
 */
@Path("events")
public class EventsResource {

  private static final Duration RETRY = Duration.ofSeconds(5);

  @Inject private EventStreams streams;
  @Inject private EventHistory history;

  /**
   * Opens a stream; the {@code subscribed} frame goes out at once. {@link StreamDoorFilter} has
   * read the query, because an answer with an error status is no longer possible once a sink
   * exists.
   */
  @GET
  @Produces(MediaType.SERVER_SENT_EVENTS)
  public void open(
      @Context Sse sse,
      @Context SseEventSink sink,
      @Context HttpServletRequest request,
      @Context HttpServletResponse response) {
    response.setHeader("Cache-Control", "no-cache, no-transform");
    response.setHeader("X-Accel-Buffering", "no");
    SubscribeRequest asked =
        request.getAttribute(SubscribeRequest.class.getName()) instanceof SubscribeRequest read
            ? read
            : SubscribeRequest.EVERYTHING;
    try {
      streams.open(
          asked, request.getUserPrincipal(), sse, sink, request.getProtocol().startsWith("HTTP/2"));
    } catch (SubscribersExhausted full) {
      throw ApiException.unavailable(
          "too_many_subscribers", String.valueOf(full.getMessage()), RETRY);
    }
  }

  /** One page of what retention holds, oldest first. */
  @GET
  @Path("history")
  @Produces(MediaType.APPLICATION_JSON)
  public String page(@Context UriInfo uri, @Context HttpServletRequest request) {
    if (!EventStreams.mayRead(request.getUserPrincipal())) {
      throw ApiException.of(403, "forbidden", "The caller may not read events.");
    }
    try {
      return history.page(uri.getQueryParameters());
    } catch (IllegalArgumentException invalid) {
      throw ApiException.of(400, "invalid_parameter", String.valueOf(invalid.getMessage()));
    }
  }
}
