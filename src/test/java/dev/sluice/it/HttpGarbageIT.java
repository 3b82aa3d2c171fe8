package dev.sluice.it;

import static java.nio.charset.StandardCharsets.ISO_8859_1;
import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.time.Duration;
import java.util.Random;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.jupiter.params.provider.ValueSource;

/**
 * Garbage in request lines, queries and headers: what reaches the hub is refused in the error
 * shape, what only the server sees in the server's own form, and nothing counts as a defect.
 */
class HttpGarbageIT extends HubTest {

  private static final String HOST = "Host: localhost:" + HUB.getPort();
  private static final String LONG = "x".repeat(2000);

  private double before;

  @BeforeEach
  void countDefects() throws IOException {
    before = defects();
  }

  @AfterEach
  void theHubStillAnswersAndMetNoDefect() throws IOException {
    assertThat(RawHttp.get(HUB, "/api/mcp_servers", HOST).status()).isEqualTo(200);
    assertThat(defects()).isEqualTo(before);
  }

  private static double defects() throws IOException {
    return ManagementIT.metrics()
        .getOrDefault("sluice_http_errors_by_status_total{status=\"500\"}", 0.0);
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "/api/events?since=%00 | since",
        "/api/events?since=%ff%fe | since",
        "/api/events?since=x:99999999999999999999 | since",
        "/api/events?since=x:-1 | since",
        "/api/events?since=:7 | since",
        "/api/events?since=LONG | since",
        "/api/events?lastEventId=LONG | since",
        "/api/events?policy=LONG | policy",
        "/api/events?policy=%00 | policy",
        "/api/events?queue_size=-1 | queue_size",
        "/api/events?queue_size=1e3 | queue_size",
        "/api/events?queue_size=%D9%A1 | queue_size",
        "/api/events?queue_size=0x10 | queue_size",
        "/api/events?since=live&since=earliest | since",
        "/api/events?event_types=LONG | event_types",
        "/api/events?mcp_server_ids=LONG | mcp_server_ids",
        "/api/events?event_types=MANY | event_types",
        "/api/events/history?since=LONG | since",
        "/api/events/history?until=%ff | until",
        "/api/events/history?limit=-1 | limit",
        "/api/events/history?limit=1001 | limit",
        "/api/events/history?limit=NaN | limit",
        "/api/events/history?limit=1&limit=2 | limit",
        "/api/events/history?event_types=MANY | event_types",
      })
  void aParameterThatCannotBeUsedIs400AndNamed(String path, String field) throws IOException {
    RawHttp.Answer answer =
        RawHttp.get(
            HUB, path.replace("LONG", LONG).replace("MANY", "abcdef,".repeat(300) + "z"), HOST);
    assertThat(answer.status()).as(answer.body()).isEqualTo(400);
    assertThat(answer.error().getString("code")).isEqualTo("invalid_parameter");
    assertThat(answer.error().getString("message")).contains(field).hasSizeLessThan(1000);
  }

  @ParameterizedTest
  @ValueSource(strings = {"not an id", ":", "a:b", "x:99999999999999999999"})
  void aLastEventIdThatIsNoneIs400(String id) throws IOException {
    RawHttp.Answer answer = RawHttp.get(HUB, "/api/events", HOST, "Last-Event-ID: " + id);
    assertThat(answer.status()).as(answer.body()).isEqualTo(400);
    assertThat(answer.error().getString("code")).isEqualTo("invalid_parameter");
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "/api/mcp_servers/LONG",
        "/api/mcp_servers/%20",
        "/api/mcp_servers/x%0d%0ay",
        "/api/mcp_servers/nobody/logs?lines=LONG",
        "/api/mcp_servers/nobody/logs?lines=-1",
        "/api/mcp_servers/nobody/logs/stream?lines=NaN",
        "/api/mcp_servers/nobody/tools/history?limit=NaN",
        "/api/groups/LONG",
        "/api/LONG",
        "/LONG",
        "/api/mcp_servers?LONG",
      })
  void aPathThatNobodyKnowsIsRefusedInTheErrorShape(String path) throws IOException {
    RawHttp.Answer answer = RawHttp.get(HUB, path.replace("LONG", LONG), HOST);
    if (path.startsWith("/api/mcp_servers?")) {
      assertThat(answer.status()).as("a parameter that means nothing").isEqualTo(200);
    } else {
      assertThat(answer.status()).as(answer.body()).isIn(400, 404, 422);
      assertThat(answer.error().getString("code")).isNotEmpty();
      assertThat(answer.error().getString("message")).isNotBlank().hasSizeLessThan(1000);
    }
  }

  static Stream<Arguments> illegal() {
    String get = "GET /api/system HTTP/1.1\r\n";
    String host = HOST + "\r\n";
    String post =
        "POST /api/mcp_servers HTTP/1.1\r\n" + host + "Content-Type: application/json\r\n";
    return Stream.of(
        Arguments.of("no HTTP at all", "what is this\r\n\r\n", "400|505"),
        Arguments.of("another version", "GET / HTTP/9.9\r\n" + host + "\r\n", "400|505"),
        Arguments.of("a NUL in the path", "GET /api/\u0000 HTTP/1.1\r\n" + host + "\r\n", "400"),
        // Payara: an empty answer with status 200
        Arguments.of("an illegal escape", "GET /api/%zz HTTP/1.1\r\n" + host + "\r\n", "400|200"),
        Arguments.of(
            "half an escape in an odd parameter",
            "GET /api/system?a=% HTTP/1.1\r\n" + host + "\r\n",
            "400|200"),
        Arguments.of(
            "a path of 200 kB",
            "GET /" + "p".repeat(200_000) + " HTTP/1.1\r\n" + host + "\r\n",
            "400|404"),
        Arguments.of(
            "a header of 2 MB", get + host + "X: " + "h".repeat(2_000_000) + "\r\n\r\n", "400|0"),
        Arguments.of("20 000 headers", get + host + "X: y\r\n".repeat(20_000) + "\r\n", "400|0"),
        // both leave out what is no header
        Arguments.of("a header without colon", get + host + "nonsense\r\n\r\n", "400|200"),
        Arguments.of("a header without name", get + host + ": x\r\n\r\n", "400|200"),
        Arguments.of(
            "two lengths", post + "Content-Length: 2\r\nContent-Length: 30\r\n\r\n{}", "400"),
        Arguments.of("a negative length", post + "Content-Length: -1\r\n\r\n{}", "400"),
        Arguments.of("a length of words", post + "Content-Length: many\r\n\r\n{}", "400"),
        Arguments.of(
            "a length beyond a long",
            post + "Content-Length: " + "9".repeat(30) + "\r\n\r\n",
            "400"),
        Arguments.of(
            "a chunk that is none",
            post + "Transfer-Encoding: chunked\r\n\r\nzz\r\nbody\r\n0\r\n\r\n",
            "0|400|408"),
        Arguments.of(
            "an unknown transfer coding",
            post + "Transfer-Encoding: sideways\r\n\r\n{}",
            "0|400|408|422|501"),
        Arguments.of(
            "a length beside chunks",
            post + "Content-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
            "400|422"));
  }

  /** Status 0 is a connection that is cut without an answer. */
  @ParameterizedTest(name = "{0}")
  @MethodSource("illegal")
  void whatIsNotHttpIsRefusedOrCut(String what, String bytes, String outcome) throws IOException {
    try (RawHttp http = new RawHttp(HUB)) {
      assertThat(Integer.toString(http.outcome(bytes.getBytes(ISO_8859_1), Duration.ofSeconds(40))))
          .as(what)
          .matches(outcome);
    }
  }

  /** A browser that was sent here with https. */
  @Test
  void aTlsGreetingHoldsNobodyUp() throws IOException {
    try (RawHttp http = new RawHttp(HUB)) {
      http.send("\u0016\u0003\u0001\u0002\u0000\u0001\u0000\u0001\u00fc".getBytes(ISO_8859_1));
      assertThat(RawHttp.get(HUB, "/api/mcp_servers", HOST).status()).isEqualTo(200);
    }
  }

  @Test
  void randomBytesAreRefusedOrCutAndHurtNobody() throws IOException {
    Random random = new Random(9110);
    for (int i = 0; i < 40; i++) {
      byte[] bytes = new byte[1 + random.nextInt(4000)];
      random.nextBytes(bytes);
      try (RawHttp http = new RawHttp(HUB)) {
        http.send(bytes);
      }
    }
  }
}
