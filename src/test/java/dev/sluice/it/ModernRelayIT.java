package dev.sluice.it;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import jakarta.json.Json;
import jakarta.json.JsonObject;
import jakarta.json.JsonObjectBuilder;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.io.StringReader;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpRequest.BodyPublishers;
import java.net.http.HttpResponse;
import java.net.http.HttpResponse.BodyHandlers;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Base64;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** {@code /mcp/{server}} in the stateless era, 2026-07-28. */
class ModernRelayIT extends RestTest {

  private static final HttpClient PLAIN =
      HttpClient.newBuilder().version(HttpClient.Version.HTTP_1_1).build();
  private static final String NAME = "it-modern";
  private static final String META =
      "\"_meta\":{\"io.modelcontextprotocol/protocolVersion\":\"2026-07-28\","
          + "\"io.modelcontextprotocol/clientCapabilities\":{}}";
  private static final String INITIALIZE =
      "{\"jsonrpc\":\"2.0\",\"id\":0,\"method\":\"initialize\",\"params\":{\"protocolVersion\":"
          + "\"2025-11-25\",\"capabilities\":{},\"clientInfo\":{\"name\":\"it\",\"version\":\"1\"}}}";

  private ModernHttpServer upstream;

  @BeforeEach
  void serve() throws Exception {
    upstream = new ModernHttpServer();
  }

  @AfterEach
  void close() {
    upstream.close();
  }

  private static JsonObjectBuilder stdio(String... flags) {
    var args = Json.createArrayBuilder();
    ModernTestServer.args(flags).forEach(args::add);
    return Json.createObjectBuilder()
        .add("mcp_server_id", NAME)
        .add("command", JAVA)
        .add("args", args);
  }

  private JsonObjectBuilder http() {
    return Json.createObjectBuilder().add("mcp_server_id", NAME).add("url", upstream.url());
  }

  /** A server of that transport, not started yet and of an era that is not known yet. */
  private void register(String transport) throws Exception {
    create(transport.equals("http") ? http() : stdio());
  }

  private static JsonObject object(String text) {
    try (var reader = Json.createReader(new StringReader(text))) {
      return reader.readObject();
    }
  }

  private static String mcp(String id, String method, String params) {
    return "{\"jsonrpc\":\"2.0\",\"id\":"
        + id
        + ",\"method\":\""
        + method
        + "\",\"params\":{"
        + (params.isEmpty() ? "" : params + ",")
        + META
        + "}}";
  }

  private static String call(String id, String tool) {
    return mcp(id, "tools/call", "\"name\":\"" + tool + "\",\"arguments\":{}");
  }

  private static HttpRequest http(String body, String... headers) {
    HttpRequest.Builder request =
        HttpRequest.newBuilder(HUB.resolve("mcp/" + NAME))
            .timeout(Duration.ofSeconds(60))
            .header("Content-Type", "application/json")
            .header("Accept", "application/json, text/event-stream")
            .header("MCP-Protocol-Version", "2026-07-28");
    for (int i = 0; i < headers.length; i += 2) {
      if (headers[i + 1].isEmpty()) {
        continue;
      }
      request.setHeader(headers[i], headers[i + 1]);
    }
    return request.POST(BodyPublishers.ofString(body)).build();
  }

  /** Sends the request with the headers that its body asks for, and perhaps others. */
  private static HttpResponse<String> post(String body, String... others) throws Exception {
    return PLAIN.send(http(body, headers(body, others)), BodyHandlers.ofString());
  }

  private static String[] headers(String body, String... others) {
    JsonObject message = object(body);
    List<String> all = new ArrayList<>(List.of("Mcp-Method", message.getString("method")));
    JsonObject params = message.getJsonObject("params");
    if (message.getString("method").equals("tools/call")) {
      all.addAll(List.of("Mcp-Name", params.getString("name")));
    }
    all.addAll(List.of(others));
    return all.toArray(String[]::new);
  }

  private static JsonObject result(HttpResponse<String> answer) {
    assertThat(answer.statusCode()).as(answer.body()).isEqualTo(200);
    List<JsonObject> messages = messages(answer);
    return messages.get(messages.size() - 1).getJsonObject("result");
  }

  private static List<JsonObject> messages(HttpResponse<String> answer) {
    if (answer.headers().firstValue("Content-Type").orElse("").startsWith("application/json")) {
      return List.of(object(answer.body()));
    }
    return answer
        .body()
        .lines()
        .filter(line -> line.startsWith("data: "))
        .map(line -> object(line.substring(6)))
        .toList();
  }

  private static String text(HttpResponse<String> answer) {
    return result(answer).getJsonArray("content").getJsonObject(0).getString("text");
  }

  private static JsonObject error(HttpResponse<String> answer, int status, int code) {
    assertThat(answer.statusCode()).as(answer.body()).isEqualTo(status);
    JsonObject error = object(answer.body()).getJsonObject("error");
    assertThat(error.getInt("code")).as(answer.body()).isEqualTo(code);
    return error;
  }

  /** An event stream that is read line by line. */
  private static final class Stream implements AutoCloseable {
    final HttpResponse<java.io.InputStream> response;
    private final BufferedReader lines;

    Stream(String body) throws Exception {
      response = PLAIN.send(http(body, headers(body)), BodyHandlers.ofInputStream());
      lines = new BufferedReader(new InputStreamReader(response.body(), StandardCharsets.UTF_8));
    }

    /** The next message, as it stands; null at the end. */
    String next() throws IOException {
      String line = lines.readLine();
      while (line != null && !line.startsWith("data: ")) {
        line = lines.readLine();
      }
      return line == null ? null : line.substring(6);
    }

    @Override
    public void close() throws IOException {
      response.body().close();
    }
  }

  // Eras.

  @ParameterizedTest
  @ValueSource(strings = {"http", "stdio"})
  void theEraOfAServerIsFoundByAProbeAndShown(String transport) throws Exception {
    register(transport);
    assertThat(json(send("GET", "mcp_servers/" + NAME, "")).containsKey("eras")).isFalse();
    JsonObject discovered = result(post(mcp("\"d\"", "server/discover", "")));
    assertThat(discovered.getJsonArray("supportedVersions").toString()).contains("2026-07-28");
    assertThat(discovered.getInt("ttlMs")).isNotNegative();

    JsonObject eras = json(send("GET", "mcp_servers/" + NAME, "")).getJsonObject("eras");
    assertThat(eras.getJsonArray("spoken").toString()).isEqualTo("[\"modern\"]");
    assertThat(eras.getString("source")).isEqualTo("probed");
    String at = eras.getString("decided_at");
    result(post(call("1", "echo")));
    assertThat(
            json(send("GET", "mcp_servers/" + NAME, ""))
                .getJsonObject("eras")
                .getString("decided_at"))
        .isEqualTo(at);
  }

  @Test
  void aServerOfBothErasIsSaidToBeAndServesBoth() throws Exception {
    create(stdio("dual"));
    result(post(call("1", "echo")));
    assertThat(
            json(send("GET", "mcp_servers/" + NAME, ""))
                .getJsonObject("eras")
                .getJsonArray("spoken")
                .toString())
        .isEqualTo("[\"legacy\",\"modern\"]");
    HttpResponse<String> legacy =
        PLAIN.send(http(INITIALIZE, "MCP-Protocol-Version", "2025-11-25"), BodyHandlers.ofString());
    assertThat(legacy.headers().firstValue("Mcp-Session-Id")).isPresent();
    assertThat(result(legacy).getString("protocolVersion")).isEqualTo("2025-11-25");
  }

  @Test
  void aModernRequestToAServerOfSessionsIsRefusedSoThatClientsInitialize() throws Exception {
    create(sample(NAME));
    HttpResponse<String> answer = post(mcp("\"a\"", "server/discover", ""));
    error(answer, 400, -32000);
    assertThat(object(answer.body()).getString("id")).isEqualTo("a");
    long begin = System.nanoTime();
    error(post(call("7", "echo"), "Mcp-Name", "wrong"), 400, -32000);
    assertThat(Duration.ofNanos(System.nanoTime() - begin)).isLessThan(Duration.ofSeconds(2));
    JsonObject eras = json(send("GET", "mcp_servers/" + NAME, "")).getJsonObject("eras");
    assertThat(eras.getJsonArray("spoken").toString()).isEqualTo("[\"legacy\"]");
  }

  @Test
  void theEraMayBeConfiguredAndAChangeOfItCounts() throws Exception {
    create(http().add("era", "legacy"));
    error(post(call("1", "echo")), 400, -32000);
    assertThat(upstream.requests).isEmpty();
    HttpResponse<String> changed =
        send("PUT", "mcp_servers/" + NAME, http().add("era", "modern").build().toString());
    assertThat(changed.statusCode()).as(changed.body()).isEqualTo(200);
    result(post(call("1", "echo")));
    assertThat(upstream.requests).hasSize(1); // not asked first
    JsonObject shown = json(send("GET", "mcp_servers/" + NAME, ""));
    assertThat(shown.getJsonObject("eras").getString("source")).isEqualTo("configured");
    assertThat(shown.getJsonObject("definition").getString("era")).isEqualTo("modern");
    JsonObjectBuilder wrong = http().add("mcp_server_id", "it-modern-2").add("era", "new");
    refused(send("POST", "mcp_servers", wrong.build().toString()), 422, "validation_failed");
  }

  @Test
  void aServerThatIsDownIsNoEvidenceOfItsEra() throws Exception {
    register("http");
    String url = upstream.url();
    upstream.close();
    error(post(call("1", "echo")), 502, -32603);
    assertThat(json(send("GET", "mcp_servers/" + NAME, "")).containsKey("eras")).isFalse();
    assertThat(url).startsWith("http://127.0.0.1");
  }

  @Test
  void aServerOfTheModernEraOnlyTakesPostsAndNamesItsVersions() throws Exception {
    create(http().add("era", "modern"));
    for (String method : List.of("GET", "DELETE")) {
      HttpResponse<String> answer =
          PLAIN.send(
              HttpRequest.newBuilder(HUB.resolve("mcp/" + NAME))
                  .header("Accept", "text/event-stream")
                  .header("Mcp-Session-Id", "any")
                  .method(method, BodyPublishers.noBody())
                  .build(),
              BodyHandlers.ofString());
      assertThat(answer.statusCode()).isEqualTo(405);
      assertThat(answer.headers().firstValue("Allow")).contains("POST");
    }
    HttpResponse<String> initialize =
        PLAIN.send(http(INITIALIZE, "MCP-Protocol-Version", "2025-11-25"), BodyHandlers.ofString());
    JsonObject data = error(initialize, 400, -32022).getJsonObject("data");
    assertThat(data.getJsonArray("supported").toString()).isEqualTo("[\"2026-07-28\"]");
    assertThat(data.getString("requested")).isEqualTo("2025-11-25");
  }

  // The ladder, as a client sees it; all of it is in ModernLadderTest.

  @ParameterizedTest
  @ValueSource(strings = {"http", "stdio"})
  void whatTheHeadersSayMustBeWhatTheBodySays(String transport) throws Exception {
    register(transport);
    String echo = call("\"e\"", "echo");
    HttpResponse<String> noName =
        PLAIN.send(http(echo, "Mcp-Method", "tools/call"), BodyHandlers.ofString());
    error(noName, 400, -32020);
    assertThat(object(noName.body()).getString("id")).isEqualTo("e");
    error(post(echo, "Mcp-Name", "other"), 400, -32020);
    error(post(echo, "Mcp-Method", "tools/list"), 400, -32020);
    error(post(echo, "MCP-Protocol-Version", "2025-11-25"), 400, -32020);
    String encoded =
        "=?base64?"
            + Base64.getEncoder().encodeToString("echo".getBytes(StandardCharsets.UTF_8))
            + "?=";
    result(post(echo, "Mcp-Name", encoded));
    String name = Base64.getEncoder().encodeToString("tööl".getBytes(StandardCharsets.UTF_8));
    assertThat(text(post(call("3", "tööl"), "Mcp-Name", "=?base64?" + name + "?=")))
        .isEqualTo("decoded");
  }

  @ParameterizedTest
  @ValueSource(strings = {"http", "stdio"})
  void requestsThatAreNotOfTheRevisionAreRefusedWithTheCodesOfIt(String transport)
      throws Exception {
    register(transport);
    String version = "\"_meta\":{\"io.modelcontextprotocol/protocolVersion\":\"2026-07-28\"}";
    String bare = mcp("5", "tools/list", "").replace(META, version);
    error(post(bare), 400, -32602);
    error(post(mcp("5", "tools/list", "").replace(META, "\"a\":1")), 400, -32602);
    String old = mcp("5", "tools/list", "").replace("2026-07-28", "1900-01-01");
    JsonObject data =
        error(post(old, "MCP-Protocol-Version", "1900-01-01"), 400, -32022).getJsonObject("data");
    assertThat(data.getJsonArray("supported").toString()).isEqualTo("[\"2026-07-28\"]");
    assertThat(data.getString("requested")).isEqualTo("1900-01-01");
    error(post(mcp("6", "ping", "")), 404, -32601);
    error(post(call("7", "nothing")), 200, -32602);
    HttpResponse<String> plain = post(call("8", "echo"), "Content-Type", "text/plain");
    assertThat(plain.statusCode()).isEqualTo(415);
    assertThat(post("{\"jsonrpc\":\"2.0\",\"method\":\"notifications/x\"}").statusCode())
        .isEqualTo(202);
  }

  @ParameterizedTest
  @ValueSource(strings = {"http", "stdio"})
  void anInitializeThatSaysItIsStatelessOpensNoSession(String transport) throws Exception {
    register(transport);
    result(post(call("1", "echo")));
    HttpResponse<String> answer = post(mcp("2", "initialize", ""));
    error(answer, 404, -32601);
    assertThat(answer.headers().firstValue("Mcp-Session-Id")).isEmpty();
  }

  // What is carried.

  @ParameterizedTest
  @ValueSource(strings = {"http", "stdio"})
  void aRequestAndItsAnswerAreCarriedByteForByte(String transport) throws Exception {
    register(transport);
    result(post(call("0", "echo"))); // a child that starts takes longer than a body waits for
    String params =
        "\"name\":\"echo\",\"arguments\":{\"n\":0.1000,\"b\":12345678901234567890,"
            + "\"e\":\"👩‍👩‍👧\",\"k\":1E400,\"x\":null, \"u\" : \"\\u00e9\\/\"},"
            + META;
    String body =
        "{\"jsonrpc\":\"2.0\",\"id\":\"1\",\"method\":\"tools/call\",\"params\":{" + params + "}}";
    HttpResponse<String> answer = post(body);
    assertThat(answer.headers().firstValue("Mcp-Session-Id")).isEmpty();
    assertThat(answer.body())
        .isEqualTo(
            "{\"jsonrpc\":\"2.0\",\"id\":\"1\",\"result\":{\"resultType\":\"complete\","
                + "\"content\":[],\"echo\":{"
                + params
                + "}}}");
    if (transport.equals("http")) {
      assertThat(upstream.requests).contains("POST " + body);
    }
  }

  @ParameterizedTest
  @ValueSource(strings = {"1", "\"1\"", "1.0", "-5", "\"\\u0061\"", "123456789012345678901"})
  void anIdAndAProgressTokenComeBackAsTheyWere(String id) throws Exception {
    register("stdio");
    String body =
        mcp(id, "tools/call", "\"name\":\"progress\"")
            .replace("\"_meta\":{", "\"_meta\":{\"progressToken\":" + id + ",");
    HttpResponse<String> answer = post(body);
    List<String> events =
        answer
            .body()
            .lines()
            .filter(line -> line.startsWith("data: "))
            .map(line -> line.substring(6))
            .toList();
    assertThat(events).hasSize(4);
    for (int i = 1; i <= 3; i++) {
      assertThat(events.get(i - 1))
          .isEqualTo(
              "{\"jsonrpc\":\"2.0\",\"method\":\"notifications/progress\",\"params\":"
                  + "{\"progressToken\":"
                  + id
                  + ",\"progress\":"
                  + i
                  + ".0}}");
    }
    assertThat(events.get(3)).startsWith("{\"jsonrpc\":\"2.0\",\"id\":" + id + ",\"result\"");
    assertThat(answer.body()).doesNotContain("\nid:").doesNotContain("retry:");
  }

  @Test
  void theHeadersForAnHttpServerAreMadeFromTheBodyAndParametersPassUntouched() throws Exception {
    register("http");
    result(post(call("1", "echo"), "Mcp-Param-Region", "=?base64?ZXU=?=", "Mcp-Param-N", "7"));
    assertThat(upstream.headers)
        .contains(
            "mcp-protocol-version: 2026-07-28",
            "mcp-method: tools/call",
            "mcp-name: echo",
            "mcp-param-region: =?base64?ZXU=?=",
            "mcp-param-n: 7")
        .noneMatch(header -> header.startsWith("mcp-session-id"));
  }

  @ParameterizedTest
  @ValueSource(strings = {"http", "stdio"})
  void theStateOfARequestThatAsksForInputIsCarriedExactly(String transport) throws Exception {
    register(transport);
    JsonObject first = result(post(call("1", "state")));
    assertThat(first.getString("resultType")).isEqualTo("input_required");
    String retry =
        mcp("2", "tools/call", "\"name\":\"state\",\"requestState\":\"s\\u00e9cret+/==\"");
    assertThat(text(post(retry))).isEqualTo("same state");
    error(post(retry.replace("cret", "kret")), 200, -32602);
  }

  @Test
  void twoClientsWithTheSameIdsGetTheirOwnAnswersFromOneChild() throws Exception {
    register("stdio");
    String child = text(post(call("1", "pid")));
    List<CompletableFuture<HttpResponse<String>>> answers = new ArrayList<>();
    for (int i = 0; i < 200; i++) {
      String body =
          mcp(
              String.valueOf(i % 10),
              "tools/call",
              "\"name\":\"echo\",\"arguments\":{\"mine\":" + i + "}");
      answers.add(PLAIN.sendAsync(http(body, headers(body)), BodyHandlers.ofString()));
      if (i % 20 == 19) { // maxConcurrentCalls
        CompletableFuture.allOf(answers.toArray(CompletableFuture[]::new))
            .get(60, TimeUnit.SECONDS);
      }
    }
    for (int i = 0; i < 200; i++) {
      HttpResponse<String> answer = answers.get(i).get();
      assertThat(object(answer.body()).getInt("id")).isEqualTo(i % 10);
      assertThat(result(answer).getJsonObject("echo").getJsonObject("arguments").getInt("mine"))
          .isEqualTo(i);
    }
    assertThat(text(post(call("1", "pid")))).isEqualTo(child);
  }

  @Test
  void aLogMessageGoesToTheOneRequestThatAskedForThem() throws Exception {
    register("stdio");
    String asks =
        call("1", "log")
            .replace("\"_meta\":{", "\"_meta\":{\"io.modelcontextprotocol/logLevel\":\"info\",");
    assertThat(messages(post(asks)).get(0).getString("method")).isEqualTo("notifications/message");
    assertThat(messages(post(call("2", "log")))).hasSize(1);
  }

  @ParameterizedTest
  @ValueSource(strings = {"http", "stdio"})
  void toolCallsAreCountedAndToldAsEvents(String transport) throws Exception {
    register(transport);
    result(post(call("1", "echo")));
    error(post(call("2", "nothing")), 200, -32602);
    await()
        .atMost(Duration.ofSeconds(10))
        .until(
            () ->
                events.of(NAME, "ToolInvocationRequested").size() == 2
                    && events.of(NAME, "ToolInvocationCompleted").size() == 1
                    && events.of(NAME, "ToolInvocationFailed").size() == 1);
    try (McpSocketPeer socket = socket()) {
      socket.send(call("3", "echo"));
      assertThat(socket.next().getInt("id")).isEqualTo(3);
    }
    await()
        .atMost(Duration.ofSeconds(10))
        .until(() -> events.of(NAME, "ToolInvocationCompleted").size() == 2);
    assertThat(events.of(NAME, "ToolInvocationCompleted"))
        .extracting(event -> event.getString("transport"))
        .containsExactly("streamable_http", "websocket");
    assertThat(events.of(NAME)).noneMatch(e -> e.getString("event_type").startsWith("Session"));
    JsonObject health = json(send("GET", "mcp_servers/" + NAME, "")).getJsonObject("health");
    assertThat(health.getInt("total_invocations")).isEqualTo(3);
    assertThat(health.getInt("total_failures")).isEqualTo(1);
  }

  @Test
  void callsBeyondTheLimitAreRefusedWithTheTimeToWait() throws Exception {
    create(http().add("maxConcurrentCalls", 1));
    try (Stream busy = new Stream(call("1", "wait"))) {
      HttpResponse<String> refused = post(call("2", "echo"));
      error(refused, 429, -32603);
      assertThat(refused.headers().firstValue("Retry-After")).isPresent();
      assertThat(busy.response.statusCode()).isEqualTo(200);
    }
    await().atMost(Duration.ofSeconds(10)).until(() -> post(call("3", "echo")).statusCode() == 200);
  }

  // Ends.

  @Test
  void aClientThatLeavesEndsThePostToTheServerWithinASecond() throws Exception {
    register("http");
    Stream stream = new Stream(call("\"w\"", "wait"));
    assertThat(upstream.server.cancelled).isEmpty();
    stream.close();
    await()
        .pollInterval(Duration.ofMillis(20))
        .atMost(Duration.ofMillis(1_100)) // a second, and the server's own look every 50 ms
        .until(() -> upstream.server.cancelled.contains("\"w\""));
    await()
        .atMost(Duration.ofSeconds(10))
        .until(() -> events.of(NAME, "ToolInvocationFailed").toString().contains("client_left"));
  }

  @Test
  void aClientThatLeavesCancelsItsRequestAtTheSharedChild() throws Exception {
    register("stdio");
    Stream stream = new Stream(call("4", "wait"));
    assertThat(text(post(call("5", "running")))).isEqualTo("1");
    long begin = System.nanoTime();
    stream.close();
    await()
        .pollInterval(Duration.ofMillis(20))
        .atMost(Duration.ofSeconds(5))
        .until(() -> text(post(call("6", "cancelled"))).equals("1"));
    assertThat(Duration.ofNanos(System.nanoTime() - begin)).isLessThan(Duration.ofMillis(1_100));
  }

  @Test
  void theDeathOfTheSharedChildAnswersAllThatWaitAndTheNextCallHasANewOne() throws Exception {
    register("stdio");
    String child = text(post(call("1", "pid")));
    try (Stream one = new Stream(call("\"one\"", "wait"));
        Stream two = new Stream(call("2", "wait"))) {
      CompletableFuture<HttpResponse<String>> dying =
          PLAIN.sendAsync(
              http(call("3", "die"), headers(call("3", "die"))), BodyHandlers.ofString());
      for (Stream stream : List.of(one, two)) {
        assertThat(object(stream.next()).getJsonObject("error").getInt("code")).isEqualTo(-32603);
        assertThat(stream.next()).isNull();
      }
      assertThat(dying.get(30, TimeUnit.SECONDS).body()).contains("-32603");
    }
    assertThat(text(post(call("1", "pid")))).isNotEqualTo(child);
  }

  @Test
  void aCallWithoutAnAnswerInTimeIsGivenUpAndCancelled() throws Exception {
    create(http().add("callTimeoutSeconds", 1));
    HttpResponse<String> answer = post(call("1", "wait"));
    assertThat(messages(answer).get(0).getJsonObject("error").getInt("code")).isEqualTo(-32603);
    await().atMost(Duration.ofSeconds(5)).until(() -> upstream.server.cancelled.contains("1"));
  }

  @Test
  void anIdleChildIsEnded() throws Exception {
    create(stdio().add("idleTtlSeconds", 1));
    long child = Long.parseLong(text(post(call("1", "pid"))));
    await()
        .atMost(Duration.ofSeconds(30))
        .until(() -> ProcessHandle.of(child).filter(ProcessHandle::isAlive).isEmpty());
  }

  @Test
  void theChildEndsWithItsServer() throws Exception {
    register("stdio");
    long child = Long.parseLong(text(post(call("1", "pid"))));
    assertThat(send("DELETE", "mcp_servers/" + NAME, "").statusCode()).isIn(200, 204);
    await()
        .atMost(Duration.ofSeconds(15))
        .until(() -> ProcessHandle.of(child).filter(ProcessHandle::isAlive).isEmpty());
  }

  // Subscriptions.

  private static final String CHANGES = "\"notifications\":{\"toolsListChanged\":true}";

  @ParameterizedTest
  @ValueSource(strings = {"http", "stdio"})
  void subscribersAreToldUnderTheirOwnIds(String transport) throws Exception {
    register(transport);
    String key = "io.modelcontextprotocol/subscriptionId";
    try (Stream text = new Stream(mcp("\"7\"", "subscriptions/listen", CHANGES));
        Stream number = new Stream(mcp("7.0", "subscriptions/listen", CHANGES))) {
      for (Stream stream : List.of(text, number)) {
        String id = stream == text ? "\"7\"" : "7.0";
        assertThat(stream.next())
            .contains("notifications/subscriptions/acknowledged", "\"" + key + "\":" + id);
      }
      assertThat(text(post(call("1", "trigger")))).isEqualTo("told");
      for (Stream stream : List.of(text, number)) {
        String id = stream == text ? "\"7\"" : "7.0";
        assertThat(stream.next())
            .contains("notifications/tools/list_changed", "\"" + key + "\":" + id);
      }
      assertThat(text(post(call("2", "end-listens")))).isEqualTo("ended");
      for (Stream stream : List.of(text, number)) {
        String id = stream == text ? "\"7\"" : "7.0";
        assertThat(stream.next())
            .isEqualTo(
                "{\"jsonrpc\":\"2.0\",\"id\":"
                    + id
                    + ",\"result\":{\"resultType\":\"complete\",\"_meta\":{\""
                    + key
                    + "\":"
                    + id
                    + "}}}");
        assertThat(stream.next()).isNull();
      }
    }
  }

  @Test
  void aSubscriberThatLeavesIsCancelledAtTheServer() throws Exception {
    register("stdio");
    Stream stream = new Stream(mcp("1", "subscriptions/listen", CHANGES));
    assertThat(stream.next()).contains("acknowledged");
    stream.close();
    await()
        .atMost(Duration.ofSeconds(15))
        .until(() -> text(post(call("2", "cancelled"))).equals("1"));
  }

  @Test
  void aChangedDefinitionEndsSubscriptionsAsAServerDoes() throws Exception {
    register("stdio");
    try (Stream stream = new Stream(mcp("\"s\"", "subscriptions/listen", CHANGES))) {
      assertThat(stream.next()).contains("acknowledged");
      send("PUT", "mcp_servers/" + NAME, stdio("other").build().toString());
      result(post(call("1", "echo")));
      assertThat(stream.next()).contains("\"id\":\"s\"", "\"resultType\":\"complete\"");
      assertThat(stream.next()).isNull();
    }
  }

  // Over WebSocket.

  private static McpSocketPeer socket() throws Exception {
    return new McpSocketPeer(HUB, "/mcp/" + NAME + "/ws", "mcp");
  }

  @ParameterizedTest
  @ValueSource(strings = {"http", "stdio"})
  void aSocketCarriesStatelessRequestsByTheirBodiesAlone(String transport) throws Exception {
    register(transport);
    try (McpSocketPeer socket = socket()) {
      socket.send(call("\"a\"", "echo"));
      assertThat(socket.text()).startsWith("{\"jsonrpc\":\"2.0\",\"id\":\"a\",\"result\"");
      socket.send(
          mcp("1.0", "tools/call", "\"name\":\"progress\"")
              .replace("\"_meta\":{", "\"_meta\":{\"progressToken\":\"p\","));
      for (int i = 1; i <= 3; i++) {
        assertThat(socket.text()).contains("\"progressToken\":\"p\",\"progress\":" + i);
      }
      assertThat(socket.text()).contains("\"id\":1.0,", "done");
      socket.send(mcp("2", "tools/list", "").replace("2026-07-28", "1900-01-01"));
      assertThat(socket.text()).contains("\"id\":2,", "-32022");
    }
  }

  @ParameterizedTest
  @ValueSource(strings = {"http", "stdio"})
  void aSocketCancelsByNotificationAndByItsEnd(String transport) throws Exception {
    register(transport);
    result(post(call("1", "echo")));
    try (McpSocketPeer socket = socket()) {
      socket.send(call("\"one\"", "wait")).send(call("2", "wait"));
      socket.send(call("2", "wait"));
      assertThat(socket.text()).contains("\"id\":2,", "-32600");
      await().until(() -> text(post(call("3", "running"))).equals("2"));
      socket.send(
          "{\"jsonrpc\":\"2.0\",\"method\":\"notifications/cancelled\",\"params\":"
              + "{\"requestId\":\"one\"}}");
      await()
          .atMost(Duration.ofSeconds(5))
          .until(() -> text(post(call("4", "cancelled"))).equals("1"));
    }
    await()
        .atMost(Duration.ofSeconds(10))
        .until(() -> text(post(call("5", "cancelled"))).equals("2"));
  }

  @Test
  void aSocketToAServerWithSessionsIsToldSo() throws Exception {
    create(sample(NAME));
    try (McpSocketPeer socket = socket()) {
      socket.send(mcp("\"d\"", "server/discover", ""));
      assertThat(socket.text()).contains("\"id\":\"d\"", "-32000");
      socket.send(INITIALIZE);
      assertThat(socket.text()).contains("\"protocolVersion\":\"2025-11-25\"");
    }
  }
}
