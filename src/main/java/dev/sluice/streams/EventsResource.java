package dev.sluice.streams;

import dev.sluice.rest.ApiException;
import jakarta.inject.Inject;
import jakarta.servlet.http.HttpServletRequest;
import jakarta.ws.rs.GET;
import jakarta.ws.rs.Path;
import jakarta.ws.rs.Produces;
import jakarta.ws.rs.core.Context;
import jakarta.ws.rs.core.MediaType;
import jakarta.ws.rs.core.UriInfo;

/** The past of the event stream in pages, {@code /api/events/history}. */
@Path("events")
public class EventsResource {

  @Inject private EventHistory history;

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
