package dev.sluice.bench.server;

import jakarta.inject.Inject;
import jakarta.ws.rs.GET;
import jakarta.ws.rs.Path;
import jakarta.ws.rs.Produces;
import jakarta.ws.rs.core.Context;
import jakarta.ws.rs.core.MediaType;
import jakarta.ws.rs.sse.OutboundSseEvent;
import jakarta.ws.rs.sse.Sse;
import jakarta.ws.rs.sse.SseEventSink;

/** An SSE stream that does nothing but send the prepared string. */
@Path("sse")
public class BareResource {

  @Inject private Bare bare;

  /** Opens the stream. */
  @GET
  @Produces(MediaType.SERVER_SENT_EVENTS)
  public void open(@Context Sse sse, @Context SseEventSink sink) {
    OutboundSseEvent event = sse.newEvent(bare.text());
    sink.send(sse.newEvent("{\"type\":\"subscribed\"}"))
        .thenRun(
            () ->
                bare.sse()
                    .add(
                        done ->
                            sink.send(event)
                                .whenComplete(
                                    (ok, failure) -> {
                                      if (failure == null) {
                                        done.run();
                                      }
                                    })));
  }
}
