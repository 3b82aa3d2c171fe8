package dev.sluice.streams;

import dev.sluice.access.AccessFilter;
import dev.sluice.events.SubscribeRequest;
import dev.sluice.events.SubscribersExhausted;
import jakarta.inject.Inject;
import jakarta.servlet.http.HttpServlet;
import jakarta.servlet.http.HttpServletRequest;
import jakarta.servlet.http.HttpServletResponse;
import java.io.IOException;

/**
 * {@code /api/events}, the event stream over SSE; the {@code subscribed} frame goes out at once.
 * {@link StreamDoorFilter} has read the query and refused what cannot become a stream.
 *
 * <p>A servlet and not a REST resource: see {@link dev.sluice.sse.SseResponse}.
 */
public class EventsServlet extends HttpServlet {

  private static final long serialVersionUID = 1L;

  @Inject private transient EventStreams streams;

  @Override
  protected void doGet(HttpServletRequest request, HttpServletResponse response)
      throws IOException {
    SubscribeRequest asked =
        request.getAttribute(SubscribeRequest.class.getName()) instanceof SubscribeRequest read
            ? read
            : SubscribeRequest.EVERYTHING;
    SseOutlet outlet = streams.outlet(request, response);
    try {
      outlet.open(streams.open(asked, request.getUserPrincipal(), outlet));
    } catch (SubscribersExhausted full) {
      AccessFilter.answer(request, response, StreamDoorFilter.full(full));
      outlet.refuse();
    }
  }

  /** Says what a GET would be, without a stream. */
  @Override
  protected void doHead(HttpServletRequest request, HttpServletResponse response) {
    response.setContentType("text/event-stream;charset=UTF-8");
  }
}
