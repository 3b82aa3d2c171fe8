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
    OutboundSseEvent message = sse.newEvent(bare.text());
    OutboundSseEvent[] event = {sse.newEvent(Bare.GREETING)};
    bare.sse()
        .add(
            done ->
                sink.send(event[0])
                    .whenComplete(
                        (ok, failure) -> {
                          if (failure == null) {
                            event[0] = message;
                            done.run();
                          }
                        }));
  }
}
