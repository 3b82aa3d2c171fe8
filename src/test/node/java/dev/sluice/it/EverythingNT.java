package dev.sluice.it;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import jakarta.json.Json;
import jakarta.json.JsonObject;
import java.io.StringReader;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpRequest.BodyPublishers;
import java.net.http.HttpResponse.BodyHandlers;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** The official reference server from npm, run by the hub; needs Node 20. */
class EverythingNT {

  private static final HttpClient HTTP = HttpClient.newHttpClient();

  @TempDir private Path directory;

  @Test
  void theReferenceServerStartsIsCalledAndBothStreamsTellTheSame() throws Exception {
    Path file = directory.resolve("mcp.json");
    Files.writeString(
        file,
        """
        {
          "mcpServers": {
            "everything": {
              "command": "npx",
              "args": ["-y", "@modelcontextprotocol/server-everything@2026.8.31"],
              "startTimeoutSeconds": 120
            }
          }
        }
        """);
    try (HubProcess hub =
            HubProcess.start(
                directory.resolve("hub"), Map.of("sluice.servers.file", file.toString()));
        WebSocketPeer socket = WebSocketPeer.open(hub.base(), "?since=live");
        SsePeer stream = SsePeer.open(hub.base(), "?since=live")) {
      assertThat(socket.next().getString("type")).isEqualTo("subscribed");
      assertThat(stream.next().name()).isEqualTo("subscribed");

      assertThat(get(hub, "/api/mcp_servers/everything").getString("state")).isEqualTo("cold");
      JsonObject started = post(hub, "/api/mcp_servers/everything/start", "{}");
      assertThat(started.getString("state")).isEqualTo("ready");
      assertThat(started.getJsonArray("tools").toString()).contains("echo");
      JsonObject echo =
          post(
              hub,
              "/api/mcp_servers/everything/tools/echo/call",
              "{\"arguments\":{\"message\":\"héllo 👩‍💻 12345678901234567890\"}}");
      assertThat(echo.getJsonArray("content").getJsonObject(0).getString("text"))
          .contains("héllo 👩‍💻 12345678901234567890");

      List<JsonObject> seenBySocket = new ArrayList<>();
      List<JsonObject> seenByStream = new ArrayList<>();
      await()
          .atMost(Duration.ofSeconds(30))
          .until(
              () -> {
                seenBySocket.add(socket.next());
                return type(seenBySocket).equals("ToolInvocationCompleted");
              });
      await()
          .atMost(Duration.ofSeconds(30))
          .until(
              () -> {
                seenByStream.add(stream.next().json());
                return type(seenByStream).equals("ToolInvocationCompleted");
              });
      assertThat(events(seenBySocket)).isEqualTo(events(seenByStream));
      assertThat(states(seenBySocket)).startsWith("cold>initializing", "initializing>ready");
    }
  }

  private static String type(List<JsonObject> frames) {
    return frames.get(frames.size() - 1).getString("event_type", "");
  }

  private static List<JsonObject> events(List<JsonObject> frames) {
    return frames.stream().filter(frame -> frame.containsKey("event_type")).toList();
  }

  private static List<String> states(List<JsonObject> frames) {
    return frames.stream()
        .filter(f -> f.getString("event_type", "").equals("McpServerStateChanged"))
        .map(f -> f.getString("old_state") + ">" + f.getString("new_state"))
        .toList();
  }

  private static JsonObject get(HubProcess hub, String path) throws Exception {
    return answer(HttpRequest.newBuilder(hub.base().resolve(path)).build());
  }

  private static JsonObject post(HubProcess hub, String path, String body) throws Exception {
    return answer(
        HttpRequest.newBuilder(hub.base().resolve(path))
            .header("Content-Type", "application/json")
            .timeout(Duration.ofSeconds(150))
            .POST(BodyPublishers.ofString(body))
            .build());
  }

  private static JsonObject answer(HttpRequest request) throws Exception {
    var answer = HTTP.send(request, BodyHandlers.ofString());
    assertThat(answer.statusCode()).as(request.uri() + ": " + answer.body()).isEqualTo(200);
    try (var reader = Json.createReader(new StringReader(answer.body()))) {
      return reader.readObject();
    }
  }
}
