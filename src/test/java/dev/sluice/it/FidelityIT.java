package dev.sluice.it;

import static org.assertj.core.api.Assertions.assertThat;

import jakarta.json.Json;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpRequest.BodyPublishers;
import java.net.http.HttpResponse;
import java.net.http.HttpResponse.BodyHandlers;
import java.net.http.WebSocket;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Iterator;
import java.util.List;
import java.util.Random;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** What a client and a server say to each other arrives byte for byte, over every transport. */
class FidelityIT extends RestTest {

  private static final HttpClient PLAIN =
      HttpClient.newBuilder().version(HttpClient.Version.HTTP_1_1).build();
  private static final String NAME = "it-raw";
  private static final int FUZZED = 300;
  private static final String SPECIAL =
      "{\"n\":0.1000,\"b\":12345678901234567890,\"e\":\"👩‍👩‍👧\",\"k\":1E400,\"x\":null,"
          + " \"same\" : [ 1.0,1,\"1\" ] , \"same\":{}, \"u\":\"\\u00e9\\/\"}";
  private static final String INITIALIZE =
      "{\"jsonrpc\":\"2.0\",\"id\":0,\"method\":\"initialize\",\"params\":{\"protocolVersion\":"
          + "\"2025-11-25\",\"capabilities\":{},\"clientInfo\":{\"name\":\"it\",\"version\":\"1\"}}}";
  private static final String INITIALIZED =
      "{\"jsonrpc\":\"2.0\",\"method\":\"notifications/initialized\"}";

  private interface Client {
    /** Sends a message, and gives the next one of the server if there is one to come. */
    String say(String message, boolean answered) throws Exception;

    void end() throws Exception;
  }

  @BeforeEach
  void register() throws Exception {
    create(
        Json.createObjectBuilder()
            .add("mcp_server_id", NAME)
            .add("command", JAVA)
            .add(
                "args",
                Json.createArrayBuilder()
                    .add("-XX:TieredStopAtLevel=1")
                    .add("-Dstdout.encoding=UTF-8")
                    .add(
                        Path.of("src/test/java/dev/sluice/it/RawEchoServer.java")
                            .toAbsolutePath()
                            .toString())));
  }

  @ParameterizedTest
  @ValueSource(strings = {"http", "sse", "ws"})
  void everyByteOfAPayloadArrivesBothWays(String transport) throws Exception {
    Random random = new Random(42);
    List<String> payloads = new ArrayList<>(List.of(SPECIAL));
    for (int i = 0; i < FUZZED; i++) {
      payloads.add("{\"v\":" + value(random, 0) + "}");
    }
    Client client = client(transport);
    try {
      client.say(INITIALIZE, true);
      client.say(INITIALIZED, transport.equals("ws"));
      for (int i = 0; i < payloads.size(); i++) {
        String id = i % 3 == 0 ? "\"" + i + "\"" : i % 3 == 1 ? i + ".0" : Integer.toString(i);
        String params = payloads.get(i);
        String answer =
            client.say(
                "{\"jsonrpc\":\"2.0\",\"id\":"
                    + id
                    + ",\"method\":\"x/echo\",\"params\":"
                    + params
                    + "}",
                true);
        assertThat(answer)
            .isEqualTo(
                "{\"jsonrpc\":\"2.0\",\"id\":"
                    + id
                    + ",\"result\":{\"tools\":[],\"echo\":"
                    + params
                    + "}}");
      }
    } finally {
      client.end();
    }
  }

  /** Legal JSON in spellings that a parser would not write again. */
  private static String value(Random random, int depth) {
    String blank = " ".repeat(random.nextInt(3));
    return blank
        + switch (random.nextInt(depth > 4 ? 6 : 8)) {
          case 0 -> "null";
          case 1 -> Boolean.toString(random.nextBoolean());
          case 2 ->
              (random.nextBoolean() ? "-" : "") + random.nextInt(1000) + ".00" + random.nextInt(10);
          case 3 -> Long.toUnsignedString(random.nextLong()) + random.nextInt(1_000_000);
          case 4 -> random.nextInt(9) + "e+" + random.nextInt(999);
          case 5 -> string(random);
          case 6 -> {
            StringBuilder array = new StringBuilder("[");
            for (int i = random.nextInt(4); i > 0; i--) {
              array.append(value(random, depth + 1)).append(i > 1 ? " ," : "");
            }
            yield array.append(" ]").toString();
          }
          default -> {
            StringBuilder object = new StringBuilder("{");
            for (int i = random.nextInt(4); i > 0; i--) {
              object.append(string(random)).append(" : ").append(value(random, depth + 1));
              object.append(i > 1 ? "," : "");
            }
            yield object.append('}').toString();
          }
        };
  }

  private static String string(Random random) {
    String[] pieces = {
      "a", "é", "漢", "👩‍👩‍👧", "\\u00e9", "\\n", "\\\\", "\\\"", "\\/", "/", " "
    };
    StringBuilder text = new StringBuilder("\"");
    for (int i = random.nextInt(8); i > 0; i--) {
      text.append(pieces[random.nextInt(pieces.length)]);
    }
    return text.append('"').toString();
  }

  private static Client client(String transport) throws Exception {
    return switch (transport) {
      case "http" -> new OverHttp();
      case "sse" -> new OverSse();
      default -> new OverWebSocket();
    };
  }

  private static HttpResponse<String> post(URI to, String session, String body) throws Exception {
    HttpRequest.Builder request =
        HttpRequest.newBuilder(to)
            .timeout(Duration.ofSeconds(60))
            .header("Content-Type", "application/json")
            .header("Accept", "application/json, text/event-stream");
    if (!session.isEmpty()) {
      request.header("Mcp-Session-Id", session);
    }
    return PLAIN.send(request.POST(BodyPublishers.ofString(body)).build(), BodyHandlers.ofString());
  }

  private static final class OverHttp implements Client {
    private String session = "";

    @Override
    public String say(String message, boolean answered) throws Exception {
      HttpResponse<String> answer = post(HUB.resolve("mcp/" + NAME), session, message);
      session = answer.headers().firstValue("Mcp-Session-Id").orElse(session);
      assertThat(answer.statusCode()).as(answer.body()).isEqualTo(answered ? 200 : 202);
      String body = answer.body();
      if (!answer.headers().firstValue("Content-Type").orElse("").startsWith("text/event")) {
        return body;
      }
      int data = body.lastIndexOf("data: ");
      return body.substring(data + 6, body.indexOf('\n', data));
    }

    @Override
    public void end() throws Exception {
      PLAIN.send(
          HttpRequest.newBuilder(HUB.resolve("mcp/" + NAME))
              .header("Mcp-Session-Id", session)
              .DELETE()
              .build(),
          BodyHandlers.ofString());
    }
  }

  private static final class OverSse implements Client {
    private final Stream<String> all;
    private final Iterator<String> data;
    private final URI messages;

    OverSse() throws Exception {
      all =
          PLAIN
              .send(
                  HttpRequest.newBuilder(HUB.resolve("mcp/" + NAME + "/sse")).build(),
                  BodyHandlers.ofLines())
              .body();
      data = all.filter(line -> line.startsWith("data: ")).map(l -> l.substring(6)).iterator();
      messages = HUB.resolve(data.next());
    }

    @Override
    public String say(String message, boolean answered) throws Exception {
      assertThat(post(messages, "", message).statusCode()).isEqualTo(202);
      return answered ? data.next() : "";
    }

    @Override
    public void end() {
      all.close();
    }
  }

  private static final class OverWebSocket implements Client, WebSocket.Listener {
    private final BlockingQueue<String> messages = new LinkedBlockingQueue<>();
    private final StringBuilder part = new StringBuilder();
    private final WebSocket socket;

    OverWebSocket() throws Exception {
      socket =
          PLAIN
              .newWebSocketBuilder()
              .subprotocols("mcp")
              .buildAsync(
                  URI.create("ws://localhost:" + HUB.getPort() + "/mcp/" + NAME + "/ws"), this)
              .get(20, TimeUnit.SECONDS);
    }

    @Override
    public String say(String message, boolean answered) throws Exception {
      socket.sendText(message, true).join();
      return answered ? String.valueOf(messages.poll(30, TimeUnit.SECONDS)) : "";
    }

    @Override
    public CompletionStage<?> onText(WebSocket from, CharSequence data, boolean last) {
      part.append(data);
      if (last) {
        messages.add(part.toString());
        part.setLength(0);
      }
      from.request(1);
      return null;
    }

    @Override
    public void end() {
      socket.abort();
    }
  }
}
