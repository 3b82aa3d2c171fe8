package dev.sluice.it;

import static java.nio.charset.StandardCharsets.US_ASCII;
import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
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
}
