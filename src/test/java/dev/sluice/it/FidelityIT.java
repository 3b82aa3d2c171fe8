package dev.sluice.it;

import static org.assertj.core.api.Assertions.assertThat;

import jakarta.json.Json;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** What a client and a server say to each other arrives byte for byte, over every transport. */
class FidelityIT extends RestTest {

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
    try (RawClient client = RawClient.of(transport, HUB, NAME)) {
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
}
