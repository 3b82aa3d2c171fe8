package dev.sluice.it;

import static java.nio.charset.StandardCharsets.US_ASCII;
import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import org.awaitility.Awaitility;
import org.junit.jupiter.api.Test;

/** Clients that take their time with a request: they wait, and nobody else does. */
class SlowClientsIT extends HubTest {

  private static final String HOST = "Host: localhost:" + HUB.getPort();
  private static final Duration PROMPT = Duration.ofSeconds(3);

  /** More than either server has threads for requests. */
  private static final int MANY = 300;

  private static void everybodyElseIsAnswered() throws IOException {
    for (int i = 0; i < 5; i++) {
      long begin = System.nanoTime();
      assertThat(RawHttp.get(HUB, "/api/mcp_servers", HOST).status()).isEqualTo(200);
      assertThat(Duration.ofNanos(System.nanoTime() - begin)).isLessThan(PROMPT);
    }
  }

  @Test
  void headersThatComeByteByByteAreAnsweredWhenTheyAreThere() throws IOException {
    byte[] head = ("GET /api/system/me HTTP/1.1\r\n" + HOST + "\r\n\r\n").getBytes(US_ASCII);
    try (RawHttp http = new RawHttp(HUB)) {
      for (int i = 0; i < head.length; i++) {
        http.send(new byte[] {head[i]});
        if (i % 16 == 8) {
          everybodyElseIsAnswered();
          assertThat(http.isAnswered()).isFalse();
        }
      }
      assertThat(http.answer().status()).isEqualTo(200);
    }
  }

  @Test
  void manyHalfHeadersHoldNoThread() throws IOException {
    List<RawHttp> slow = new ArrayList<>();
    try {
      for (int i = 0; i < MANY; i++) {
        RawHttp http = new RawHttp(HUB);
        slow.add(http);
        http.send(("GET /api/system/me HTTP/1.1\r\n" + HOST + "\r\nX-Slow: ").getBytes(US_ASCII));
      }
      everybodyElseIsAnswered();
      for (RawHttp http : slow) {
        http.send("now\r\n\r\n".getBytes(US_ASCII));
        assertThat(http.answer().status()).isEqualTo(200);
      }
    } finally {
      for (RawHttp http : slow) {
        http.close();
      }
    }
  }

  @Test
  void aBodyThatComesByteByByteIsReadWhileOthersAreAnswered() throws IOException {
    byte[] body = "{\"mcp_server_id\": 7}".getBytes(US_ASCII);
    try (RawHttp http = new RawHttp(HUB)) {
      http.send(
          "POST /api/mcp_servers HTTP/1.1",
          HOST,
          "Content-Type: application/json",
          "Content-Length: " + body.length);
      for (byte b : body) {
        assertThat(http.isAnswered()).isFalse();
        http.send(new byte[] {b});
        everybodyElseIsAnswered();
      }
      assertThat(http.answer().status()).isEqualTo(422);
    }
  }

  @Test
  void manyBodiesThatTrickleLeaveRoomForOthers() throws IOException {
    byte[] body = "{\"mcp_server_id\": 7}".getBytes(US_ASCII);
    List<RawHttp> slow = new ArrayList<>();
    try {
      for (int i = 0; i < MANY; i++) {
        RawHttp http = new RawHttp(HUB);
        slow.add(http);
        // half of them without an announced length
        if (i % 2 == 0) {
          post(http, "Content-Length: " + body.length);
        } else {
          post(http, "Transfer-Encoding: chunked");
        }
        send(http, i, body, 0);
      }
      everybodyElseIsAnswered();
      assertThat(arriving()).isEqualTo(MANY);
      for (int at = 1; at < body.length; at++) {
        for (int i = 0; i < MANY; i++) {
          send(slow.get(i), i, body, at);
        }
        if (at == 10) {
          everybodyElseIsAnswered();
        }
      }
      for (int i = 0; i < MANY; i++) {
        if (i % 2 != 0) {
          slow.get(i).send("0\r\n\r\n".getBytes(US_ASCII));
        }
        assertThat(slow.get(i).answer().status()).as("body %d", i).isEqualTo(422);
      }
      Awaitility.await().untilAsserted(() -> assertThat(arriving()).isZero());
    } finally {
      for (RawHttp http : slow) {
        http.close();
      }
    }
  }

  @Test
  void aBodyThatStopsIsRefusedInTime() throws IOException {
    try (RawHttp rest = new RawHttp(HUB);
        RawHttp mcp = new RawHttp(HUB)) {
      post(rest, "Content-Length: 20");
      rest.send(new byte[] {'{'});
      mcp.send(
          "POST /mcp/slow-clients HTTP/1.1",
          HOST,
          "Accept: application/json, text/event-stream",
          "Content-Type: application/json",
          "Content-Length: 20");
      long begin = System.nanoTime();
      RawHttp.Answer answer = rest.answer();
      assertThat(answer.status()).isEqualTo(408);
      assertThat(answer.error().getString("code")).isEqualTo("request_timeout");
      // sluice.http.body.seconds is 20 by default
      assertThat(Duration.ofNanos(System.nanoTime() - begin)).isLessThan(Duration.ofSeconds(25));
      // there is no such server, which is told as soon as the body has been decided on
      assertThat(mcp.answer().status()).isEqualTo(404);
      everybodyElseIsAnswered();
    }
  }

  @Test
  void oneThatLeavesInTheMiddleOfItsBodyIsForgotten() throws IOException {
    double before = arriving();
    try (RawHttp http = new RawHttp(HUB)) {
      post(http, "Content-Length: 20");
      http.send(new byte[] {'{'});
      Awaitility.await().untilAsserted(() -> assertThat(arriving()).isEqualTo(before + 1));
    }
    Awaitility.await()
        .atMost(Duration.ofSeconds(5))
        .untilAsserted(() -> assertThat(arriving()).isEqualTo(before));
  }

  @Test
  void oneThatWaitsForAContinueGetsIt() throws IOException {
    byte[] body = "{\"mcp_server_id\": 7}".getBytes(US_ASCII);
    try (RawHttp http = new RawHttp(HUB)) {
      post(http, "Content-Length: " + body.length, "Expect: 100-continue");
      assertThat(http.answer().status()).isEqualTo(100);
      http.send(body);
      assertThat(http.answer().status()).isEqualTo(422);
    }
  }

  @Test
  void aConnectionGoesOnAfterABodyInPieces() throws IOException {
    byte[] body = "{\"mcp_server_id\": 7}".getBytes(US_ASCII);
    try (RawHttp http = new RawHttp(HUB)) {
      for (int i = 0; i < 50; i++) {
        post(http, "Content-Length: " + body.length);
        http.send(Arrays.copyOf(body, 7));
        http.send(Arrays.copyOfRange(body, 7, body.length));
        RawHttp.Answer answer = http.answer();
        assertThat(answer.status()).isEqualTo(422);
        assertThat(answer.error().getJsonObject("details").getString("field"))
            .isEqualTo("mcp_server_id");
      }
    }
  }

  private static void post(RawHttp http, String... headers) throws IOException {
    List<String> all = new ArrayList<>(List.of(HOST, "Content-Type: application/json"));
    all.addAll(List.of(headers));
    http.send("POST /api/mcp_servers HTTP/1.1", all.toArray(String[]::new));
  }

  private static void send(RawHttp http, int number, byte[] body, int at) throws IOException {
    if (number % 2 == 0) {
      http.send(new byte[] {body[at]});
    } else {
      http.send(new byte[] {'1', '\r', '\n', body[at], '\r', '\n'});
    }
  }

  private static double arriving() throws IOException {
    return RawHttp.get(HUB, "/metrics", HOST)
        .body()
        .lines()
        .filter(line -> line.startsWith("sluice_http_arriving_bodies "))
        .mapToDouble(line -> Double.parseDouble(line.split(" ")[1]))
        .findAny()
        .orElseThrow();
  }
}
