package dev.sluice.it;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import jakarta.json.Json;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.net.http.HttpResponse.BodyHandlers;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Iterator;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** MCP clients of a hub that is stopped. */
class RelayDrainIT {

  private static final String NAME = "it-relay-drain";
  private static final HttpClient PLAIN =
      HttpClient.newBuilder().version(HttpClient.Version.HTTP_1_1).build();

  private static long children() {
    return ProcessHandle.allProcesses()
        .filter(one -> List.of(one.info().arguments().orElse(new String[0])).contains(NAME))
        .count();
  }

  /** WildFly closes WebSocket sessions itself, before it tells the application of its end. */
  @Test
  void aHubThatStopsEndsEverySessionAndEveryChild(@TempDir Path directory) throws Exception {
    Path file =
        Files.writeString(
            directory.resolve("mcp.json"),
            Json.createObjectBuilder()
                .add(
                    "mcpServers",
                    Json.createObjectBuilder()
                        .add(
                            NAME,
                            Json.createObjectBuilder(
                                    FeatureTestServer.definition(NAME, NAME).build())
                                .remove("mcp_server_id")))
                .build()
                .toString());
    try (HubProcess hub =
        HubProcess.start(
            directory.resolve("hub"), Map.of("sluice.servers.file", file.toString()))) {
      String initialize = StreamablePeer.initialize("2025-11-25", "{\"sampling\":{}}");
      McpSocketPeer socket = new McpSocketPeer(hub.base(), "/mcp/" + NAME + "/ws", "mcp");
      socket.send(initialize).next();
      socket.send(StreamablePeer.call("1", "test_wait", ""));
      StreamablePeer http =
          new StreamablePeer(hub.base(), NAME).open("2025-11-25", "{\"sampling\":{}}");
      StreamablePeer.Stream call = http.stream(StreamablePeer.call("1", "test_wait", ""));
      assertThat(call.status()).isEqualTo(200);
      Stream<String> events =
          PLAIN
              .send(
                  HttpRequest.newBuilder(hub.base().resolve("mcp/" + NAME + "/sse")).build(),
                  BodyHandlers.ofLines())
              .body();
      Iterator<String> lines = events.iterator();
      assertThat(lines.next()).isEqualTo("event: endpoint");
      String endpoint = lines.next().substring("data: ".length());
      HttpResponse<Void> taken =
          PLAIN.send(
              HttpRequest.newBuilder(hub.base().resolve(endpoint))
                  .header("Content-Type", "application/json")
                  .POST(HttpRequest.BodyPublishers.ofString(initialize))
                  .build(),
              BodyHandlers.discarding());
      assertThat(taken.statusCode()).isEqualTo(202);
      await().atMost(Duration.ofSeconds(20)).until(() -> children() == 3);

      CompletableFuture<Void> stopped = CompletableFuture.runAsync(hub::stop);
      assertThat(socket.closed.poll(30, TimeUnit.SECONDS)).isEqualTo(1001);
      stopped.get(60, TimeUnit.SECONDS);
      while (call.line() != null) {
        // what was said before the end
      }
      CompletableFuture.runAsync(() -> lines.forEachRemaining(line -> {}))
          .exceptionally(cut -> null)
          .get(30, TimeUnit.SECONDS);
      hub.stop(); // once more does no harm
    }
    assertThat(children()).isZero();
  }
}
