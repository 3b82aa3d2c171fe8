package dev.sluice.it;

import static java.nio.charset.StandardCharsets.ISO_8859_1;
import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import java.io.IOException;
import java.time.Duration;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

/** Garbage at the REST door is refused with its reason, and the hub goes on. */
class GarbageIT extends HubTest {

  private static final String POST = "POST /api/mcp_servers HTTP/1.1";
  private static final String[] HEAD = {"Host: localhost", "Content-Type: application/json"};

  private static RawHttp.Answer post(byte[] body, String type) throws IOException {
    try (RawHttp http = new RawHttp(HUB)) {
      return http.send(
              POST, "Host: localhost", "Content-Type: " + type, "Content-Length: " + body.length)
          .send(body)
          .answer();
    }
  }

  private static void isRefused(RawHttp.Answer answer, int status, String code) {
    assertThat(answer.status()).as(answer.body()).isEqualTo(status);
    assertThat(answer.error().getString("code")).isEqualTo(code);
    assertThat(answer.error().getString("message")).isNotBlank();
  }

  @AfterEach
  void theHubStillAnswers() throws IOException {
    assertThat(RawHttp.get(HUB, "/api/mcp_servers", "Host: localhost").status()).isEqualTo(200);
  }

  @Test
  void aTruncatedBodyIsRefusedWithLineAndColumn() throws IOException {
    RawHttp.Answer answer = post("{\n\"mcp_server_id\": ".getBytes(UTF_8), "application/json");
    isRefused(answer, 400, "malformed_json");
    assertThat(answer.error().getJsonObject("details").getInt("line")).isEqualTo(2);
    assertThat(answer.error().getJsonObject("details").getInt("column")).isPositive();
  }

  @Test
  void aBodyOfAHundredThousandLevelsIsRefused() throws IOException {
    isRefused(
        post("{\"a\":".repeat(100_000).getBytes(UTF_8), "application/json"), 400, "malformed_json");
  }

  @Test
  void anotherTypeIsRefused() throws IOException {
    isRefused(post("a=1".getBytes(UTF_8), "text/plain"), 415, "unsupported_media_type");
    isRefused(post("[]".getBytes(UTF_8), "application/json"), 422, "validation_failed");
  }

  @Test
  void bytesThatAreNotUtf8AreRefused() throws IOException {
    isRefused(
        post("{\"a\":\"\u00ff\u00fe\"}".getBytes(ISO_8859_1), "application/json"),
        400,
        "malformed_json");
    isRefused(post(new byte[1000], "application/json"), 400, "malformed_json");
  }

  @Test
  void anAnnouncedBodyOverTheLimitIsRefusedBeforeItIsSent() throws IOException {
    try (RawHttp http = new RawHttp(HUB)) {
      isRefused(
          http.send(POST, HEAD[0], HEAD[1], "Content-Length: 5000000").answer(),
          413,
          "body_too_large");
    }
  }

  @Test
  void aChunkedBodyIsRefusedWhenItPassesTheLimit() throws IOException {
    byte[] chunk = ("100000\r\n" + " ".repeat(0x100000) + "\r\n").getBytes(UTF_8);
    try (RawHttp http = new RawHttp(HUB)) {
      http.send(POST, HEAD[0], HEAD[1], "Transfer-Encoding: chunked");
      for (int i = 0; i < 5; i++) {
        http.send(chunk);
      }
      isRefused(http.send("0\r\n\r\n".getBytes(UTF_8)).answer(), 413, "body_too_large");
    }
  }

  @Test
  void aBodyThatTricklesIsRefusedAtTheDeadline() throws IOException {
    try (RawHttp http = new RawHttp(HUB)) {
      http.send(POST, HEAD[0], HEAD[1], "Content-Length: 1000");
      await()
          .pollInterval(Duration.ofMillis(500))
          .atMost(Duration.ofSeconds(30))
          .until(() -> http.send(" ".getBytes(UTF_8)).isAnswered());
      isRefused(http.answer(), 408, "request_timeout");
    }
  }
}
