package dev.sluice.it;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import jakarta.json.Json;
import jakarta.json.JsonObject;
import jakarta.json.JsonObjectBuilder;
import java.io.StringReader;
import java.net.http.HttpResponse;
import java.time.Duration;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.stream.IntStream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** A remote server that has lost the hub's session, seen by the hub's clients and by itself. */
class LostSessionIT extends RestTest {

  private static final String NAME = "it-forgetful";
  private static final String INITIALIZE =
      "{\"jsonrpc\":\"2.0\", \"id\":0,\"method\":\"initialize\",\"params\":{ \"protocolVersion\":"
          + "\"2025-06-18\", \"capabilities\":{\"experimental\":{\"n\":1.00}},\"clientInfo\":"
          + "{\"name\":\"it\",\"version\":\"1\"}}}";
  private static final String INITIALIZED =
      "{\"jsonrpc\":\"2.0\",\"method\":\"notifications/initialized\",\"params\":{\"_meta\":{}}}";

  private RemoteTestServer server;

  @BeforeEach
  void register() throws Exception {
    server = new RemoteTestServer();
    create(definition());
  }

  @AfterEach
  void end() {
    server.close();
  }

  private JsonObjectBuilder definition() {
    return Json.createObjectBuilder()
        .add("mcp_server_id", NAME)
        .add("url", server.url())
        .add("type", "http")
        .add("healthCheckIntervalSeconds", 1);
  }

  private static String request(int id, String method, String params) {
    return "{\"jsonrpc\":\"2.0\",\"id\":"
        + id
        + ",\"method\":\""
        + method
        + "\",\"params\":"
        + params
        + "}";
  }

  private static String call(int id, String tool) {
    return request(id, "tools/call", "{\"name\":\"" + tool + "\",\"arguments\":{}}");
  }

  private static String resource(int id, String method, String uri) {
    return request(id, "resources/" + method, "{\"uri\":\"" + uri + "\"}");
  }

  private static RawClient open(String transport) throws Exception {
    RawClient client = RawClient.of(transport, HUB, NAME);
    assertThat(client.say(INITIALIZE, true)).contains("\"result\"");
    client.say(INITIALIZED, transport.equals("ws")); // the hub's ping
    return client;
  }

  private static JsonObject object(String text) {
    try (var reader = Json.createReader(new StringReader(text))) {
      return reader.readObject();
    }
  }

  private static String error(String answer) {
    return object(answer).getJsonObject("error").getString("message");
  }

  private static void assertAnswers(RawClient client, int id, String tool) throws Exception {
    String answer = client.say(call(id, tool), true);
    assertThat(answer).contains("\"id\":" + id + ",", "\"text\":\"" + tool + "\"");
  }

  @ParameterizedTest
  @ValueSource(strings = {"http", "sse", "ws"})
  void isOpenedAnewAsTheClientOpenedItAndTheClientDoesNotNotice(String transport) throws Exception {
    String level = request(1, "logging/setLevel", "{\"level\": \"error\"}");
    String kept = resource(2, "subscribe", "x:/kept");
    try (RawClient client = open(transport)) {
      for (String message :
          List.of(
              level,
              kept,
              resource(3, "subscribe", "x:/left"),
              resource(4, "unsubscribe", "x:/left"))) {
        assertThat(client.say(message, true)).contains("\"result\"");
      }
      assertAnswers(client, 5, "before");
      server.bodies.clear();
      server.forget();
      assertAnswers(client, 6, "after");

      assertThat(server.bodies).hasSize(6);
      assertThat(server.bodies.get(0)).isEqualTo(call(6, "after"));
      assertThat(server.bodies.get(1))
          .isEqualTo(INITIALIZE.replace("\"id\":0", "\"id\":\"sluice-renewal-1\""));
      assertThat(server.bodies.get(2)).isEqualTo(INITIALIZED);
      assertThat(server.bodies.subList(3, 5))
          .containsExactlyInAnyOrder(
              level.replace("\"id\":1", "\"id\":\"sluice-renewal-2\""),
              kept.replace("\"id\":2", "\"id\":\"sluice-renewal-3\""));
      assertThat(server.bodies.get(5)).isEqualTo(call(6, "after"));
      assertThat(server.calls("before")).isEqualTo(1);
      assertThat(server.calls("after")).isEqualTo(1);

      server.forget(); // and once more: each loss is a loss of its own
      assertAnswers(client, 7, "at last");
      assertThat(server.initialized).hasValue(3);
    }
  }

  @Test
  void isOpenedAnewOnceForAllCallsThatFindItLost() throws Exception {
    try (McpSocketPeer client = new McpSocketPeer(HUB, "/mcp/" + NAME + "/ws", "mcp")) {
      client.send(INITIALIZE).next();
      client.send(INITIALIZED).next();
      server.forget();
      IntStream.rangeClosed(1, 40).forEach(i -> client.send(call(i, "tool" + i)));
      Set<Integer> answered = new HashSet<>();
      for (int i = 0; i < 40; i++) {
        JsonObject answer = client.next();
        assertThat(answer.containsKey("result")).as(answer.toString()).isTrue();
        answered.add(answer.getInt("id"));
      }
      assertThat(answered).hasSize(40);
      assertThat(server.initialized).hasValue(2);
      assertThat(server.done).hasSize(40).allSatisfy((tool, n) -> assertThat(n).hasValue(1));
    }
  }

  @ParameterizedTest
  @ValueSource(strings = {"http", "sse", "ws"})
  void aCallThatMayHaveBeenDoneIsAnsweredWithAnErrorAndNeverRepeated(String transport)
      throws Exception {
    try (RawClient client = open(transport)) {
      assertAnswers(client, 1, "warm"); // there is a connection that could be used again
      String lost = client.say(call(2, "break"), true);
      assertThat(object(lost).getInt("id")).isEqualTo(2);
      assertThat(error(lost)).contains("did not answer");
      server.forget();
      lost = client.say(call(3, "warm"), true);
      assertThat(lost).contains("\"result\"");
      lost = client.say(call(4, "break again"), true);
      assertThat(error(lost)).contains("did not answer");
      assertAnswers(client, 5, "after");
      assertThat(server.calls("break")).isEqualTo(1);
      assertThat(server.calls("break again")).isEqualTo(1);
      assertThat(server.bodies).containsOnlyOnce(call(2, "break"), call(4, "break again"));
      assertThat(server.initialized).hasValue(2);
    }
  }

  @ParameterizedTest
  @ValueSource(strings = {"http", "sse", "ws"})
  void endsWithAClearErrorIfTheNewOneIsLostAsWell(String transport) throws Exception {
    try (RawClient client = open(transport)) {
      server.forgetsAtOnce = true;
      server.forget();
      assertThat(error(client.say(call(1, "never"), true)))
          .contains("the session was lost and could not be renewed")
          .contains("the server no longer knows the session");
      assertThat(client.over()).isTrue();
      assertThat(server.initialized).hasValue(2);
      assertThat(server.calls("never")).isZero();
    }
  }

  @ParameterizedTest
  @ValueSource(strings = {"http", "sse", "ws"})
  void endsWithAClearErrorIfTheServerHasComeBackWithAnotherVersion(String transport)
      throws Exception {
    try (RawClient client = open(transport)) {
      server.version = "2025-03-26";
      server.forget();
      assertThat(error(client.say(call(1, "never"), true)))
          .contains("now speaks version 2025-03-26, the client 2025-06-18");
      assertThat(client.over()).isTrue();
      assertThat(server.calls("never")).isZero();
    }
  }

  @Test
  void isOpenedAnewForAClientThatOnlyListens() throws Exception {
    try (McpSocketPeer client = new McpSocketPeer(HUB, "/mcp/" + NAME + "/ws", "mcp")) {
      client.send(INITIALIZE).next();
      client.send(INITIALIZED).next();
      await().until(server::isHeard);
      server.forget();
      await()
          .atMost(Duration.ofSeconds(20))
          .until(() -> server.initialized.get() == 2 && server.isHeard());
      server.say("{\"jsonrpc\":\"2.0\",\"method\":\"notifications/tools/list_changed\"}");
      assertThat(client.next().getString("method")).isEqualTo("notifications/tools/list_changed");
    }
  }

  @Test
  void whatWasAskedInTheLostOneIsNotAnsweredInTheNewOne() throws Exception {
    try (McpSocketPeer client = new McpSocketPeer(HUB, "/mcp/" + NAME + "/ws", "mcp")) {
      client.send(INITIALIZE).next();
      client.send(INITIALIZED).next();
      await().until(server::isHeard);
      server.say("{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"roots/list\"}");
      assertThat(client.next().getString("method")).isEqualTo("roots/list");
      server.forget();
      client.send(call(1, "meanwhile")).next();
      client.send("{\"jsonrpc\":\"2.0\",\"id\":1,\"result\":{\"roots\":[]}}");
      client.send(call(2, "after")).next();
      assertThat(server.bodies).noneMatch(body -> body.contains("\"roots\""));
    }
  }

  @Test
  void ofTheHubItselfIsOpenedAnewForCallsAndForPings() throws Exception {
    assertThat(send("POST", "mcp_servers/" + NAME + "/start", "").statusCode()).isEqualTo(200);
    server.forget();
    HttpResponse<String> answer = send("POST", "mcp_servers/" + NAME + "/tools/one/call", "{}");
    assertThat(answer.statusCode()).as(answer.body()).isEqualTo(200);
    assertThat(server.calls("one")).isEqualTo(1);
    assertThat(server.initialized).hasValue(2);
    server.forget(); // the next ping, or the stream, finds it
    await().atMost(Duration.ofSeconds(20)).until(() -> server.initialized.get() == 3);
    assertThat(state(NAME)).isEqualTo("ready");
    assertThat(events.changes(NAME)).containsExactly("cold>initializing", "initializing>ready");
  }

  @Test
  void ofTheHubItselfEndsIfTheNewOneIsLostAsWell() throws Exception {
    assertThat(send("POST", "mcp_servers/" + NAME + "/start", "").statusCode()).isEqualTo(200);
    server.forgetsAtOnce = true;
    server.forget();
    HttpResponse<String> answer = send("POST", "mcp_servers/" + NAME + "/tools/never/call", "{}");
    assertThat(answer.statusCode()).as(answer.body()).isGreaterThanOrEqualTo(500);
    assertThat(answer.body()).contains("no longer knows the session");
    assertThat(server.calls("never")).isZero();
    await().until(() -> events.changes(NAME).contains("ready>dead"));
  }
}
