package dev.sluice.it;

import static org.assertj.core.api.Assertions.assertThat;

import dev.sluice.events.EventId;
import jakarta.json.JsonObject;
import java.io.IOException;
import java.nio.file.Path;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import org.junit.jupiter.api.Test;

/** Shutting the hub down, seen by its subscribers (contract C14). */
class DrainIT {

  private static final Path WORK = Path.of(System.getProperty("sluice.test.dir"), "drain");

  @Test
  void subscribersAreToldToGoAwayAndWhereTheyAreBeforeTheHubIsUndeployed() throws Exception {
    try (HubProcess hub = HubProcess.start(WORK, Map.of());
        WebSocketPeer socket = WebSocketPeer.open(hub.base(), "?since=live");
        SsePeer stream = SsePeer.open(hub.base(), "")) {
      assertThat(socket.next().getString("type")).isEqualTo("subscribed");
      assertThat(stream.next().name()).isEqualTo("subscribed");
      CompletableFuture<Void> stopped = CompletableFuture.runAsync(hub::undeploy);

      JsonObject goaway = skipEvents(socket);
      assertThat(goaway.getString("type")).isEqualTo("goaway");
      EventId.parse(goaway.getString("cursor"));
      assertThat(goaway.getInt("retry_after_ms")).isNotNegative();
      assertThat(socket.closed().code()).isEqualTo(1001);

      SsePeer.Event last = stream.next();
      while (last.name().isEmpty()) {
        last = stream.next();
      }
      assertThat(last.name()).isEqualTo("goaway");
      assertThat(stream.next().name()).isEqualTo("end");
      stopped.join();
    }
  }

  /** WildFly closes WebSocket sessions itself, before it tells the application of its end. */
  @Test
  void aServerThatStopsClosesSocketsWithGoingAwayAndTellsStreams() throws Exception {
    try (HubProcess hub = HubProcess.start(WORK, Map.of());
        WebSocketPeer socket = WebSocketPeer.open(hub.base(), "?since=live");
        SsePeer stream = SsePeer.open(hub.base(), "")) {
      assertThat(socket.next().getString("type")).isEqualTo("subscribed");
      assertThat(stream.next().name()).isEqualTo("subscribed");
      CompletableFuture<Void> stopped = CompletableFuture.runAsync(hub::stop);

      assertThat(socket.closed().code()).isEqualTo(1001);
      SsePeer.Event last = stream.next();
      while (last.name().isEmpty()) {
        last = stream.next();
      }
      assertThat(last.name()).isEqualTo("goaway");
      stopped.join();
    }
  }

  private static JsonObject skipEvents(WebSocketPeer socket) throws IOException {
    JsonObject frame = socket.next();
    while (frame != null && frame.containsKey("event_type")) {
      frame = socket.next();
    }
    assertThat(frame).as("the connection ended without goaway, %s", socket).isNotNull();
    return frame;
  }
}
