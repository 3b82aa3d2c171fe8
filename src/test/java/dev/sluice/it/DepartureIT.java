package dev.sluice.it;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import jakarta.json.Json;
import jakarta.json.JsonObject;
import java.io.StringReader;
import java.nio.file.Path;
import java.time.Duration;
import java.util.HashSet;
import java.util.Set;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** What the death of a server leaves to its clients, and a client that leaves to its server. */
class DepartureIT extends RestTest {

  private static final String NAME = "it-departure";
  private static final Duration SOON = Duration.ofSeconds(10);

  private static JsonObject definition(String sharing) {
    return Json.createObjectBuilder()
        .add("mcp_server_id", NAME)
        .add("command", JAVA)
        .add(
            "args",
            Json.createArrayBuilder()
                .add("-XX:TieredStopAtLevel=1")
                .add("-Dstdout.encoding=UTF-8")
                .add(
                    Path.of("src/test/java/dev/sluice/it/SharedTestServer.java")
                        .toAbsolutePath()
                        .toString()))
        .add("sharing", sharing)
        .build();
  }

  private static McpPeer client(String transport) throws Exception {
    return McpPeer.open(transport, HUB, NAME).initialize("{}");
  }

  private static String call(String id, String tool) {
    return "{\"jsonrpc\":\"2.0\",\"id\":"
        + id
        + ",\"method\":\"tools/call\",\"params\":{\"name\":\""
        + tool
        + "\",\"arguments\":{\"text\":\"\"}}}";
  }

  private static JsonObject object(String text) {
    try (var reader = Json.createReader(new StringReader(text))) {
      return reader.readObject();
    }
  }

  private static String text(McpPeer client, String tool) throws Exception {
    return object(client.send(call("\"t\"", tool)).text())
        .getJsonObject("result")
        .getJsonArray("content")
        .getJsonObject(0)
        .getString("text");
  }

  @ParameterizedTest
  @CsvSource({
    "http, isolated",
    "http, shared",
    "sse, isolated",
    "sse, shared",
    "ws, isolated",
    "ws, shared"
  })
  void aDeadChildAnswersItsCallsAtOnceAndEndsTheSession(String transport, String sharing)
      throws Exception {
    create(Json.createObjectBuilder(definition(sharing)));
    try (McpPeer client = client(transport)) {
      client.send(call("1", "hang")).send(call("\"1\"", "hang"));
      await().until(() -> text(client, "hanging").equals("2"));
      long begin = System.nanoTime();
      client.send(call("1.0", "crash"));
      Set<String> answered = new HashSet<>();
      for (int i = 0; i < 3; i++) {
        JsonObject answer = object(client.text());
        assertThat(answer.getJsonObject("error").getInt("code")).isEqualTo(-32603);
        answered.add(answer.get("id").toString());
      }
      assertThat(Duration.ofNanos(System.nanoTime() - begin)).isLessThan(Duration.ofSeconds(3));
      assertThat(answered).containsExactlyInAnyOrder("1", "\"1\"", "1.0");
      if (client instanceof McpSocketPeer socket) {
        assertThat(socket.closed.poll(10, TimeUnit.SECONDS)).isEqualTo(1011);
      } else if (client instanceof McpSsePeer events) {
        events.awaitEnd();
      } else {
        assertThat(client.send(call("2", "echo")).text()).startsWith("status 404: ");
      }
    }
  }

  @ParameterizedTest
  @ValueSource(strings = {"http", "sse", "ws"})
  void aClientThatLeavesTakesItsOwnChildWithIt(String transport) throws Exception {
    create(Json.createObjectBuilder(definition("isolated")));
    McpPeer client = client(transport);
    long pid = Long.parseLong(text(client, "pid"));
    client.send(call("1", "hang")).close();
    await()
        .atMost(SOON)
        .until(() -> ProcessHandle.of(pid).map(child -> !child.isAlive()).orElse(true));
  }

  @ParameterizedTest
  @ValueSource(strings = {"http", "sse", "ws"})
  void aClientThatLeavesTakesItsCallsAndSubscriptionsFromASharedChild(String transport)
      throws Exception {
    create(Json.createObjectBuilder(definition("shared")));
    try (McpPeer other = client("ws")) {
      McpPeer client = client(transport);
      client.send(
          "{\"jsonrpc\":\"2.0\",\"id\":5,\"method\":\"resources/subscribe\",\"params\":"
              + "{\"uri\":\"x:/one\"}}");
      assertThat(client.text()).contains("\"result\"");
      client.send(call("1", "hang"));
      await().until(() -> text(other, "hanging").equals("1"));
      client.close();
      await()
          .atMost(SOON)
          .untilAsserted(
              () ->
                  assertThat(text(other, "seen"))
                      .isEqualTo("initialize,subscribe,cancelled,unsubscribe"));
    }
  }

  @ParameterizedTest
  @CsvSource({
    "http, http", "http, sse", "http, ws",
    "sse, http", "sse, sse", "sse, ws",
    "ws, http", "ws, sse", "ws, ws"
  })
  void aClientThatLeavesTakesItsCallAndItsSessionAtARemoteServerWithIt(
      String transport, String kind) throws Exception {
    try (RawEchoSockets server = new RawEchoSockets()) {
      create(
          Json.createObjectBuilder()
              .add("mcp_server_id", NAME)
              .add("type", kind)
              .add("url", server.url(kind)));
      McpPeer client = client(transport);
      client.send(call("1", "hang")).send(call("2", "echo"));
      assertThat(client.text()).contains("\"id\":2");
      await().until(() -> !kind.equals("http") || server.hanging() == 1);
      assertThat(server.opened()).isEqualTo(1);
      assertThat(server.sessions()).isEqualTo(1);
      client.close();
      await().atMost(SOON).until(() -> server.sessions() == 0 && server.hanging() == 0);
    }
  }
}
