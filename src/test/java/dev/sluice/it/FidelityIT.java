package dev.sluice.it;

import static dev.sluice.it.RawEchoServer.singleLine;
import static org.assertj.core.api.Assertions.assertThat;

import jakarta.json.Json;
import jakarta.json.JsonObjectBuilder;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import java.util.regex.Pattern;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/**
 * What a client and a server say to each other arrives byte for byte, over every transport on
 * either side; only line ends between tokens may go, which standard streams and events cannot
 * carry.
 */
class FidelityIT extends RestTest {

  private static final long SEED = 20_261_121;
  private static final int FUZZED = 1_000;
  private static final List<String> TRANSPORTS = List.of("http", "sse", "ws");
  private static final String META =
      "\"_meta\":{\"io.modelcontextprotocol/protocolVersion\":\"2026-07-28\","
          + "\"io.modelcontextprotocol/clientCapabilities\":{}}";

  private final ExecutorService clients = Executors.newCachedThreadPool();
  private RawEchoSockets sockets;

  @BeforeEach
  void serve() throws Exception {
    sockets = new RawEchoSockets();
    events.close(); // nobody looks at what it would read
  }

  @AfterEach
  void close() throws Exception {
    clients.shutdownNow();
    sockets.close();
  }

  private JsonObjectBuilder server(String kind) {
    JsonObjectBuilder definition = Json.createObjectBuilder().add("mcp_server_id", "it-raw");
    return kind.equals("stdio")
        ? definition.add("command", JAVA).add("args", RawEchoServer.args())
        : definition.add("type", kind).add("url", sockets.url(kind));
  }

  private interface Talk {
    void with(McpPeer client, Payloads payloads) throws Exception;
  }

  /** A client over each transport, all at once. */
  private void talk(List<String> transports, Talk talk) throws Exception {
    List<Future<?>> talks = new ArrayList<>();
    for (String transport : transports) {
      talks.add(
          clients.submit(
              () -> {
                try (McpPeer client = McpPeer.open(transport, HUB, "it-raw")) {
                  talk.with(client, new Payloads(SEED));
                  assertThat(client.texts()).isEmpty();
                } catch (Exception | AssertionError failed) {
                  throw new AssertionError("over " + transport + ", seed " + SEED, failed);
                }
                return null;
              }));
    }
    for (Future<?> one : talks) {
      one.get(3, TimeUnit.MINUTES);
    }
  }

  /** Stands where a message has its id. */
  private static final String ID = "@@ID@@";

  private static String id(int number) {
    return switch (number % 4) {
      case 0 -> Integer.toString(number);
      case 1 -> "\"" + number + "\"";
      case 2 -> number + ".0";
      default -> "\"\\u0069-" + number + "é\"";
    };
  }

  /** Every third is a tool call, of which the hub reads more than of others. */
  private static String request(Payloads payloads, int number, String what, String params) {
    return number % 3 == 0
        ? payloads.message(
            "\"id\":" + ID,
            "\"method\" : \"tools/call\"",
            "\"params\":{\"name\":\"" + what + "\", \"arguments\":" + params + "}")
        : payloads.message("\"id\":" + ID, "\"method\":\"" + what + "\"", "\"params\": " + params);
  }

  @ParameterizedTest
  @ValueSource(strings = {"stdio", "http", "sse", "ws"})
  void everyByteOfRequestsNotificationsAndAnswersArrivesInBothDirections(String kind)
      throws Exception {
    create(server(kind).add("era", "legacy"));
    talk(TRANSPORTS, this::ask);
  }

  private void ask(McpPeer client, Payloads payloads) throws Exception {
    client.initialize("{\"sampling\":{}}"); // a server that may ask is not shared
    for (int i = 0; i < FUZZED; i++) {
      String payload = payloads.payload(i);
      String note =
          payloads.message(
              "\"method\":\"notifications/x\"", "\"params\":" + payloads.around(payload));
      String request = request(payloads, i, "ask", payloads.around(payload)).replace(ID, id(i));
      client.send(note).send(request);
      assertThat(client.text())
          .as("notification of %s", i)
          .isEqualTo(
              "{\"jsonrpc\":\"2.0\",\"method\":\"notifications/y\",\"params\":{\"got\":"
                  + singleLine(note)
                  + "}}");
      String asked = "\"ask-" + (i + 1) + "\"";
      assertThat(client.text())
          .as("request of %s", i)
          .isEqualTo(
              "{\"jsonrpc\":\"2.0\",\"id\":"
                  + asked
                  + ",\"method\":\"sampling/createMessage\",\"params\":{\"got\":"
                  + singleLine(request)
                  + "}}");
      boolean refuses = i % 5 == 0;
      String answer =
          payloads.message(
              "\"id\":" + asked,
              refuses
                  ? "\"error\":{\"code\":-1,\"message\":\"no\",\"data\":" + payload + "}"
                  : "\"result\":" + payloads.around(payload));
      client.send(answer);
      assertThat(client.text())
          .as("answer of %s", i)
          .isEqualTo(
              "{\"jsonrpc\":\"2.0\",\"id\":"
                  + id(i)
                  + (refuses
                      ? ",\"error\":{\"code\":-7,\"message\":\"m\",\"data\":"
                      : ",\"result\":{\"got\":")
                  + singleLine(answer)
                  + "}}");
    }
  }

  @Test
  void aSharedChildGetsEveryByteButTheHubsId() throws Exception {
    create(server("stdio").add("sharing", "shared"));
    talk(
        TRANSPORTS,
        (client, payloads) -> {
          client.initialize("{}");
          for (int i = 0; i < FUZZED; i++) {
            String request = request(payloads, i, "echo", payloads.around(payloads.payload(i)));
            client.send(request.replace(ID, id(i)));
            assertEchoed(client.text(), i, request, "[0-9]+");
          }
        });
  }

  /**
   * The answer holds the request as it was, but for the id, of which the pattern says what it is.
   */
  private static void assertEchoed(String answer, int number, String template, String idPattern) {
    String head =
        "{\"jsonrpc\":\"2.0\",\"id\":"
            + id(number)
            + ",\"result\":{\"resultType\":\"complete\",\"tools\":[],\"content\":[],\"got\":";
    assertThat(answer).as("answer to %s", number).startsWith(head).endsWith("}}");
    String got = answer.substring(head.length(), answer.length() - 2);
    String[] around = singleLine(template).split(ID, 2);
    assertThat(got).as("request %s", number).startsWith(around[0]).endsWith(around[1]);
    assertThat(got.substring(around[0].length(), got.length() - around[1].length()))
        .as("id of %s at the server", number)
        .matches(idPattern);
  }

  @ParameterizedTest
  @ValueSource(strings = {"stdio", "http"})
  void everyByteOfAStatelessRequestAndItsAnswerArrives(String kind) throws Exception {
    create(server(kind).add("era", "modern"));
    talk(
        List.of("http", "ws"),
        (client, payloads) -> {
          for (int i = 0; i < FUZZED; i++) {
            String request =
                payloads.message(
                    "\"id\":" + ID,
                    "\"method\":\"tools/call\"",
                    "\"params\":{\"name\":\"echo\",\"arguments\": "
                        + payloads.around(payloads.payload(i))
                        + ","
                        + META
                        + "}");
            if (client instanceof McpHttpPeer http) {
              http.send(
                  request.replace(ID, id(i)),
                  "MCP-Protocol-Version",
                  "2026-07-28",
                  "Mcp-Method",
                  "tools/call",
                  "Mcp-Name",
                  "echo");
            } else {
              client.send(request.replace(ID, id(i)));
            }
            assertEchoed(
                client.text(), i, request, kind.equals("http") ? Pattern.quote(id(i)) : "[0-9]+");
          }
        });
  }
}
