package dev.sluice.it;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import jakarta.json.Json;
import jakarta.json.JsonArrayBuilder;
import jakarta.json.JsonObject;
import jakarta.json.JsonObjectBuilder;
import java.io.IOException;
import java.io.InputStream;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpRequest.BodyPublishers;
import java.net.http.HttpResponse;
import java.net.http.HttpResponse.BodyHandlers;
import java.net.http.WebSocket;
import java.net.http.WebSocketHandshakeException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/**
 * The relay's limits on the wire, made small: who is at one is told so in the words of its
 * transport, nobody else notices, the figures show it, and what becomes free is given away.
 */
class RelayLimitsIT {

  private static final Duration SOON = Duration.ofSeconds(20);
  private static final HttpClient HTTP =
      HttpClient.newBuilder().version(HttpClient.Version.HTTP_1_1).build();
  private static final String SHARED =
      Path.of("src/test/java/dev/sluice/it/SharedTestServer.java").toAbsolutePath().toString();
  private static final String META =
      "\"_meta\":{\"io.modelcontextprotocol/protocolVersion\":\"2026-07-28\","
          + "\"io.modelcontextprotocol/clientCapabilities\":{}}";

  /** Everything small. */
  private static HubProcess hub;

  /** One caller may have less than all together. */
  private static HubProcess callers;

  /** Sessions live for a short time. */
  private static HubProcess brief;

  private final List<McpSocketPeer> sockets = new ArrayList<>();
  private final List<InputStream> streams = new ArrayList<>();

  /** Sessions over Streamable HTTP and their servers; one that fails must not fill the next. */
  private static final Map<String, String> OPENED = new ConcurrentHashMap<>();

  @BeforeAll
  static void start() throws Exception {
    Path directory = Path.of(System.getProperty("sluice.test.dir"), "relay-limits");
    hub =
        HubProcess.start(
            directory.resolve("small"),
            Map.of(
                "sluice.relay.sessions", "4",
                "sluice.relay.session.requests", "2",
                "sluice.relay.session.streams", "3",
                "sluice.relay.child.requests", "3",
                "sluice.relay.child.subscriptions", "1",
                "sluice.relay.stateless.requests", "3",
                "sluice.relay.stateless.subscriptions", "1"));
    callers =
        HubProcess.start(
            directory.resolve("callers"),
            Map.of("sluice.relay.sessions.caller", "2", "sluice.relay.session.streams", "2"));
    brief =
        HubProcess.start(
            directory.resolve("brief"),
            Map.of(
                "sluice.relay.session.idle.seconds", "3",
                "sluice.relay.session.age.seconds", "15"));
    register(brief, shared("shared").add("sharing", "shared"));
    register(hub, shared("shared").add("sharing", "shared"));
    register(hub, shared("isolated").add("sharing", "isolated"));
    register(hub, shared("single").add("sharing", "isolated").add("maxConcurrentCalls", 1));
    register(callers, shared("shared").add("sharing", "shared"));
    JsonArrayBuilder args = Json.createArrayBuilder();
    ModernTestServer.args().forEach(args::add);
    register(
        hub,
        Json.createObjectBuilder()
            .add("mcp_server_id", "stateless")
            .add("command", RestTest.JAVA)
            .add("args", args));
  }

  private static JsonObjectBuilder shared(String name) {
    return Json.createObjectBuilder()
        .add("mcp_server_id", name)
        .add("command", RestTest.JAVA)
        .add("args", Json.createArrayBuilder().add("-XX:TieredStopAtLevel=1").add(SHARED));
  }

  private static void register(HubProcess at, JsonObjectBuilder definition) throws Exception {
    HttpRequest request =
        HttpRequest.newBuilder(at.base().resolve("api/mcp_servers"))
            .header("Content-Type", "application/json")
            .POST(BodyPublishers.ofString(definition.build().toString()))
            .build();
    assertThat(HTTP.send(request, BodyHandlers.ofString()).statusCode()).isEqualTo(201);
  }

  @AfterAll
  static void stop() {
    for (HubProcess one : new HubProcess[] {hub, callers, brief}) {
      if (one != null) {
        one.close();
      }
    }
  }

  @AfterEach
  void everybodyLeaves() throws Exception {
    for (InputStream stream : streams) {
      stream.close();
    }
    sockets.forEach(McpSocketPeer::close);
    for (Map.Entry<String, String> open : OPENED.entrySet()) {
      HttpRequest delete =
          mcp(hub, open.getValue()).header("Mcp-Session-Id", open.getKey()).DELETE().build();
      assertThat(send(delete).statusCode()).isIn(200, 404);
    }
    OPENED.clear();
    for (HubProcess one : new HubProcess[] {hub, callers}) {
      await()
          .atMost(SOON)
          .until(
              () ->
                  metric(one, "sluice_relay_sessions") == 0
                      && metric(one, "sluice_relay_stateless_requests") == 0);
    }
  }

  private static double metric(HubProcess of, String name) throws Exception {
    return HTTP.send(
            HttpRequest.newBuilder(of.base().resolve("metrics")).build(), BodyHandlers.ofString())
        .body()
        .lines()
        .filter(line -> line.startsWith(name + " "))
        .mapToDouble(line -> Double.parseDouble(line.substring(name.length() + 1)))
        .findFirst()
        .orElseThrow();
  }

  private static void awaitMetric(String name, double value) {
    await().atMost(SOON).until(() -> metric(hub, name) == value);
  }

  private static String call(Object id, String tool) {
    return "{\"jsonrpc\":\"2.0\",\"id\":"
        + id
        + ",\"method\":\"tools/call\",\"params\":{\"name\":\""
        + tool
        + "\",\"arguments\":{\"text\":\"x\"}}}";
  }

  private static final String INITIALIZE =
      "{\"jsonrpc\":\"2.0\",\"id\":0,\"method\":\"initialize\",\"params\":{\"protocolVersion\":"
          + "\"2025-11-25\",\"capabilities\":{},\"clientInfo\":{\"name\":\"it\",\"version\":\"1\"}}}";
  private static final String INITIALIZED =
      "{\"jsonrpc\":\"2.0\",\"method\":\"notifications/initialized\"}";

  private static HttpRequest.Builder mcp(HubProcess at, String path) {
    return HttpRequest.newBuilder(at.base().resolve("mcp/" + path))
        .timeout(Duration.ofSeconds(30))
        .header("Content-Type", "application/json")
        .header("Accept", "application/json, text/event-stream");
  }

  private static HttpRequest post(String server, String session, String body) {
    HttpRequest.Builder request = mcp(hub, server).POST(BodyPublishers.ofString(body));
    return session.isEmpty() ? request.build() : request.header("Mcp-Session-Id", session).build();
  }

  private static HttpResponse<String> send(HttpRequest request) throws Exception {
    return HTTP.send(request, BodyHandlers.ofString());
  }

  /** A Streamable HTTP session. */
  private static String initialize(String server) throws Exception {
    HttpResponse<String> answer = send(post(server, "", INITIALIZE));
    assertThat(answer.statusCode()).as(answer.body()).isEqualTo(200);
    String session = answer.headers().firstValue("Mcp-Session-Id").orElseThrow();
    OPENED.put(session, server);
    assertThat(send(post(server, session, INITIALIZED)).statusCode()).isEqualTo(202);
    return session;
  }

  private static void delete(String server, String session) throws Exception {
    assertThat(
            send(mcp(hub, server).header("Mcp-Session-Id", session).DELETE().build()).statusCode())
        .isEqualTo(200);
  }

  private McpSocketPeer socket(HubProcess at, String server) throws Exception {
    McpSocketPeer socket = new McpSocketPeer(at.base(), "/mcp/" + server + "/ws", "mcp");
    sockets.add(socket);
    return socket;
  }

  private McpSocketPeer client(String server) throws Exception {
    McpSocketPeer socket = socket(hub, server).send(INITIALIZE);
    assertThat(socket.next().containsKey("result")).isTrue();
    socket.send(INITIALIZED);
    assertThat(socket.next().getString("method")).isEqualTo("ping");
    return socket;
  }

  private static void works(McpSocketPeer client) throws Exception {
    JsonObject answer = client.send(call("\"fine\"", "echo")).next();
    assertThat(answer.getString("id")).isEqualTo("fine");
    assertThat(answer.containsKey("result")).isTrue();
  }

  private static void refused(HttpResponse<String> answer, int status) {
    assertThat(answer.statusCode()).as(answer.body()).isEqualTo(status);
    assertThat(answer.headers().firstValue("Retry-After").orElse("")).matches("[1-9]\\d*");
    assertThat(answer.body()).contains("\"error\"");
  }

  @Test
  void aSessionTooManyIs503OverEveryTransport() throws Exception {
    McpSocketPeer first = client("shared");
    McpSocketPeer second = client("shared");
    String third = initialize("shared");
    HttpResponse<Stream<String>> fourth =
        HTTP.send(mcp(hub, "shared/sse").GET().build(), BodyHandlers.ofLines());
    String messages =
        fourth.body().filter(line -> line.startsWith("data: ")).findFirst().orElseThrow();
    awaitMetric("sluice_relay_sessions", 4);
    assertThat(metric(hub, "sluice_relay_websocket_sessions")).isEqualTo(2);
    assertThat(metric(hub, "sluice_relay_streamable_http_sessions")).isEqualTo(1);
    assertThat(metric(hub, "sluice_relay_sse_sessions")).isEqualTo(1);
    assertThat(metric(hub, "sluice_relay_max_sessions")).isEqualTo(4);
    double before = metric(hub, "sluice_relay_refused_sessions_total");

    refused(send(post("shared", "", INITIALIZE)), 503);
    refused(send(mcp(hub, "shared/sse").GET().build()), 503);
    assertNotUpgraded(hub);
    assertThat(metric(hub, "sluice_relay_refused_sessions_total")).isEqualTo(before + 3);
    works(first);
    works(second);

    delete("shared", third);
    delete("shared", initialize("shared"));
    fourth.body().close();
    HttpRequest last = // that a client has left is seen by writing to it
        mcp(hub, messages.substring("data: /mcp/".length()))
            .POST(BodyPublishers.ofString(call(1, "echo")))
            .build();
    await().atMost(SOON).until(() -> send(last).statusCode() == 404);
  }

  private void assertNotUpgraded(HubProcess at) throws Exception {
    try {
      socket(at, "shared");
    } catch (ExecutionException refused) {
      assertThat(refused.getCause()).isInstanceOf(WebSocketHandshakeException.class);
      HttpResponse<?> answer = ((WebSocketHandshakeException) refused.getCause()).getResponse();
      assertThat(answer.statusCode()).isEqualTo(503);
      assertThat(answer.headers().firstValue("Retry-After")).isPresent();
      return;
    }
    throw new AssertionError("a socket was opened");
  }

  @Test
  void oneCallerHasItsOwnLimit() throws Exception {
    begun(callers);
    McpSocketPeer second = begun(callers);
    await().atMost(SOON).until(() -> metric(callers, "sluice_relay_sessions") == 2);
    assertNotUpgraded(callers);
    refused(send(mcp(callers, "shared").POST(BodyPublishers.ofString(INITIALIZE)).build()), 503);
    second.close();
    await().atMost(SOON).until(() -> metric(callers, "sluice_relay_sessions") == 1);
    begun(callers);
  }

  /** On Payara a socket whose client leaves right after the upgrade is not told to be over. */
  private McpSocketPeer begun(HubProcess at) throws Exception {
    McpSocketPeer socket = socket(at, "shared").send(INITIALIZE);
    assertThat(socket.next().containsKey("result")).isTrue();
    return socket;
  }

  @ParameterizedTest
  @ValueSource(strings = {"shared", "isolated"})
  void aRequestTooManyOfASessionIs429(String server) throws Exception {
    String session = initialize(server);
    McpSocketPeer other = client("shared");
    double before = metric(hub, "sluice_relay_refused_requests_total");
    List<CompletableFuture<?>> hang = new ArrayList<>();
    for (int i = 1; i <= 2; i++) {
      hang.add(HTTP.sendAsync(post(server, session, call(i, "hang")), BodyHandlers.ofString()));
    }
    awaitMetric("sluice_relay_in_flight", 2);
    refused(send(post(server, session, call(3, "echo"))), 429);
    assertThat(metric(hub, "sluice_relay_refused_requests_total")).isEqualTo(before + 1);
    works(other);
    delete(server, session);
    hang.forEach(CompletableFuture::join);
    awaitMetric("sluice_relay_in_flight", 0);
  }

  @Test
  void aRequestTooManyOnASocketIsAnErrorOfItsOwn() throws Exception {
    McpSocketPeer client = client("shared");
    McpSocketPeer other = client("shared");
    client.send(call(1, "hang")).send(call(2, "hang")).send(call(3, "echo"));
    JsonObject answer = client.next();
    assertThat(answer.getInt("id")).isEqualTo(3);
    assertThat(answer.getJsonObject("error").getInt("code")).isEqualTo(-32000);
    works(other);
  }

  @Test
  void aCallTooManyOfAServerIs429() throws Exception {
    String one = initialize("single");
    String other = initialize("single");
    CompletableFuture<HttpResponse<String>> hang =
        HTTP.sendAsync(post("single", one, call(1, "hang")), BodyHandlers.ofString());
    awaitMetric("sluice_tool_calls_in_flight", 1);
    refused(send(post("single", other, call(1, "echo"))), 429);
    assertThat(send(post("single", other, call(1, "x").replace("tools/call", "ping"))).statusCode())
        .as("what is no tool call")
        .isEqualTo(200);
    delete("single", one);
    hang.join();
    assertThat(send(post("single", other, call(2, "echo"))).statusCode()).isEqualTo(200);
    delete("single", other);
  }

  @Test
  void aStreamTooManyIs429UnlessOneIsOfACancelledRequest() throws Exception {
    HttpRequest initialize =
        mcp(callers, "shared").POST(BodyPublishers.ofString(INITIALIZE)).build();
    String session = send(initialize).headers().firstValue("Mcp-Session-Id").orElseThrow();
    McpSocketPeer other = socket(callers, "shared").send(INITIALIZE);
    assertThat(other.next().containsKey("result")).isTrue();
    HttpRequest.Builder post = mcp(callers, "shared").header("Mcp-Session-Id", session);
    InputStream hanging =
        HTTP.send(
                post.copy()
                    .setHeader("Accept", "text/event-stream, application/json")
                    .POST(BodyPublishers.ofString(call(1, "hang")))
                    .build(),
                BodyHandlers.ofInputStream())
            .body();
    await().atMost(SOON).until(() -> metric(callers, "sluice_relay_streams") == 2);
    HttpRequest second = post.copy().POST(BodyPublishers.ofString(call(2, "echo"))).build();
    refused(send(second), 429);
    works(other);
    assertThat(send(post.copy().POST(BodyPublishers.ofString(cancelled(1))).build()).statusCode())
        .isEqualTo(202);
    assertThat(send(second).statusCode()).isEqualTo(200);
    assertThat(new String(hanging.readAllBytes(), StandardCharsets.UTF_8)).contains("cancelled");
    assertThat(send(post.copy().DELETE().build()).statusCode()).isEqualTo(200);
    await().atMost(SOON).until(() -> metric(callers, "sluice_relay_streams") == 0);
  }

  private static String cancelled(int id) {
    return "{\"jsonrpc\":\"2.0\",\"method\":\"notifications/cancelled\",\"params\":{\"requestId\":"
        + id
        + "}}";
  }

  @Test
  void aRequestTooManyOfASharedChildIs503() throws Exception {
    McpSocketPeer one = client("shared");
    McpSocketPeer two = client("shared");
    McpSocketPeer other = client("isolated");
    String session = initialize("shared");
    one.send(call(1, "hang")).send(call(2, "hang"));
    two.send(call(1, "hang"));
    awaitMetric("sluice_relay_shared_requests", 3);
    assertThat(metric(hub, "sluice_relay_shared_children")).isEqualTo(1);
    refused(send(post("shared", session, call(1, "echo"))), 503);
    two.send(call(2, "echo"));
    JsonObject answer = two.next();
    assertThat(answer.getInt("id")).isEqualTo(2);
    assertThat(answer.getJsonObject("error").getInt("code")).isEqualTo(-32000);
    works(other);
    one.send(cancelled(1));
    awaitMetric("sluice_relay_shared_requests", 2);
    works(two);
    delete("shared", session);
  }

  @Test
  void aSubscriptionTooManyOfASharedChildIs503() throws Exception {
    McpSocketPeer client = client("shared");
    assertThat(client.send(subscribe(1, "a")).next().containsKey("result")).isTrue();
    awaitMetric("sluice_relay_shared_subscriptions", 1);
    String session = initialize("shared");
    refused(send(post("shared", session, subscribe(2, "b"))), 503);
    works(client);
    delete("shared", session);
  }

  private static String subscribe(int id, String uri) {
    return "{\"jsonrpc\":\"2.0\",\"id\":"
        + id
        + ",\"method\":\"resources/subscribe\",\"params\":{\"uri\":\"test://"
        + uri
        + "\"}}";
  }

  @ParameterizedTest
  @ValueSource(strings = {"websocket", "sse"})
  void aClientThatDoesNotReadLosesItsSessionAndNobodyElseNotices(String transport)
      throws Exception {
    McpSocketPeer other = socket(callers, "shared").send(INITIALIZE);
    assertThat(other.next().containsKey("result")).isTrue();
    double before = metric(callers, "sluice_relay_slow_clients_total");
    Sender deaf = transport.equals("sse") ? deafSse() : deafSocket();
    deaf.send(INITIALIZE);
    deaf.send(INITIALIZED);
    String large = call(1, "echo").replace("\"x\"", "\"" + "y".repeat(1 << 20) + "\"");
    for (int i = 1; i <= 60 && metric(callers, "sluice_relay_slow_clients_total") == before; i++) {
      deaf.send(large.replace("\"id\":1,", "\"id\":" + i + ","));
      works(other);
    }
    await()
        .atMost(SOON)
        .until(() -> metric(callers, "sluice_relay_slow_clients_total") == before + 1);
    await().atMost(SOON).until(() -> metric(callers, "sluice_relay_sessions") == 1);
    assertThat(metric(callers, "sluice_relay_held_bytes")).isZero();
    works(other);
  }

  private interface Sender {
    void send(String message) throws Exception;
  }

  private Sender deafSocket() throws Exception {
    WebSocket socket =
        HTTP.newWebSocketBuilder()
            .subprotocols("mcp")
            .buildAsync(
                URI.create("ws://localhost:" + callers.base().getPort() + "/mcp/shared/ws"),
                new WebSocket.Listener() {
                  @Override
                  public void onOpen(WebSocket opened) {
                    // asks for nothing
                  }
                })
            .get(20, TimeUnit.SECONDS);
    return message -> {
      try {
        socket.sendText(message, true).get(20, TimeUnit.SECONDS);
      } catch (ExecutionException closed) {
        assertThat(closed).hasCauseInstanceOf(IOException.class); // the session has ended
      }
    };
  }

  private Sender deafSse() throws Exception {
    InputStream stream =
        HTTP.send(mcp(callers, "shared/sse").GET().build(), BodyHandlers.ofInputStream()).body();
    streams.add(stream);
    StringBuilder head = new StringBuilder();
    while (!head.toString().matches("(?s).*data: \\S+\n.*")) {
      head.append((char) stream.read());
    }
    URI messages =
        callers.base().resolve(head.substring(head.indexOf("data: ") + "data: ".length()).strip());
    return message ->
        assertThat(
                send(HttpRequest.newBuilder(messages)
                        .header("Content-Type", "application/json")
                        .POST(BodyPublishers.ofString(message))
                        .build())
                    .statusCode())
            .isIn(202, 404);
  }

  @Test
  void aMessageThatIsTooLongEndsItsSocket() throws Exception {
    McpSocketPeer other = client("shared");
    McpSocketPeer client = client("shared");
    client.send("x".repeat((4 << 20) + 1));
    assertThat(client.closed.poll(20, TimeUnit.SECONDS)).isEqualTo(1009);
    works(other);
  }

  @Test
  void anUnusedSessionEndsAndAUsedOneDoesNot() throws Exception {
    McpSocketPeer used = new McpSocketPeer(brief.base(), "/mcp/shared/ws", "mcp");
    McpSocketPeer unused = new McpSocketPeer(brief.base(), "/mcp/shared/ws", "mcp");
    sockets.add(used);
    sockets.add(unused);
    for (McpSocketPeer each : List.of(used, unused)) {
      assertThat(each.send(INITIALIZE).next().containsKey("result")).isTrue();
    }
    await()
        .atMost(SOON)
        .pollInterval(Duration.ofMillis(200))
        .until(
            () -> {
              works(used);
              return unused.closed.contains(1001);
            });
    works(used);
    await()
        .atMost(SOON)
        .pollInterval(Duration.ofMillis(200))
        .ignoreExceptions() // of a message to a socket that has just been closed
        .until(
            () -> {
              if (used.closed.contains(1001)) {
                return true;
              }
              used.send(call(9, "echo"));
              return false;
            });
  }

  private static HttpRequest stateless(String id, String method, String tool) {
    HttpRequest.Builder request =
        mcp(hub, "stateless")
            .header("MCP-Protocol-Version", "2026-07-28")
            .header("Mcp-Method", method);
    if (!tool.isEmpty()) {
      request.header("Mcp-Name", tool);
    }
    return request
        .POST(
            BodyPublishers.ofString(
                "{\"jsonrpc\":\"2.0\",\"id\":"
                    + id
                    + ",\"method\":\""
                    + method
                    + "\",\"params\":{"
                    + (tool.isEmpty()
                        ? "\"notifications\":{\"toolsListChanged\":true},"
                        : "\"name\":\"" + tool + "\",\"arguments\":{},")
                    + META
                    + "}}"))
        .build();
  }

  private void hold(HttpRequest request) throws IOException, InterruptedException {
    HttpResponse<InputStream> answer = HTTP.send(request, BodyHandlers.ofInputStream());
    streams.add(answer.body());
    assertThat(answer.statusCode()).isEqualTo(200);
  }

  @Test
  void aStatelessRequestTooManyIs503() throws Exception {
    McpSocketPeer other = client("shared");
    assertThat(send(stateless("0", "tools/call", "echo")).statusCode()).isEqualTo(200);
    for (int i = 1; i <= 3; i++) {
      hold(stateless("1", "tools/call", "wait"));
    }
    assertThat(metric(hub, "sluice_relay_stateless_requests")).isEqualTo(3);
    assertThat(metric(hub, "sluice_relay_max_stateless_requests")).isEqualTo(3);
    refused(send(stateless("2", "tools/call", "echo")), 503);
    works(other);
  }

  @Test
  void aStatelessSubscriptionTooManyIs503() throws Exception {
    assertThat(send(stateless("0", "tools/call", "echo")).statusCode()).isEqualTo(200);
    hold(stateless("1", "subscriptions/listen", ""));
    assertThat(metric(hub, "sluice_relay_stateless_subscriptions")).isEqualTo(1);
    refused(send(stateless("2", "subscriptions/listen", "")), 503);
    assertThat(send(stateless("3", "tools/call", "echo")).statusCode()).isEqualTo(200);
  }

  @Test
  void everyFigureOfTheRelayIsThere() throws Exception {
    URI metrics = hub.base().resolve("metrics");
    String all = send(HttpRequest.newBuilder(metrics).build()).body();
    assertThat(all.lines().filter(line -> line.startsWith("sluice_relay_")).count()).isEqualTo(22);
    assertThat(metric(hub, "sluice_relay_held_bytes")).isZero();
    assertThat(metric(hub, "sluice_relay_asked")).isZero();
  }
}
