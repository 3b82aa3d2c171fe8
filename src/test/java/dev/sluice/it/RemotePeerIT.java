package dev.sluice.it;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/**
 * Who calls from another machine, in local mode. The request is a real one of the container and the
 * filter is the hub's; only the peer's address is put in by {@link dev.sluice.it.server}.
 */
class RemotePeerIT extends HubTest {

  private static final String HOST = "Host: localhost:" + HUB.getPort();
  private static final String ELSEWHERE = "X-Test-Peer: 203.0.113.9";

  private static void assertIsRefused(RawHttp.Answer answer) {
    assertThat(answer.status()).as(answer.body()).isEqualTo(401);
    assertThat(answer.headers().get("www-authenticate")).startsWith("Sluice ");
    assertThat(answer.headers().get("content-type")).startsWith("application/json");
    assertThat(answer.error().getString("code")).isEqualTo("unauthorized");
    assertThat(answer.error().getString("message"))
        .contains("sluice.auth.mode=local", "http://localhost", "ssh -L");
  }

  @ParameterizedTest
  @CsvSource({
    "GET, /",
    "GET, /js/main.js",
    "GET, /api/system",
    "GET, /api/system/me",
    "GET, /api/mcp_servers",
    "POST, /api/mcp_servers",
    "DELETE, /api/mcp_servers/any",
    "OPTIONS, /api/mcp_servers",
    "GET, /api/events",
    "GET, /api/events/history",
    "GET, /api/ws/events",
    "GET, /openapi.json",
    "GET, /health/live",
    "GET, /metrics",
    "GET, /.error",
    "GET, /nothing"
  })
  void isRefusedEverywhereAndToldHowToGetIn(String method, String path) throws IOException {
    try (RawHttp http = new RawHttp(HUB)) {
      assertIsRefused(
          http.send(method + " " + path + " HTTP/1.1", HOST, ELSEWHERE, "Content-Length: 0")
              .answer());
    }
  }

  @Test
  void getsNoWebSocket() throws IOException {
    try (RawHttp http = new RawHttp(HUB)) {
      assertIsRefused(
          http.send(
                  "GET /api/ws/events HTTP/1.1",
                  HOST,
                  ELSEWHERE,
                  "Upgrade: websocket",
                  "Connection: Upgrade",
                  "Sec-WebSocket-Version: 13",
                  "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==")
              .answer());
    }
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "10.0.0.7",
        "192.168.1.4",
        "169.254.0.1",
        "0.0.0.0",
        "fe80:0:0:0:0:0:0:1%eth0",
        "2001:db8:0:0:0:0:0:9",
        "0:0:0:0:0:ffff:a00:7",
        "localhost"
      })
  void isRefusedByItsAddressWhateverItsHeadersSay(String peer) throws IOException {
    assertIsRefused(
        RawHttp.get(
            HUB,
            "/api/system",
            HOST,
            "Origin: http://localhost:" + HUB.getPort(),
            "X-Forwarded-For: 127.0.0.1",
            "X-Real-IP: 127.0.0.1",
            "Forwarded: for=127.0.0.1",
            "X-Test-Peer: " + peer));
  }

  @Test
  void isToldAboutItsAddressBeforeAnythingElse() throws IOException {
    assertIsRefused(
        RawHttp.get(
            HUB, "/api/system", "Host: evil.example", "Origin: http://evil.example", ELSEWHERE));
  }

  @ParameterizedTest
  @ValueSource(strings = {"127.0.0.1", "127.0.0.2", "127.255.255.254", "0:0:0:0:0:0:0:1", "::1%lo"})
  void aPeerOnThisMachineIsAnswered(String peer) throws IOException {
    assertThat(RawHttp.get(HUB, "/api/system/me", HOST, "X-Test-Peer: " + peer).status())
        .isEqualTo(200);
  }

  @Test
  void aPageOfAnotherOriginIsForbiddenToAPeerOnThisMachine() throws IOException {
    RawHttp.Answer answer =
        RawHttp.get(
            HUB, "/api/system", HOST, "X-Test-Peer: 127.0.0.2", "Origin: http://evil.example");
    assertThat(answer.status()).isEqualTo(403);
    assertThat(answer.error().getString("code")).isEqualTo("foreign_origin");
  }
}
