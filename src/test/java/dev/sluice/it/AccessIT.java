package dev.sluice.it;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Checks 22 and 23 of the acceptance list: who may call, for every kind of request alike. */
class AccessIT extends HubTest {

  private static final String OWN = "localhost:" + HUB.getPort();

  private static final String[] UPGRADE = {
    "Upgrade: websocket",
    "Connection: Upgrade",
    "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==",
    "Sec-WebSocket-Version: 13"
  };

  private static RawHttp.Answer get(String path, String... headers) throws IOException {
    return RawHttp.get(HUB, path, headers);
  }

  private static RawHttp.Answer upgrade(String host, String origin) throws IOException {
    try (RawHttp http = new RawHttp(HUB)) {
      return http.send(
              "GET /api/ws/events HTTP/1.1",
              "Host: " + host,
              "Origin: " + origin,
              UPGRADE[0],
              UPGRADE[1],
              UPGRADE[2],
              UPGRADE[3])
          .answer();
    }
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "/",
        "/api/system",
        "/api/system/me",
        "/api/events",
        "/api/nothing",
        "/nothing",
        "/health/live",
        "/metrics",
        "/openapi.json"
      })
  void aForeignOriginIsRefusedEverywhereWithItsReason(String path) throws IOException {
    RawHttp.Answer answer = get(path, "Host: " + OWN, "Origin: http://evil.example");
    assertThat(answer.status()).isEqualTo(403);
    assertThat(answer.error().getString("code")).isEqualTo("foreign_origin");
    assertThat(answer.error().getString("message")).contains("sluice.http.origins");
    assertThat(answer.headers()).doesNotContainKey("access-control-allow-origin");
  }

  @ParameterizedTest
  @ValueSource(
      strings = {"/", "/api/system", "/api/events", "/nothing", "/health/live", "/metrics"})
  void anUntrustedHostIsRefusedEverywhereWithItsReason(String path) throws IOException {
    RawHttp.Answer answer = get(path, "Host: evil.example:" + HUB.getPort());
    assertThat(answer.status()).isEqualTo(400);
    assertThat(answer.error().getString("code")).isEqualTo("untrusted_host");
    assertThat(answer.error().getString("message")).contains("sluice.http.hosts");
  }

  @Test
  void aWebSocketOfAForeignPageIsNotOpened() throws IOException {
    RawHttp.Answer answer = upgrade(OWN, "http://evil.example");
    assertThat(answer.status()).isEqualTo(403);
    assertThat(answer.error().getString("code")).isEqualTo("foreign_origin");
  }

  @Test
  void aWebSocketToAnUntrustedHostIsNotOpened() throws IOException {
    RawHttp.Answer answer = upgrade("evil.example", "http://evil.example");
    assertThat(answer.status()).isEqualTo(400);
    assertThat(answer.error().getString("code")).isEqualTo("untrusted_host");
  }

  @Test
  void aWebSocketOfOurOwnPageIsOpened() throws IOException {
    assertThat(upgrade(OWN, "http://" + OWN).status()).isEqualTo(101);
  }

  @ParameterizedTest
  @ValueSource(strings = {"localhost", "LOCALHOST:1", "127.0.0.1", "127.1.2.3:99", "[::1]:8080"})
  void loopbackHostsAreAnsweredWithAnyPort(String host) throws IOException {
    assertThat(get("/api/system/me", "Host: " + host).status()).isEqualTo(200);
  }

  @Test
  void ourOwnOriginAndNoOriginAreAnswered() throws IOException {
    assertThat(get("/api/system/me", "Host: " + OWN, "Origin: http://" + OWN).status())
        .isEqualTo(200);
    assertThat(get("/api/system/me", "Host: " + OWN).status()).isEqualTo(200);
  }

  @ParameterizedTest
  @ValueSource(strings = {"null", "https://localhost", "http://127.0.0.1", "file://"})
  void originsThatOnlyLookLikeOursAreRefused(String origin) throws IOException {
    assertThat(get("/api/system/me", "Host: " + OWN, "Origin: " + origin).status()).isEqualTo(403);
  }

  @Test
  void anImageOfAnotherSiteIsRefusedAndAFollowedLinkIsNot() throws IOException {
    assertThat(
            get(
                    "/api/system",
                    "Host: " + OWN,
                    "Sec-Fetch-Site: cross-site",
                    "Sec-Fetch-Mode: no-cors")
                .status())
        .isEqualTo(403);
    assertThat(
            get("/", "Host: " + OWN, "Sec-Fetch-Site: cross-site", "Sec-Fetch-Mode: navigate")
                .status())
        .isEqualTo(200);
  }

  @Test
  void whatAProxyPassesOnForSomebodyElsewhereIsRefused() throws IOException {
    for (String header :
        List.of(
            "X-Forwarded-For: 203.0.113.9",
            "X-Real-IP: 203.0.113.9",
            "Forwarded: for=203.0.113.9;host=localhost")) {
      assertThat(get("/api/system/me", "Host: " + OWN, header).status()).as(header).isEqualTo(401);
    }
    assertThat(
            get("/api/system/me", "Host: " + OWN, "X-Forwarded-For: 127.0.0.1, 127.0.0.1").status())
        .isEqualTo(200);
  }

  @Test
  void whatAProxySaysAdmitsNobody() throws IOException {
    assertThat(
            get(
                    "/api/system/me",
                    "Host: evil.example",
                    "X-Forwarded-For: 127.0.0.1",
                    "X-Forwarded-Host: localhost")
                .status())
        .isEqualTo(400);
  }

  @Test
  void theCallerIsTheLocalAdministrator() throws IOException {
    RawHttp.Answer answer = get("/api/system/me", "Host: " + OWN);
    assertThat(answer.json().getBoolean("authenticated")).isTrue();
    assertThat(answer.json().getJsonObject("principal").getJsonArray("roles").getString(0))
        .isEqualTo("admin");
  }

  @Test
  void aPreflightOfAForeignPageIsRefused() throws IOException {
    try (RawHttp http = new RawHttp(HUB)) {
      RawHttp.Answer answer =
          http.send(
                  "OPTIONS /api/system HTTP/1.1",
                  "Host: " + OWN,
                  "Origin: http://evil.example",
                  "Access-Control-Request-Method: POST")
              .answer();
      assertThat(answer.status()).isEqualTo(403);
      assertThat(answer.headers()).doesNotContainKey("access-control-allow-origin");
    }
  }

  @ParameterizedTest
  @ValueSource(strings = {"/", "/api/system", "/nothing", "/api/nothing", "/health/live"})
  void everyAnswerCarriesTheSecurityHeaders(String path) throws IOException {
    assertThat(get(path, "Host: " + OWN).headers())
        .containsEntry("x-content-type-options", "nosniff")
        .containsEntry("x-frame-options", "DENY")
        .containsEntry("referrer-policy", "no-referrer")
        .containsEntry("cross-origin-opener-policy", "same-origin")
        .containsEntry("cross-origin-resource-policy", "same-origin")
        .containsEntry("cache-control", path.matches("/(api|health).*") ? "no-store" : "no-cache")
        .hasEntrySatisfying(
            "content-security-policy",
            policy ->
                assertThat(policy)
                    .contains("default-src 'none'", "script-src 'self'", "frame-ancestors 'none'")
                    .doesNotContain("unsafe"));
  }
}
