package dev.sluice.it;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import jakarta.json.Json;
import jakarta.json.JsonObject;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.io.StringReader;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpRequest.BodyPublishers;
import java.net.http.HttpResponse;
import java.net.http.HttpResponse.BodyHandlers;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** {@code /mcp/{server}} over Streamable HTTP, HTTP+SSE and WebSocket. */
class RelayIT extends RestTest {

  private static final HttpClient PLAIN =
      HttpClient.newBuilder().version(HttpClient.Version.HTTP_1_1).build();
  private static final String OWN = "own-child";
  private static final String NAME = "it-relay";
  private static final String WS = "/mcp/" + NAME + "/ws";
  private static final String BOTH = "application/json, text/event-stream";
  private static final String INITIALIZE =
      "{\"jsonrpc\":\"2.0\",\"id\":0,\"method\":\"initialize\",\"params\":{\"protocolVersion\":"
          + "\"2025-11-25\",\"capabilities\":{},\"clientInfo\":{\"name\":\"it\",\"version\":\"1\"}}}";
  private static final String INITIALIZED =
      "{\"jsonrpc\":\"2.0\",\"method\":\"notifications/initialized\"}";

  @BeforeEach
  void register() throws Exception {
    create(sample(NAME));
  }

  private static String echo(String id, String text) {
    return "{\"jsonrpc\":\"2.0\",\"id\":"
        + id
        + ",\"method\":\"tools/call\",\"params\":{\"name\":\"echo\",\"arguments\":{\"text\":"
        + Json.createValue(text)
        + "}}}";
  }

  private static JsonObject object(String text) {
    try (var reader = Json.createReader(new StringReader(text))) {
      return reader.readObject();
    }
  }

  private static HttpRequest.Builder mcp(String below) {
    return HttpRequest.newBuilder(HUB.resolve("mcp/" + NAME + below))
        .timeout(Duration.ofSeconds(60));
  }

  private static HttpResponse<String> post(String session, String body, String... headers)
      throws Exception {
    HttpRequest.Builder request =
        mcp("").header("Content-Type", "application/json").header("Accept", BOTH);
    if (!session.isEmpty()) {
      request.header("Mcp-Session-Id", session);
    }
    for (int i = 0; i < headers.length; i += 2) {
      request.setHeader(headers[i], headers[i + 1]);
    }
    return PLAIN.send(request.POST(BodyPublishers.ofString(body)).build(), BodyHandlers.ofString());
  }

  /** The one message of a JSON answer, or the last of an event stream. */
  private static JsonObject message(HttpResponse<String> answer) {
    assertThat(answer.statusCode()).as(answer.body()).isEqualTo(200);
    if (answer.headers().firstValue("Content-Type").orElse("").startsWith("application/json")) {
      return object(answer.body());
    }
    String[] lines = answer.body().split("\n");
    for (int i = lines.length - 1; i >= 0; i--) {
      if (lines[i].startsWith("data: {")) {
        return object(lines[i].substring(6));
      }
    }
    throw new AssertionError("no message in " + answer.body());
  }

  private static String initialize() throws Exception {
    HttpResponse<String> answer = post("", INITIALIZE);
    assertThat(message(answer).getJsonObject("result").getString("protocolVersion"))
        .isEqualTo("2025-11-25");
    String session = answer.headers().firstValue("Mcp-Session-Id").orElseThrow();
    assertThat(session).matches("[\\x21-\\x7E]+");
    HttpResponse<String> initialized = post(session, INITIALIZED);
    assertThat(initialized.statusCode()).isEqualTo(202);
    assertThat(initialized.body()).isEmpty();
    return session;
  }

  private static String text(JsonObject answer) {
    return answer
        .getJsonObject("result")
        .getJsonArray("content")
        .getJsonObject(0)
        .getString("text");
  }

  @Test
  void aStreamableSessionIsOpenedUsedAndEnded() throws Exception {
    String session = initialize();
    JsonObject byText = message(post(session, echo("\"abc\"", "héllo 👩‍👩‍👧")));
    assertThat(byText.getString("id")).isEqualTo("abc");
    assertThat(text(byText)).isEqualTo("héllo 👩‍👩‍👧");
    assertThat(message(post(session, echo("7", "seven"))).getInt("id")).isEqualTo(7);

    HttpResponse<String> ended =
        PLAIN.send(
            mcp("").header("Mcp-Session-Id", session).DELETE().build(), BodyHandlers.ofString());
    assertThat(ended.statusCode()).isIn(200, 204);
    HttpResponse<String> after = post(session, echo("8", "late"));
    assertThat(after.statusCode()).isEqualTo(404);
    assertThat(object(after.body()).getJsonObject("error").getInt("code")).isEqualTo(-32001);
  }

  @Test
  void whatASessionNeedsIsAskedForWithTheStatusThatClientsKnow() throws Exception {
    assertThat(post("", echo("1", "x")).statusCode()).isEqualTo(400);
    assertThat(post("nobody", echo("1", "x")).statusCode()).isEqualTo(404);
    assertThat(post("", INITIALIZE, "Accept", "application/json").statusCode()).isEqualTo(406);
    assertThat(post("", INITIALIZE, "Content-Type", "text/plain").statusCode()).isEqualTo(415);
    HttpResponse<String> garbage = post("", "{");
    String session = initialize();
    assertThat(garbage.statusCode()).isEqualTo(400);
    assertThat(object(garbage.body()).getJsonObject("error").getInt("code")).isEqualTo(-32700);
    assertThat(post(session, "[" + echo("1", "x") + "]").statusCode()).isEqualTo(400);
    assertThat(post(session, echo("1", "x"), "MCP-Protocol-Version", "1999-01-01").statusCode())
        .isEqualTo(400);
    assertThat(post(session, INITIALIZE).statusCode()).isEqualTo(400);
    assertThat(post(session, echo("2", "y".repeat(5 << 20))).statusCode()).isEqualTo(413);
    assertThat(
            PLAIN
                .send(mcp("").PUT(BodyPublishers.ofString("x")).build(), BodyHandlers.ofString())
                .statusCode())
        .isEqualTo(405);
    assertThat(message(post(session, echo("3", "still there"))).getInt("id")).isEqualTo(3);
  }

  @Test
  void aServerThatIsNotThereIs404() throws Exception {
    HttpResponse<String> answer =
        PLAIN.send(
            HttpRequest.newBuilder(HUB.resolve("mcp/nobody"))
                .header("Content-Type", "application/json")
                .header("Accept", BOTH)
                .POST(BodyPublishers.ofString(INITIALIZE))
                .build(),
            BodyHandlers.ofString());
    assertThat(answer.statusCode()).isEqualTo(404);
    assertThat(answer.body()).contains("nobody");
  }

  /** Whichever threads had the requests: Payara tells those that began one from others. */
  @Test
  void theEndOfASessionEndsAllItsStreams() throws Exception {
    String session = initialize();
    List<CompletableFuture<HttpResponse<String>>> calls = new ArrayList<>();
    for (int i = 1; i <= 48; i++) {
      String slow =
          "{\"jsonrpc\":\"2.0\",\"id\":"
              + i
              + ",\"method\":\"tools/call\",\"params\":{\"name\":\"sleep\","
              + "\"arguments\":{\"milliseconds\":60000}}}";
      CompletableFuture<Void> begun = new CompletableFuture<>();
      calls.add(
          PLAIN.sendAsync(
              mcp("")
                  .header("Content-Type", "application/json")
                  .header("Accept", BOTH)
                  .header("Mcp-Session-Id", session)
                  .POST(BodyPublishers.ofString(slow))
                  .build(),
              head -> {
                begun.complete(null);
                return HttpResponse.BodySubscribers.ofString(StandardCharsets.UTF_8);
              }));
      if (i % 8 == 0) {
        begun.get(30, TimeUnit.SECONDS);
      }
    }
    HttpResponse<String> ended =
        PLAIN.send(
            mcp("").header("Mcp-Session-Id", session).DELETE().build(), BodyHandlers.ofString());
    assertThat(ended.statusCode()).isIn(200, 204);
    CompletableFuture.allOf(calls.toArray(CompletableFuture[]::new)).get(10, TimeUnit.SECONDS);
  }

  @Test
  void aSlowCallIsAnsweredOnAStreamThatAClientCanResume() throws Exception {
    String session = initialize();
    String slow =
        "{\"jsonrpc\":\"2.0\",\"id\":5,\"method\":\"tools/call\",\"params\":{\"name\":\"sleep\","
            + "\"arguments\":{\"milliseconds\":4000}}}";
    HttpResponse<java.io.InputStream> stream =
        PLAIN.send(
            mcp("")
                .header("Content-Type", "application/json")
                .header("Accept", BOTH)
                .header("Mcp-Session-Id", session)
                .POST(BodyPublishers.ofString(slow))
                .build(),
            BodyHandlers.ofInputStream());
    assertThat(stream.headers().firstValue("Content-Type").orElse(""))
        .startsWith("text/event-stream");
    BufferedReader lines =
        new BufferedReader(new InputStreamReader(stream.body(), StandardCharsets.UTF_8));
    String id = lines.readLine();
    assertThat(id).startsWith("id: ");
    assertThat(lines.readLine()).startsWith("retry: ");
    stream.body().close(); // the client's connection breaks; the call goes on

    // The break is seen with the next write, which a client that comes back need not wait for.
    HttpResponse<String> resumed =
        await()
            .atMost(Duration.ofSeconds(30))
            .until(
                () ->
                    PLAIN.send(
                        mcp("")
                            .header("Accept", "text/event-stream")
                            .header("Mcp-Session-Id", session)
                            .header("Last-Event-ID", id.substring(4))
                            .GET()
                            .build(),
                        BodyHandlers.ofString()),
                answer -> answer.statusCode() == 200);
    assertThat(message(resumed).getInt("id")).isEqualTo(5);
  }

  @Test
  void aClientThatListsEventsFirstGetsAStreamForOneAnswerToo() throws Exception {
    String session = initialize();
    HttpResponse<String> events =
        post(session, echo("1", "x"), "Accept", "text/event-stream, application/json");
    assertThat(events.headers().firstValue("Content-Type").orElse(""))
        .startsWith("text/event-stream");
    String[] parts = events.body().split("\n\n");
    assertThat(parts).hasSize(2);
    assertThat(parts[0].lines())
        .anyMatch(line -> line.matches("id: .+"))
        .anyMatch(line -> line.matches("retry: [0-9]+"))
        .noneMatch(line -> line.startsWith("data: {"));
    assertThat(text(message(events))).isEqualTo("x");
    assertThat(
            post(session, echo("2", "x"), "Accept", BOTH)
                .headers()
                .firstValue("Content-Type")
                .orElse(""))
        .startsWith("application/json");
  }

  @Test
  void httpWithServerSentEventsAnswersOnTheStreamOnly() throws Exception {
    HttpResponse<java.util.stream.Stream<String>> stream =
        PLAIN.send(mcp("/sse").GET().build(), BodyHandlers.ofLines());
    assertThat(stream.statusCode()).isEqualTo(200);
    try (java.util.stream.Stream<String> all = stream.body()) {
      var lines = all.filter(line -> !line.isEmpty() && !line.startsWith(":")).iterator();
      assertThat(lines.next()).isEqualTo("event: endpoint");
      String endpoint = lines.next().substring("data: ".length());
      assertThat(endpoint).startsWith("/mcp/" + NAME + "/messages?session_id=");
      URI messages = HUB.resolve(endpoint);
      HttpResponse<String> accepted = message(messages, INITIALIZE);
      assertThat(accepted.statusCode()).isEqualTo(202);
      assertThat(accepted.body()).doesNotContain("jsonrpc");
      assertThat(lines.next()).isEqualTo("event: message");
      assertThat(object(lines.next().substring(6)).containsKey("result")).isTrue();
      assertThat(message(messages, INITIALIZED).statusCode()).isEqualTo(202);
      assertThat(message(messages, echo("\"e\"", "over sse")).statusCode()).isEqualTo(202);
      assertThat(lines.next()).isEqualTo("event: message");
      assertThat(text(object(lines.next().substring(6)))).isEqualTo("over sse");
      assertThat(message(messages, "garbage").statusCode()).isEqualTo(400);
    }
  }

  @ParameterizedTest
  @CsvSource({"POST, sse, 405", "GET, messages, 405"})
  void theOtherMethodIs405(String method, String below, int status) throws Exception {
    HttpResponse<String> answer =
        PLAIN.send(
            mcp("/" + below).method(method, BodyPublishers.noBody()).build(),
            BodyHandlers.ofString());
    assertThat(answer.statusCode()).isEqualTo(status);
    assertThat(answer.headers().firstValue("Allow")).isPresent();
  }

  @ParameterizedTest
  @CsvSource({"session_id=nobody, 404", "x=y, 400"})
  void aMessageWithoutItsSessionIsRefused(String query, int status) throws Exception {
    assertThat(message(HUB.resolve("mcp/" + NAME + "/messages?" + query), INITIALIZE).statusCode())
        .isEqualTo(status);
  }

  private static HttpResponse<String> message(URI to, String body) throws Exception {
    return PLAIN.send(
        HttpRequest.newBuilder(to)
            .timeout(Duration.ofSeconds(60))
            .header("Content-Type", "application/json")
            .POST(BodyPublishers.ofString(body))
            .build(),
        BodyHandlers.ofString());
  }

  @ParameterizedTest
  @CsvSource({"mcp, mcp", "'', ''"})
  void aWebSocketCarriesOneMessageAFrame(String offered, String selected) throws Exception {
    try (McpSocketPeer socket =
        offered.isEmpty() ? new McpSocketPeer(HUB, WS) : new McpSocketPeer(HUB, WS, offered)) {
      assertThat(socket.subprotocol()).isEqualTo(selected);
      assertThat(socket.messages.poll(500, TimeUnit.MILLISECONDS)).isNull();
      socket.send(INITIALIZE);
      assertThat(socket.next().containsKey("result")).isTrue();
      socket.send(INITIALIZED);
      assertThat(socket.next().getString("method")).isEqualTo("ping");
      socket.send("{\"jsonrpc\":\"2.0\",\"id\":\"sluice-lock-step\",\"result\":{}}");
      socket.send("{").send(echo("1", "after garbage"));
      assertThat(socket.next().getJsonObject("error").getInt("code")).isEqualTo(-32700);
      assertThat(text(socket.next())).isEqualTo("after garbage");
    }
  }

  @ParameterizedTest
  @ValueSource(strings = {WS, "/ws?server=" + NAME})
  void aLockStepClientWithAListOfVersionsIsServed(String path) throws Exception {
    try (McpSocketPeer socket = new McpSocketPeer(HUB, path)) {
      socket.send(
          INITIALIZE.replace("\"2025-11-25\"", "[\"draft\",\"2025-03-26\",\"2024-11-05\"]"));
      assertThat(socket.next().getJsonObject("result").getString("protocolVersion"))
          .isEqualTo("2025-03-26");
      socket.send(INITIALIZED);
      socket.next(); // whatever it is, the client takes it for the answer to its notification
      for (int i = 1; i <= 4; i++) {
        socket.send(echo(Integer.toString(i), "call " + i));
        assertThat(text(socket.next())).isEqualTo("call " + i);
      }
    }
  }

  @ParameterizedTest
  @CsvSource({
    "/mcp/it-relay/ws, '', '', 426",
    "/mcp/it-relay/ws, websocket, foo, 400",
    "/mcp/nobody/ws, websocket, mcp, 404",
    "/ws?server=nobody, websocket, '', 404",
    "/ws, websocket, '', 404"
  })
  void whatCannotBecomeASocketIsRefusedBeforeTheUpgrade(
      String path, String upgrade, String offered, int status) throws IOException {
    List<String> headers = new ArrayList<>(List.of("Host: localhost:" + HUB.getPort()));
    if (!upgrade.isEmpty()) {
      headers.add("Upgrade: websocket");
      headers.add("Connection: Upgrade");
      headers.add("Sec-WebSocket-Version: 13");
      headers.add("Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==");
    }
    if (!offered.isEmpty()) {
      headers.add("Sec-WebSocket-Protocol: " + offered);
    }
    assertThat(RawHttp.get(HUB, path, headers.toArray(new String[0])).status()).isEqualTo(status);
  }

  @Test
  void aClientThatLeavesTakesItsChildWithIt() throws Exception {
    create(
        sample("it-relay-own")
            .add(
                "args",
                Json.createArrayBuilder().add("-XX:TieredStopAtLevel=1").add(SAMPLE).add(OWN)));
    long before = children();
    McpSocketPeer socket = new McpSocketPeer(HUB, "/mcp/it-relay-own/ws");
    socket.send(INITIALIZE);
    socket.next();
    assertThat(children()).isGreaterThan(before);
    socket.close();
    await().atMost(Duration.ofSeconds(10)).until(() -> children() <= before);
  }

  private static long children() {
    return ProcessHandle.allProcesses()
        .filter(
            one ->
                one.info().arguments().stream()
                    .flatMap(java.util.Arrays::stream)
                    .anyMatch(argument -> argument.equals(OWN)))
        .count();
  }

  @Test
  void aCrashAnswersWhatIsInFlightAndEndsTheSession() throws Exception {
    String session = initialize();
    String crash =
        "{\"jsonrpc\":\"2.0\",\"id\":9,\"method\":\"tools/call\",\"params\":{\"name\":\"crash\","
            + "\"arguments\":{}}}";
    JsonObject answer = message(post(session, crash));
    assertThat(answer.getInt("id")).isEqualTo(9);
    assertThat(answer.getJsonObject("error").getInt("code")).isEqualTo(-32603);
    assertThat(post(session, echo("10", "x")).statusCode()).isEqualTo(404);
  }

  /** Legal JSON, of which Java's reader of JSON makes an exception. */
  @Test
  void aCallWithANumberThatNoEventCanHoldIsRelayedAndLeavesItsPlaceToOthers() throws Exception {
    create(
        Json.createObjectBuilder()
            .add("mcp_server_id", "it-relay-one")
            .add("command", JAVA)
            .add("args", RawEchoServer.args())
            .add("maxConcurrentCalls", 1));
    try (McpPeer client = McpPeer.open("ws", HUB, "it-relay-one").initialize("{}")) {
      for (int i = 1; i <= 3; i++) {
        client.send(echo(Integer.toString(i), "x").replace("}}}", ",\"n\":1E99999999999999}}}"));
        assertThat(client.text()).contains("\"result\"", ",\"n\":1E99999999999999}}}");
      }
    }
    JsonObject requested =
        await()
            .until(
                () -> events.of("it-relay-one", "ToolInvocationRequested"), all -> all.size() == 3)
            .get(0);
    assertThat(requested.get("arguments").toString()).contains("_omitted");
  }

  @Test
  void anIdThatIsInUseIsRefusedAndItsAnswerStillReachesTheFirst() throws Exception {
    try (McpPeer client = McpPeer.open("http", HUB, NAME).initialize("{}")) {
      String slow =
          "{\"jsonrpc\":\"2.0\",\"id\":5,\"method\":\"tools/call\",\"params\":{\"name\":\"sleep\","
              + "\"arguments\":{\"milliseconds\":3000}}}";
      client.send(slow).send(slow);
      assertThat(client.text()).startsWith("status 400: ").contains("\"id\":5", "-32600");
      assertThat(client.text()).contains("\"id\":5", "\"result\"");
    }
  }

  @Test
  void theStreamOfGetIsOpenBeforeThereIsAnythingToSay() throws Exception {
    String session = initialize();
    HttpResponse<java.io.InputStream> stream =
        PLAIN
            .sendAsync(
                mcp("")
                    .header("Accept", "text/event-stream")
                    .header("Mcp-Session-Id", session)
                    .GET()
                    .build(),
                BodyHandlers.ofInputStream())
            .get(5, TimeUnit.SECONDS);
    assertThat(stream.statusCode()).isEqualTo(200);
    stream.body().close();
  }

  @ParameterizedTest
  @ValueSource(strings = {"ws", "sse", "messages"})
  void aServerMayHaveTheNameOfAPath(String name) throws Exception {
    create(sample(name));
    for (String transport : List.of("http", "sse", "ws")) {
      try (McpPeer client = McpPeer.open(transport, HUB, name).initialize("{}")) {
        assertThat(text(object(client.send(echo("1", transport)).text()))).isEqualTo(transport);
      }
    }
  }

  @Test
  void relayedCallsAreToldAsEvents() throws Exception {
    String session = initialize();
    message(post(session, echo("1", "told")));
    JsonObject completed =
        await()
            .until(() -> events.of(NAME, "ToolInvocationCompleted"), found -> found.size() == 1)
            .get(0);
    assertThat(completed.getString("tool_name")).isEqualTo("echo");
  }
}
