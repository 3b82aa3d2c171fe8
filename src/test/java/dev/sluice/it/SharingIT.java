package dev.sluice.it;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import jakarta.json.Json;
import jakarta.json.JsonArrayBuilder;
import jakarta.json.JsonObject;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** Sessions that use one child together, and those that may not. */
class SharingIT extends RestTest {

  private static final String NAME = "it-shared";
  private static final String SERVER =
      Path.of("src/test/java/dev/sluice/it/SharedTestServer.java").toAbsolutePath().toString();

  private final List<McpSocketPeer> clients = new ArrayList<>();

  @AfterEach
  void leave() {
    clients.forEach(McpSocketPeer::close);
  }

  private void register(String sharing, String... arguments) throws Exception {
    JsonArrayBuilder args =
        Json.createArrayBuilder()
            .add("-XX:TieredStopAtLevel=1")
            .add("-Dstdout.encoding=UTF-8")
            .add(SERVER);
    for (String argument : arguments) {
      args.add(argument);
    }
    create(
        Json.createObjectBuilder()
            .add("mcp_server_id", NAME)
            .add("command", JAVA)
            .add("args", args)
            .add("sharing", sharing));
  }

  private McpSocketPeer client(String capabilities, String version) throws Exception {
    McpSocketPeer client = new McpSocketPeer(HUB, "/mcp/" + NAME + "/ws", "mcp");
    clients.add(client);
    client.send(
        "{\"jsonrpc\":\"2.0\",\"id\":\"first\",\"method\":\"initialize\",\"params\":"
            + "{\"protocolVersion\":\""
            + version
            + "\",\"capabilities\":"
            + capabilities
            + ",\"clientInfo\":{\"name\":\"it\",\"version\":\"1\"}}}");
    JsonObject answer = client.next();
    assertThat(answer.getString("id")).isEqualTo("first");
    assertThat(answer.getJsonObject("result").getJsonObject("serverInfo").getString("version"))
        .isEqualTo("1.00");
    client.send("{\"jsonrpc\":\"2.0\",\"method\":\"notifications/initialized\"}");
    assertThat(client.next().getString("method")).isEqualTo("ping");
    return client;
  }

  private McpSocketPeer client() throws Exception {
    return client("{}", "2025-11-25");
  }

  private static String call(String id, String tool, String text) {
    return "{\"jsonrpc\":\"2.0\",\"id\":"
        + id
        + ",\"method\":\"tools/call\",\"params\":{\"_meta\":{\"progressToken\":\"mine\"},\"name\":\""
        + tool
        + "\",\"arguments\":{\"text\":\""
        + text
        + "\"}}}";
  }

  private static String text(JsonObject answer) {
    return answer
        .getJsonObject("result")
        .getJsonArray("content")
        .getJsonObject(0)
        .getString("text");
  }

  private static String ask(McpSocketPeer client, String tool, String text) throws Exception {
    client.send(call("77", tool, text));
    JsonObject answer = client.next();
    assertThat(answer.getInt("id")).isEqualTo(77);
    return text(answer);
  }

  @ParameterizedTest
  @CsvSource({
    "auto, {}, {}, 2025-11-25, true",
    "auto, {}, {}, 2025-06-18, false",
    "auto, {}, '{\"sampling\":{}}', 2025-11-25, false",
    "auto, {}, '{\"roots\":{\"listChanged\":true}}', 2025-11-25, false",
    "isolated, {}, {}, 2025-11-25, false",
    "shared, {}, {}, 2025-06-18, true",
    "shared, {}, '{\"elicitation\":{}}', 2025-11-25, true",
  })
  void whoSharesAChild(
      String sharing, String first, String second, String version, boolean together)
      throws Exception {
    register(sharing);
    String one = ask(client(first, "2025-11-25"), "pid", "");
    String other = ask(client(second, version), "pid", "");
    assertThat(one.equals(other)).isEqualTo(together);
  }

  @Test
  void aServerThatLogsIsNotSharedUnlessItIsToldTo() throws Exception {
    register("auto", "logs");
    McpSocketPeer one = client();
    McpSocketPeer other = client();
    assertThat(ask(one, "pid", "")).isNotEqualTo(ask(other, "pid", ""));
    one.send(call("1", "log", "one's own"));
    assertThat(one.next().getString("method")).isEqualTo("notifications/message");
    assertThat(text(one.next())).isEqualTo("logged");
    assertThat(ask(other, "echo", "nothing before")).isEqualTo("nothing before");
  }

  @Test
  void idsAndProgressTokensOfSessionsAreKeptApart() throws Exception {
    register("shared");
    McpSocketPeer one = client();
    McpSocketPeer other = client();
    one.send(call("1", "hang", "")).send(call("\"1\"", "progress", "of one"));
    other.send(call("1", "progress", "of other"));
    for (McpSocketPeer client : List.of(one, other)) {
      for (int i = 1; i <= 3; i++) {
        JsonObject progress = client.next();
        assertThat(progress.getString("method")).isEqualTo("notifications/progress");
        assertThat(progress.getJsonObject("params").getString("progressToken")).isEqualTo("mine");
        assertThat(progress.getJsonObject("params").get("progress").toString()).isEqualTo(i + ".0");
      }
    }
    JsonObject ones = one.next();
    assertThat(ones.getString("id")).isEqualTo("1");
    assertThat(text(ones)).isEqualTo("of one");
    JsonObject others = other.next();
    assertThat(others.getInt("id")).isEqualTo(1);
    assertThat(text(others)).isEqualTo("of other");
    assertThat(one.messages).isEmpty();
    assertThat(other.messages).isEmpty();
  }

  @Test
  void aCancellationReachesTheServerUnderItsOwnId() throws Exception {
    register("shared");
    McpSocketPeer one = client();
    McpSocketPeer other = client();
    other.send(call("1", "hang", ""));
    one.send(call("1", "hang", ""));
    one.send(
        "{\"jsonrpc\":\"2.0\",\"method\":\"notifications/cancelled\",\"params\":{\"requestId\":1}}");
    await()
        .untilAsserted(() -> assertThat(ask(other, "seen", "")).isEqualTo("initialize,cancelled"));
  }

  @Test
  void oneThatLeavesTakesItsCallsAndSubscriptionsWithItAndLeavesOthersTheirs() throws Exception {
    register("shared");
    McpSocketPeer one = client();
    McpSocketPeer other = client();
    for (McpSocketPeer client : List.of(one, other)) {
      client.send(
          "{\"jsonrpc\":\"2.0\",\"id\":5,\"method\":\"resources/subscribe\",\"params\":{\"uri\":\"x:/both\"}}");
      assertThat(client.next().getInt("id")).isEqualTo(5);
    }
    one.send(
        "{\"jsonrpc\":\"2.0\",\"id\":6,\"method\":\"resources/subscribe\",\"params\":{\"uri\":\"x:/one\"}}");
    assertThat(one.next().getInt("id")).isEqualTo(6);
    one.send(call("7", "hang", ""));
    other.send(call("8", "touch", "x:/one"));
    assertThat(text(other.next())).isEqualTo("touched");
    assertThat(one.next().getString("method")).isEqualTo("notifications/resources/updated");
    one.close();
    await()
        .atMost(Duration.ofSeconds(10))
        .untilAsserted(
            () ->
                assertThat(ask(other, "seen", ""))
                    .isEqualTo("initialize,subscribe,subscribe,subscribe,cancelled,unsubscribe"));
    other.send(call("9", "touch", "x:/both"));
    assertThat(other.next().getString("method")).isEqualTo("notifications/resources/updated");
    assertThat(text(other.next())).isEqualTo("touched");
  }

  @Test
  void anUnsubscriptionWaitsForTheLastSubscriber() throws Exception {
    register("shared");
    McpSocketPeer one = client();
    McpSocketPeer other = client();
    for (String method : List.of("subscribe", "unsubscribe")) {
      for (McpSocketPeer client : List.of(one, other)) {
        client.send(
            "{\"jsonrpc\":\"2.0\",\"id\":5,\"method\":\"resources/"
                + method
                + "\",\"params\":{\"uri\":\"x:/both\"}}");
        assertThat(client.next().containsKey("result")).isTrue();
      }
    }
    assertThat(ask(one, "seen", "")).isEqualTo("initialize,subscribe,subscribe,unsubscribe");
  }

  /** One leaves a resource while another comes to it; their requests may overtake each other. */
  @Test
  void oneThatUnsubscribesTakesNothingFromOneThatSubscribesMeanwhile() throws Exception {
    register("shared");
    McpSocketPeer one = client();
    McpSocketPeer other = client();
    for (int i = 0; i < 60; i++) {
      one.send(resource("subscribe", "x:/" + i));
      assertThat(one.next().containsKey("result")).isTrue();
      CompletableFuture<Void> leaves =
          CompletableFuture.runAsync(() -> one.send(resource("unsubscribe", "x:/both")));
      other.send(resource("subscribe", "x:/both"));
      assertThat(other.next().containsKey("result")).isTrue();
      leaves.get(10, TimeUnit.SECONDS);
      assertThat(one.next().containsKey("result")).isTrue();
      await()
          .atMost(Duration.ofSeconds(10))
          .untilAsserted(() -> assertThat(ask(other, "subscribed", "x:/both")).isEqualTo("true"));
      // Now the other way round: what both had goes with the last one.
      one.send(resource("subscribe", "x:/both"));
      assertThat(one.next().containsKey("result")).isTrue();
      other.send(resource("unsubscribe", "x:/both"));
      assertThat(other.next().containsKey("result")).isTrue();
    }
  }

  private static String resource(String method, String uri) {
    return "{\"jsonrpc\":\"2.0\",\"id\":5,\"method\":\"resources/"
        + method
        + "\",\"params\":{\"uri\":\""
        + uri
        + "\"}}";
  }

  @Test
  void ofTwoLevelsSetAtOnceTheMoreVerboseHoldsAndGoesWithItsSession() throws Exception {
    register("shared", "logs");
    McpSocketPeer one = client();
    for (int i = 0; i < 15; i++) {
      McpSocketPeer other = client();
      CompletableFuture<Void> less = CompletableFuture.runAsync(() -> one.send(level("error")));
      other.send(level("debug"));
      assertThat(other.next().containsKey("result")).isTrue();
      less.get(10, TimeUnit.SECONDS);
      assertThat(one.next().containsKey("result")).isTrue();
      await()
          .atMost(Duration.ofSeconds(10))
          .untilAsserted(() -> assertThat(ask(one, "level", "")).isEqualTo("debug"));
      other.close();
      await()
          .atMost(Duration.ofSeconds(10))
          .untilAsserted(() -> assertThat(ask(one, "level", "")).isEqualTo("error"));
    }
  }

  @Test
  void theServerLogsAsMuchAsAnyOneWantsAndEachGetsWhatItWants() throws Exception {
    register("shared", "logs");
    McpSocketPeer one = client();
    McpSocketPeer other = client();
    one.send(level("error"));
    assertThat(one.next().containsKey("result")).isTrue();
    other.send(level("debug"));
    assertThat(other.next().containsKey("result")).isTrue();
    one.send(level("warning"));
    assertThat(one.next().containsKey("result")).isTrue();
    assertThat(ask(one, "seen", "")).isEqualTo("initialize,error,debug");
    one.send(call("1", "hang", ""));
    other.send(call("1", "log", "both are at work"));
    assertThat(other.next().getString("method")).isEqualTo("notifications/message");
    assertThat(text(other.next())).isEqualTo("logged");
    assertThat(one.messages).isEmpty();
  }

  private static String level(String name) {
    return "{\"jsonrpc\":\"2.0\",\"id\":3,\"method\":\"logging/setLevel\",\"params\":{\"level\":\""
        + name
        + "\"}}";
  }

  @Test
  void whatChangedForTheServerIsToldToAll() throws Exception {
    register("shared");
    McpSocketPeer one = client();
    McpSocketPeer other = client();
    assertThat(ask(one, "echo", "here")).isEqualTo("here");
    other.send(call("1", "change", ""));
    for (McpSocketPeer client : List.of(one, other)) {
      assertThat(client.next().getString("method")).isEqualTo("notifications/tools/list_changed");
    }
  }

  @Test
  void theDeathOfTheChildAnswersEveryCallAndEndsEverySession() throws Exception {
    register("shared");
    McpSocketPeer one = client();
    McpSocketPeer other = client();
    one.send(call("1", "hang", ""));
    assertThat(ask(other, "echo", "alive")).isEqualTo("alive");
    other.send(call("2", "crash", ""));
    assertThat(one.next().getJsonObject("error").getInt("code")).isEqualTo(-32603);
    assertThat(other.next().getJsonObject("error").getInt("code")).isEqualTo(-32603);
    for (McpSocketPeer client : List.of(one, other)) {
      assertThat(client.closed.poll(10, TimeUnit.SECONDS)).isEqualTo(1011);
    }
  }

  @ParameterizedTest
  @ValueSource(strings = {"shared", "isolated"})
  void theRemovalOfTheServerEndsItsSessions(String sharing) throws Exception {
    register(sharing);
    McpSocketPeer one = client();
    long pid = Long.parseLong(ask(one, "pid", ""));
    assertThat(send("DELETE", "mcp_servers/" + NAME, "").statusCode()).isEqualTo(200);
    assertThat(one.closed.poll(10, TimeUnit.SECONDS)).isEqualTo(4404);
    await()
        .atMost(Duration.ofSeconds(15))
        .until(() -> ProcessHandle.of(pid).map(child -> !child.isAlive()).orElse(true));
  }

  @ParameterizedTest
  @ValueSource(strings = {"shared", "auto"})
  void theChildEndsWhenTheLastOneHasLeft(String sharing) throws Exception {
    register(sharing);
    McpSocketPeer one = client();
    McpSocketPeer other = client();
    long pid = Long.parseLong(ask(one, "pid", ""));
    one.close();
    assertThat(ask(other, "pid", "")).isEqualTo(Long.toString(pid));
    other.close();
    await()
        .atMost(Duration.ofSeconds(10))
        .until(() -> ProcessHandle.of(pid).map(child -> !child.isAlive()).orElse(true));
  }
}
