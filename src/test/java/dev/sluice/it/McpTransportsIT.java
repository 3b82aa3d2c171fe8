package dev.sluice.it;

import static dev.sluice.it.StreamablePeer.call;
import static dev.sluice.it.StreamablePeer.object;
import static dev.sluice.it.StreamablePeer.text;
import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import jakarta.json.Json;
import jakarta.json.JsonArray;
import jakarta.json.JsonObject;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpRequest.BodyPublishers;
import java.net.http.HttpResponse;
import java.net.http.HttpResponse.BodyHandlers;
import java.net.http.WebSocket;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Iterator;
import java.util.List;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** What is special about HTTP+SSE and WebSocket, and what is the same on every transport. */
class McpTransportsIT extends RestTest {

  private static final HttpClient PLAIN =
      HttpClient.newBuilder().version(HttpClient.Version.HTTP_1_1).build();
  private static final String NAME = "it-transports";
  private static final String INITIALIZE = StreamablePeer.initialize("2025-11-25", "{}");
  private static final int BODY_LIMIT = 4 << 20;

  @BeforeEach
  void register() throws Exception {
    await("the children of the last test to be gone")
        .atMost(Duration.ofSeconds(30))
        .until(() -> children() == 0);
    create(FeatureTestServer.definition(NAME, NAME));
  }

  private static long children() {
    return ProcessHandle.allProcesses()
        .filter(one -> List.of(one.info().arguments().orElse(new String[0])).contains(NAME))
        .count();
  }

  // HTTP+SSE.

  /** A session over HTTP+SSE; what comes on its stream is read with {@code data}. */
  private static final class SsePeerOfMcp implements AutoCloseable {
    private final Stream<String> all;
    private final URI messages;

    /** What follows {@code data: } line by line. */
    final Iterator<String> data;

    SsePeerOfMcp(String server) throws Exception {
      all =
          PLAIN
              .send(
                  HttpRequest.newBuilder(HUB.resolve("mcp/" + server + "/sse")).build(),
                  BodyHandlers.ofLines())
              .body();
      data = all.filter(line -> line.startsWith("data: ")).map(l -> l.substring(6)).iterator();
      messages = HUB.resolve(data.next());
    }

    HttpResponse<String> post(String body) throws Exception {
      return PLAIN.send(
          HttpRequest.newBuilder(messages)
              .timeout(Duration.ofSeconds(60))
              .header("Content-Type", "application/json")
              .POST(BodyPublishers.ofString(body))
              .build(),
          BodyHandlers.ofString());
    }

    JsonObject ask(String body) throws Exception {
      assertThat(post(body).statusCode()).isEqualTo(202);
      return object(data.next());
    }

    @Override
    public void close() {
      all.close();
    }
  }

  @Test
  void theEndOfAnEventStreamIsTheEndOfItsSessionAndOfItsChild() throws Exception {
    SsePeerOfMcp peer = new SsePeerOfMcp(NAME);
    peer.ask(INITIALIZE);
    assertThat(peer.post(StreamablePeer.INITIALIZED).statusCode()).isEqualTo(202);
    assertThat(peer.post(call("1", "test_wait", "")).statusCode()).isEqualTo(202);
    // At first there may be another one: it had to be started to learn that it is not to be shared.
    await().atMost(Duration.ofSeconds(10)).until(() -> children() == 1);
    peer.close();
    await().atMost(Duration.ofSeconds(10)).until(() -> children() == 0);
    assertThat(peer.post(call("2", "test_echo", "x")).statusCode()).isEqualTo(404);
  }

  @Test
  void twentyStreamsThatAreClosedAtOnceLeaveNoChild() throws Exception {
    List<SsePeerOfMcp> peers = new ArrayList<>();
    for (int i = 0; i < 20; i++) {
      SsePeerOfMcp peer = new SsePeerOfMcp(NAME);
      peers.add(peer);
      if (i % 5 == 0) {
        peer.ask(INITIALIZE);
      }
    }
    assertThat(children()).isPositive();
    peers.forEach(SsePeerOfMcp::close);
    await().atMost(Duration.ofSeconds(10)).until(() -> children() == 0);
    for (SsePeerOfMcp peer : peers) {
      await()
          .atMost(Duration.ofSeconds(10))
          .until(() -> peer.post("{\"jsonrpc\":\"2.0\",\"method\":\"x\"}").statusCode() == 404);
    }
  }

  @Test
  void oneCallTooManyIsRefusedWithTheTimeToWaitAndTheOthersAreKept() throws Exception {
    create(FeatureTestServer.definition("it-transports-busy").add("maxConcurrentCalls", 1024));
    try (SsePeerOfMcp peer = new SsePeerOfMcp("it-transports-busy")) {
      peer.ask(INITIALIZE);
      for (int i = 1; i <= 256; i++) {
        assertThat(peer.post(call(Integer.toString(i), "test_gate", "n" + i)).statusCode())
            .isEqualTo(202);
      }
      HttpResponse<String> refused = peer.post(call("257", "test_echo", "x"));
      assertThat(refused.statusCode()).isEqualTo(429);
      assertThat(refused.headers().firstValue("Retry-After")).isPresent();
      peer.post("{\"jsonrpc\":\"2.0\",\"method\":\"notifications/open_gate\"}");
      for (int i = 1; i <= 256; i++) {
        JsonObject answer = object(peer.data.next());
        assertThat(text(answer)).isEqualTo("n" + answer.getInt("id"));
      }
      assertThat(text(peer.ask(call("258", "test_echo", "again")))).isEqualTo("again");
    }
  }

  @Test
  void anEndpointInAMessageIsNoEndpoint() throws Exception {
    try (SsePeerOfMcp peer = new SsePeerOfMcp(NAME)) {
      peer.ask(INITIALIZE);
      String words = "event: endpoint data: /elsewhere";
      assertThat(text(peer.ask(call("1", "test_echo", words)))).isEqualTo(words);
      assertThat(text(peer.ask(call("2", "test_echo", "still here")))).isEqualTo("still here");
    }
  }

  // WebSocket.

  private static RawHttp.Answer upgrade(String... others) throws Exception {
    List<String> headers =
        new ArrayList<>(
            List.of(
                "Host: localhost:" + HUB.getPort(),
                "Upgrade: websocket",
                "Connection: Upgrade",
                "Sec-WebSocket-Version: 13",
                "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ=="));
    headers.addAll(List.of(others));
    return RawHttp.get(HUB, "/mcp/" + NAME + "/ws", headers.toArray(String[]::new));
  }

  @ParameterizedTest
  @CsvSource({
    "mcp, 101, mcp",
    "'mcp, mcp.auth.c2VjcmV0', 101, mcp",
    "'mcp.version.2025-11-25, mcp', 101, mcp",
    "'', 101, ''",
    "foo, 400, ''",
    "mcp.auth.c2VjcmV0, 400, ''"
  })
  void theSubprotocolIsMcpIfItIsOfferedAndNoneIfNoneIs(String offer, int status, String selected)
      throws Exception {
    RawHttp.Answer answer =
        offer.isEmpty() ? upgrade() : upgrade("Sec-WebSocket-Protocol: " + offer);
    assertThat(answer.status()).isEqualTo(status);
    assertThat(answer.headers().getOrDefault("sec-websocket-protocol", "")).isEqualTo(selected);
    assertThat(answer.headers()).doesNotContainKey("sec-websocket-extensions");
  }

  @Test
  void aPageOfAnotherSiteGetsNoSocket() throws Exception {
    assertThat(upgrade("Sec-WebSocket-Protocol: mcp", "Origin: http://evil.example").status())
        .isEqualTo(403);
    assertThat(children()).isZero();
  }

  /** A socket that sees every kind of frame. */
  private static final class Frames implements WebSocket.Listener, AutoCloseable {
    final BlockingQueue<String> texts = new LinkedBlockingQueue<>();
    final BlockingQueue<String> pongs = new LinkedBlockingQueue<>();
    final BlockingQueue<Integer> closed = new LinkedBlockingQueue<>();
    final WebSocket socket;
    private final StringBuilder part = new StringBuilder();

    Frames(URI hub) throws Exception {
      socket =
          PLAIN
              .newWebSocketBuilder()
              .subprotocols("mcp")
              .buildAsync(
                  URI.create("ws://localhost:" + hub.getPort() + "/mcp/" + NAME + "/ws"), this)
              .get(20, TimeUnit.SECONDS);
    }

    void send(String text) {
      socket.sendText(text, true).join();
    }

    JsonObject next() throws Exception {
      String text = texts.poll(30, TimeUnit.SECONDS);
      assertThat(text).as("a message; closed " + closed).isNotNull();
      return object(text);
    }

    Frames initialize() throws Exception {
      send(INITIALIZE);
      assertThat(next().getInt("id")).isZero();
      send(StreamablePeer.INITIALIZED);
      assertThat(next().getString("method")).isEqualTo("ping");
      return this;
    }

    @Override
    public CompletionStage<?> onText(WebSocket from, CharSequence data, boolean last) {
      part.append(data);
      if (last) {
        texts.add(part.toString());
        part.setLength(0);
      }
      from.request(1);
      return null;
    }

    @Override
    public CompletionStage<?> onPong(WebSocket from, ByteBuffer message) {
      pongs.add(StandardCharsets.UTF_8.decode(message).toString());
      from.request(1);
      return null;
    }

    @Override
    public CompletionStage<?> onClose(WebSocket from, int code, String reason) {
      closed.add(code);
      return null;
    }

    @Override
    public void close() {
      socket.abort();
    }
  }

  /** As the Python SDK does every 20 s, which closes if no pong comes within 20 s more. */
  @Test
  void pingFramesAreAnsweredWhileACallIsRunning() throws Exception {
    try (Frames peer = new Frames(HUB).initialize()) {
      peer.send(call("1", "test_wait", ""));
      for (String word : List.of("one", "two", "three")) {
        peer.socket.sendPing(ByteBuffer.wrap(word.getBytes(StandardCharsets.UTF_8))).join();
        assertThat(peer.pongs.poll(10, TimeUnit.SECONDS)).isEqualTo(word);
      }
      peer.send(call("2", "test_echo", "beside it"));
      assertThat(text(peer.next())).isEqualTo("beside it");
    }
  }

  @Test
  void whatIsNoMessageIsAnsweredAndTheNextPingWorks() throws Exception {
    try (Frames peer = new Frames(HUB).initialize()) {
      for (String[] wrong :
          new String[][] {
            {"{", "-32700"},
            {"{} {}", "-32700"},
            {"{\"a\":1}", "-32600"},
            {"[" + call("1", "test_echo", "x") + "]", "-32600"}
          }) {
        peer.send(wrong[0]);
        JsonObject error = peer.next();
        assertThat(error.getJsonObject("error").get("code").toString()).isEqualTo(wrong[1]);
        assertThat(error.isNull("id")).isTrue();
      }
      peer.send(StreamablePeer.request("5", "ping", "{}"));
      assertThat(peer.next().getInt("id")).isEqualTo(5);
    }
  }

  @Test
  void binaryClosesWith1003AndTooLargeWith1009AndTheChildGoes() throws Exception {
    try (Frames binary = new Frames(HUB).initialize();
        Frames large = new Frames(HUB).initialize();
        Frames other = new Frames(HUB).initialize()) {
      binary.socket.sendBinary(ByteBuffer.wrap(new byte[] {1, 2, 3}), true).join();
      assertThat(binary.closed.poll(10, TimeUnit.SECONDS)).isEqualTo(1003);
      large.send(call("1", "test_echo", "y".repeat(BODY_LIMIT + 1)));
      assertThat(large.closed.poll(20, TimeUnit.SECONDS)).isEqualTo(1009);
      other.send(call("1", "test_echo", "unharmed"));
      assertThat(text(other.next())).isEqualTo("unharmed");
    }
    await().atMost(Duration.ofSeconds(10)).until(() -> children() == 0);
  }

  @Test
  void aMessageInPiecesAndWithBlanksAroundItIsOneMessage() throws Exception {
    try (Frames peer = new Frames(HUB).initialize()) {
      String message = " \n" + call("1", "test_echo", "in pieces") + "\r\n ";
      for (int i = 0; i < message.length(); i += 7) {
        int end = Math.min(message.length(), i + 7);
        peer.socket.sendText(message.substring(i, end), end == message.length()).join();
      }
      assertThat(text(peer.next())).isEqualTo("in pieces");
    }
  }

  // The same on all.

  /** One child that speaks both eras; {@code running} answers the same text in both. */
  @Test
  void oneCallHasTheSameContentAndTheSameEventsOverEveryTransport() throws Exception {
    var args = Json.createArrayBuilder();
    ModernTestServer.args("dual").forEach(args::add);
    String server = "it-transports-dual";
    create(
        Json.createObjectBuilder()
            .add("mcp_server_id", server)
            .add("command", JAVA)
            .add("args", args));
    String call = call("1", "running", "");
    List<JsonArray> contents = new ArrayList<>();

    StreamablePeer http = new StreamablePeer(HUB, server).open();
    contents.add(content(StreamablePeer.message(http.post(call))));
    http.session = "";
    String meta =
        "\"_meta\":{\"io.modelcontextprotocol/protocolVersion\":\"2026-07-28\","
            + "\"io.modelcontextprotocol/clientCapabilities\":{}";
    contents.add(
        content(
            StreamablePeer.message(
                http.post(
                    call.replace("\"_meta\":{\"progressToken\":1", meta),
                    "MCP-Protocol-Version",
                    "2026-07-28",
                    "Mcp-Method",
                    "tools/call",
                    "Mcp-Name",
                    "running",
                    "Mcp-Session-Id",
                    "of-no-session"))));
    try (SsePeerOfMcp sse = new SsePeerOfMcp(server)) {
      sse.ask(INITIALIZE);
      contents.add(content(sse.ask(call)));
    }
    try (McpSocketPeer socket = new McpSocketPeer(HUB, "/mcp/" + server + "/ws", "mcp")) {
      socket.send(INITIALIZE).next();
      contents.add(content(socket.send(call).next()));
    }
    assertThat(contents).hasSize(4).allMatch(one -> one.equals(contents.get(0)));

    List<JsonObject> told =
        await()
            .until(() -> events.of(server, "ToolInvocationCompleted"), found -> found.size() == 4);
    assertThat(told).allMatch(one -> one.getString("tool_name").equals("running"));
    assertThat(told.stream().map(JsonObject::keySet).distinct()).hasSize(1);
    assertThat(events.of(server, "ToolInvocationRequested")).hasSize(4);
  }

  private static JsonArray content(JsonObject answer) {
    return answer.getJsonObject("result").getJsonArray("content");
  }
}
