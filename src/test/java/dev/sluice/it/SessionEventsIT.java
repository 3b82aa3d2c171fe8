package dev.sluice.it;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import jakarta.json.Json;
import jakarta.json.JsonObject;
import java.io.StringReader;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpRequest.BodyPublishers;
import java.net.http.HttpResponse;
import java.net.http.HttpResponse.BodyHandlers;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Iterator;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** What is told of clients' sessions, over every transport, and that their ids are not. */
class SessionEventsIT extends RestTest {

  private static final HttpClient PLAIN =
      HttpClient.newBuilder().version(HttpClient.Version.HTTP_1_1).build();
  private static final String NAME = "it-sessions";
  private static final String LONG = "x".repeat(300);
  private static final String INITIALIZE =
      "{\"jsonrpc\":\"2.0\",\"id\":0,\"method\":\"initialize\",\"params\":{\"protocolVersion\":"
          + "\"2025-06-18\",\"capabilities\":{},\"clientInfo\":{\"name\":\"it\\r\\n\\u001b[31m\","
          + "\"version\":\""
          + LONG
          + "\"}}}";
  private static final String INITIALIZED =
      "{\"jsonrpc\":\"2.0\",\"method\":\"notifications/initialized\"}";

  private static final String LIST = "{\"jsonrpc\":\"2.0\",\"id\":4,\"method\":\"tools/list\"}";

  @TempDir private Path directory;

  private static String call(int id, String tool) {
    return "{\"jsonrpc\":\"2.0\",\"id\":"
        + id
        + ",\"method\":\"tools/call\",\"params\":{\"name\":\""
        + tool
        + "\",\"arguments\":{\"text\":\"x\"}}}";
  }

  /** A client of one transport; it waits for the answer to each request. */
  private interface Client extends AutoCloseable {
    void send(String message) throws Exception;

    /** The id that nobody else may see; empty where there is none. */
    String secret();

    @Override
    void close();

    static Client of(URI hub, String transport) throws Exception {
      return switch (transport) {
        case "streamable_http" -> new Streamable(hub);
        case "sse" -> new Sse(hub);
        default -> new Socket(hub);
      };
    }
  }

  private static HttpRequest.Builder post(URI to, String message) {
    return HttpRequest.newBuilder(to)
        .timeout(Duration.ofSeconds(60))
        .header("Content-Type", "application/json")
        .header("Accept", "application/json, text/event-stream")
        .POST(BodyPublishers.ofString(message));
  }

  private static final class Streamable implements Client {
    private final URI to;
    private String session = "";

    Streamable(URI hub) {
      to = hub.resolve("mcp/" + NAME);
    }

    @Override
    public void send(String message) throws Exception {
      HttpRequest.Builder request = post(to, message);
      if (!session.isEmpty()) {
        request.header("Mcp-Session-Id", session);
      }
      HttpResponse<String> answer = PLAIN.send(request.build(), BodyHandlers.ofString());
      assertThat(answer.statusCode()).as(answer.body()).isIn(200, 202);
      session = answer.headers().firstValue("Mcp-Session-Id").orElse(session);
    }

    @Override
    public String secret() {
      return session;
    }

    @Override
    public void close() {
      HttpRequest end =
          HttpRequest.newBuilder(to).header("Mcp-Session-Id", session).DELETE().build();
      assertThat(PLAIN.sendAsync(end, BodyHandlers.discarding()).join().statusCode())
          .isEqualTo(200);
    }
  }

  private static final class Sse implements Client {
    private final java.util.stream.Stream<String> stream;
    private final Iterator<String> data;
    private final URI messages;
    private boolean introduced;

    Sse(URI hub) throws Exception {
      stream =
          PLAIN
              .send(
                  HttpRequest.newBuilder(hub.resolve("mcp/" + NAME + "/sse")).build(),
                  BodyHandlers.ofLines())
              .body();
      data = stream.filter(line -> line.startsWith("data: ")).iterator();
      messages = hub.resolve(data.next().substring(6));
    }

    @Override
    public void send(String message) throws Exception {
      introduced |= message.equals(INITIALIZE);
      HttpResponse<String> answer =
          PLAIN.send(post(messages, message).build(), BodyHandlers.ofString());
      assertThat(answer.statusCode()).as(answer.body()).isEqualTo(202);
      if (message.contains("\"id\"")) {
        assertThat(data.next()).contains("\"id\"");
      }
    }

    @Override
    public String secret() {
      return messages.getQuery().substring("session_id=".length());
    }

    @Override
    public void close() {
      stream.close();
      String refused = introduced ? INITIALIZE : LIST; // refused, and so counted nowhere
      HttpRequest more = post(messages, refused).build();
      await() // that a client has left is seen by writing to it
          .atMost(Duration.ofSeconds(20))
          .until(() -> PLAIN.send(more, BodyHandlers.discarding()).statusCode() == 404);
    }
  }

  private static final class Socket implements Client {
    private final McpSocketPeer peer;

    Socket(URI hub) throws Exception {
      peer = new McpSocketPeer(hub, "/mcp/" + NAME + "/ws", "mcp");
    }

    @Override
    public void send(String message) throws Exception {
      peer.send(message);
      if (message.contains("\"id\"")) {
        while (peer.next().containsKey("method")) {
          // the hub's ping
        }
      }
    }

    @Override
    public String secret() {
      return "";
    }

    @Override
    public void close() {
      peer.close();
    }
  }

  @ParameterizedTest
  @ValueSource(strings = {"streamable_http", "sse", "websocket"})
  void aSessionIsToldFromItsIntroductionToItsEnd(String transport) throws Exception {
    create(sample(NAME));
    String secret;
    try (Client client = Client.of(HUB, transport)) {
      client.send(INITIALIZE);
      client.send(INITIALIZED);
      client.send(call(1, "echo"));
      client.send(call(2, "echo"));
      client.send(call(3, "no\\u202esuch" + LONG));
      client.send(LIST);
      secret = client.secret();
    }
    JsonObject closed =
        await()
            .atMost(Duration.ofSeconds(10))
            .until(() -> events.of(NAME, "SessionClosed"), found -> found.size() == 1)
            .get(0);
    List<JsonObject> opened = events.of(NAME, "SessionOpened");
    assertThat(opened).hasSize(1);
    assertThat(opened.get(0).getString("transport")).isEqualTo(transport);
    assertThat(opened.get(0).getString("client_name")).isEqualTo("it\ufffd\ufffd\ufffd[31m");
    assertThat(opened.get(0).getString("client_version")).isEqualTo("x".repeat(128) + "…");
    assertThat(opened.get(0).getString("protocol_version")).isEqualTo("2025-06-18");
    assertThat(closed.getString("session_ref"))
        .isEqualTo(opened.get(0).getString("session_ref"))
        .hasSize(12);
    assertThat(closed.getString("transport")).isEqualTo(transport);
    assertThat(closed.getString("reason")).isEqualTo("client");
    assertThat(closed.getJsonNumber("duration_s").doubleValue()).isPositive().isLessThan(60);
    assertThat(closed.getInt("requests")).isEqualTo(5);
    assertThat(closed.getInt("calls")).isEqualTo(3);
    assertThat(closed.getInt("failed_calls")).isEqualTo(1);

    List<JsonObject> asked = events.of(NAME, "ToolInvocationRequested");
    assertThat(asked).hasSize(3).allMatch(e -> e.getString("transport").equals(transport));
    assertThat(asked.get(0).getInt("request_size_bytes")).isEqualTo(call(1, "echo").length());
    assertThat(asked.get(2).getString("tool_name"))
        .isEqualTo("no\ufffdsuch" + "x".repeat(121) + "…");
    assertThat(events.of(NAME, "ToolInvocationCompleted"))
        .hasSize(2)
        .allMatch(e -> e.getString("transport").equals(transport))
        .allMatch(e -> e.getInt("result_size_bytes") > 0);
    assertThat(events.of(NAME, "ToolInvocationFailed"))
        .hasSize(1)
        .allMatch(e -> e.getString("transport").equals(transport));
    if (!secret.isEmpty()) {
      assertThat(events.of(NAME).toString()).doesNotContain(secret);
    }
  }

  @Test
  void aClientThatIsNotIntroducedIsNotToldOf() throws Exception {
    create(sample(NAME));
    try (Client first = Client.of(HUB, "sse");
        Client second = Client.of(HUB, "websocket")) {
      assertThat(first.secret()).isNotEmpty();
      second.send(LIST);
    }
    try (Client last = Client.of(HUB, "streamable_http")) {
      last.send(INITIALIZE);
    }
    await()
        .atMost(Duration.ofSeconds(10))
        .until(() -> events.of(NAME, "SessionClosed").size() == 1);
    assertThat(events.of(NAME, "SessionOpened"))
        .singleElement()
        .matches(e -> e.getString("transport").equals("streamable_http"));
  }

  @Test
  void theRemovalOfAServerIsTheReasonForTheEndOfItsSessions() throws Exception {
    create(sample(NAME));
    Client client = Client.of(HUB, "websocket");
    client.send(INITIALIZE);
    send("DELETE", "mcp_servers/" + NAME, "");
    assertThat(
            await()
                .atMost(Duration.ofSeconds(10))
                .until(() -> events.of(NAME, "SessionClosed"), found -> found.size() == 1)
                .get(0)
                .getString("reason"))
        .isEqualTo("removed");
    client.close();
  }

  @Test
  void theDeathOfTheServerIsTheReasonForTheEndOfItsSessions() throws Exception {
    create(sample(NAME));
    try (Client client = Client.of(HUB, "sse")) {
      client.send(INITIALIZE);
      client.send(INITIALIZED);
      client.send(call(1, "crash"));
      JsonObject closed =
          await()
              .atMost(Duration.ofSeconds(10))
              .until(() -> events.of(NAME, "SessionClosed"), found -> found.size() == 1)
              .get(0);
      assertThat(closed.getString("reason")).isEqualTo("server");
      assertThat(closed.getInt("failed_calls")).isEqualTo(1);
      List<String> types =
          events.of(NAME).stream().map(event -> event.getString("event_type")).toList();
      assertThat(types.indexOf("ToolInvocationFailed"))
          .isLessThan(types.indexOf("SessionClosed"))
          .isPositive();
    }
  }

  @Test
  void theEndOfTheHubIsToldInTheJournal() throws Exception {
    Path data = directory.resolve("data");
    Map<String, String> settings = Map.of("sluice.data.dir", data.toString());
    try (HubProcess hub = HubProcess.start(directory.resolve("hub"), settings)) {
      HttpRequest create =
          post(hub.base().resolve("api/mcp_servers"), sample(NAME).build().toString()).build();
      assertThat(HTTP.send(create, BodyHandlers.discarding()).statusCode()).isEqualTo(201);
      Client left = Client.of(hub.base(), "streamable_http");
      left.send(INITIALIZE);
    }
    try (HubProcess next = HubProcess.start(directory.resolve("hub"), settings)) {
      HttpRequest history =
          HttpRequest.newBuilder(
                  next.base().resolve("api/events/history?since=earliest&limit=1000"))
              .build();
      String told = HTTP.send(history, BodyHandlers.ofString()).body();
      List<JsonObject> sessions;
      try (var reader = Json.createReader(new StringReader(told))) {
        sessions =
            reader.readObject().getJsonArray("events").getValuesAs(JsonObject.class).stream()
                .filter(event -> event.getString("event_type").startsWith("Session"))
                .toList();
      }
      assertThat(sessions).as(told).hasSize(2);
      assertThat(sessions.get(0).getString("event_type")).isEqualTo("SessionOpened");
      assertThat(sessions.get(1).getString("reason")).isEqualTo("going_away");
    }
  }
}
