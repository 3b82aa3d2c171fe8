package dev.sluice.it;

import static java.nio.charset.StandardCharsets.US_ASCII;
import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpRequest.BodyPublishers;
import java.net.http.HttpResponse;
import java.net.http.HttpResponse.BodyHandlers;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import org.awaitility.Awaitility;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Clients that take their time with a request: they wait, and nobody else does. */
class SlowClientsIT extends HubTest {

  private static final String HOST = "Host: localhost:" + HUB.getPort();
  private static final Duration PROMPT = Duration.ofSeconds(3);

  /** More than either server has threads for requests. */
  private static final int MANY = 300;

  /** The default of sluice.http.body.threads, which Payara needs. */
  private static final int BODY_THREADS = 64;

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
    RawHttp gone = new RawHttp(HUB);
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
      // Payara waits with some threads, and refuses the others; WildFly waits without.
      int waiting = (int) arriving();
      assertThat(waiting).isIn(MANY, BODY_THREADS);
      Awaitility.await()
          .until(() -> slow.stream().filter(SlowClientsIT::answered).count() == MANY - waiting);
      for (int i = 0; i < MANY; i++) {
        if (answered(slow.get(i))) {
          RawHttp.Answer answer = slow.get(i).answer();
          assertThat(answer.status()).isEqualTo(503);
          assertThat(answer.error().getString("code")).isEqualTo("too_many_bodies");
          assertThat(answer.headers()).containsKey("retry-after");
          slow.get(i).close();
          slow.set(i, gone);
        }
      }
      for (int at = 1; at < body.length; at++) {
        for (int i = 0; i < MANY; i++) {
          if (slow.get(i) != gone) {
            send(slow.get(i), i, body, at);
          }
        }
        if (at == 10) {
          everybodyElseIsAnswered();
        }
      }
      for (int i = 0; i < MANY; i++) {
        if (slow.get(i) != gone) {
          if (i % 2 != 0) {
            slow.get(i).send("0\r\n\r\n".getBytes(US_ASCII));
          }
          assertThat(slow.get(i).answer().status()).as("body %d", i).isEqualTo(422);
        }
      }
      Awaitility.await().untilAsserted(() -> assertThat(arriving()).isZero());
    } finally {
      for (RawHttp http : slow) {
        http.close();
      }
    }
  }

  /** Wherever a body goes, and whether it is read or not. */
  @ParameterizedTest
  @CsvSource({
    "POST /api/mcp_servers, application/json, 408|503",
    "POST /mcp/slow-clients, application/json, 404",
    "POST /health/live, application/json, 405",
    "POST /index.html, application/json, 200|405",
    "POST /api/events, application/x-www-form-urlencoded, 405",
    "GET /ws, application/x-www-form-urlencoded, 400|426",
  })
  void manyBodiesThatStopAreRefusedAndHoldNobodyUp(String line, String type, String status)
      throws IOException {
    List<RawHttp> slow = new ArrayList<>();
    try {
      for (int i = 0; i < MANY; i++) {
        RawHttp http = new RawHttp(HUB);
        slow.add(http);
        http.send(
            line + " HTTP/1.1",
            HOST,
            "Accept: application/json, text/event-stream",
            "Content-Type: " + type,
            "Content-Length: 2000000");
        http.send(new byte[] {'{'});
      }
      everybodyElseIsAnswered();
      for (RawHttp http : slow) {
        RawHttp.Answer answer = http.answer();
        // Payara gives out a file for any method, and refuses a GET with a body by itself
        assertThat(Integer.toString(answer.status())).matches(status);
        assertThat(answer.headers().getOrDefault("connection", "close")).isEqualTo("close");
      }
      everybodyElseIsAnswered();
    } finally {
      for (RawHttp http : slow) {
        http.close();
      }
    }
    Awaitility.await().untilAsserted(() -> assertThat(arriving()).isZero());
  }

  @Test
  void upgradesWithABodyThatStopsLeaveRoomForOthers() throws IOException {
    List<RawHttp> slow = new ArrayList<>();
    try {
      for (int i = 0; i < 100; i++) {
        RawHttp http = new RawHttp(HUB);
        slow.add(http);
        post(
            http,
            "Content-Length: 2000000",
            "Connection: Upgrade, HTTP2-Settings",
            "Upgrade: h2c",
            "HTTP2-Settings: AAEAAEAAAAIAAAABAAMAAABkAAQBAAAAAAUAAEAA");
        http.send(new byte[] {'{'});
      }
      everybodyElseIsAnswered();
    } finally {
      for (RawHttp http : slow) {
        http.close();
      }
    }
    Awaitility.await().untilAsserted(() -> assertThat(arriving()).isZero());
  }

  @Test
  void anUpgradeToHttp2BringsItsBodyWithIt() throws Exception {
    for (int i = 0; i < 50; i++) {
      HttpResponse<String> answer =
          HttpClient.newHttpClient()
              .send(
                  HttpRequest.newBuilder(HUB.resolve("api/mcp_servers"))
                      .header("Content-Type", "application/json")
                      .POST(BodyPublishers.ofString("{\"mcp_server_id\": 7}"))
                      .build(),
                  BodyHandlers.ofString());
      assertThat(answer.version()).isEqualTo(HttpClient.Version.HTTP_2);
      assertThat(answer.statusCode()).isEqualTo(422);
    }
  }

  @Test
  void bodiesThatNobodyReadsAreForgotten() throws IOException {
    byte[] part = new byte[3_000_000];
    Arrays.fill(part, (byte) ' ');
    for (int i = 0; i < 30; i++) { // more than there is room for
      try (RawHttp http = new RawHttp(HUB)) {
        http.send(
            "POST /mcp/slow-clients HTTP/1.1",
            HOST,
            "Accept: application/json, text/event-stream",
            "Content-Type: application/json",
            "Content-Length: 3000001");
        http.send(part);
      }
    }
    Awaitility.await()
        .atMost(Duration.ofSeconds(10))
        .untilAsserted(
            () -> {
              assertThat(arriving()).isZero();
              assertThat(gauge("sluice_http_arriving_bytes")).isZero();
            });
  }

  @Test
  void aBodyInPiecesGoesToThePathThatWasAskedFor() throws IOException {
    byte[] body = "{\"reason\": \"none\"}".getBytes(US_ASCII);
    String path = "/api/mcp_servers/there%3Fis%3Dno%252Fsuch/stop";
    List<String> answers = new ArrayList<>();
    for (boolean pieces : new boolean[] {false, true}) {
      try (RawHttp http = new RawHttp(HUB)) {
        http.send(
            "POST " + path + " HTTP/1.1",
            HOST,
            "Content-Type: application/json",
            "Content-Length: " + body.length);
        http.send(Arrays.copyOf(body, 5));
        if (pieces) {
          Awaitility.await().until(() -> arriving() == 1);
        }
        http.send(Arrays.copyOfRange(body, 5, body.length));
        RawHttp.Answer answer = http.answer();
        answers.add(answer.status() + " " + answer.body());
      }
    }
    assertThat(answers.get(1))
        .isEqualTo(answers.get(0))
        .startsWith("404")
        .contains("there?is=no%2F");
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

  private static boolean answered(RawHttp http) {
    try {
      return http.isAnswered();
    } catch (IOException closed) {
      return false;
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
    return gauge("sluice_http_arriving_bodies") + gauge("sluice_http_body_threads");
  }

  private static double gauge(String name) throws IOException {
    return RawHttp.get(HUB, "/metrics", HOST)
        .body()
        .lines()
        .filter(line -> line.startsWith(name + " "))
        .mapToDouble(line -> Double.parseDouble(line.split(" ")[1]))
        .findAny()
        .orElseThrow();
  }
}
