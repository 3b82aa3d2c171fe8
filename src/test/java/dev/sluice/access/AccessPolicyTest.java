package dev.sluice.access;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.sluice.settings.Settings;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class AccessPolicyTest {

  private static AccessPolicy policy(Map<String, String> settings) {
    return AccessPolicy.of(Settings.read(key -> Optional.ofNullable(settings.get(key))));
  }

  private static final AccessPolicy LOCAL = policy(Map.of());

  private static final AccessPolicy OPENED =
      policy(
          Map.of(
              "sluice.http.hosts", "hub.example, tunnel.example:9000",
              "sluice.http.origins", "https://console.example, http://localhost:5173"));

  private static List<String> list(String text) {
    return text == null ? List.of() : Stream.of(text.split(" & ", -1)).toList();
  }

  private static Call call(String remote, String scheme, String host, String origin) {
    return new Call(
        remote, scheme, "GET", list(host), list(origin), "", "", "/", ProxyHeaders.NONE, false);
  }

  private static int status(Decision decision) {
    return decision instanceof Decision.Refused refused ? refused.refusal().status() : 200;
  }

  @ParameterizedTest(name = "{0} {1} Host {2} Origin {3} -> {4} and opened {5}")
  @CsvSource({
    // peer
    "127.0.0.1, http, localhost:8080, , 200, 200",
    "127.8.9.10, http, localhost:8080, , 200, 200",
    "0:0:0:0:0:0:0:1, http, localhost:8080, , 200, 200",
    "::1, http, localhost:8080, , 200, 200",
    "::1%lo, http, localhost:8080, , 200, 200",
    "0:0:0:0:0:0:0:1%0, http, localhost:8080, , 200, 200",
    "::ffff:127.0.0.1, http, localhost:8080, , 200, 200",
    "10.0.0.7, http, localhost:8080, , 401, 401",
    "192.168.1.4, http, 192.168.1.4:8080, , 401, 401",
    "128.0.0.1, http, localhost, , 401, 401",
    "0.0.0.0, http, localhost, , 401, 401",
    "::, http, localhost, , 401, 401",
    "fe80::1%eth0, http, localhost, , 401, 401",
    "::ffff:10.0.0.7, http, localhost, , 401, 401",
    "127.0.0.1.evil.example, http, localhost, , 401, 401",
    "localhost, http, localhost, , 401, 401",
    "'', http, localhost, , 401, 401",
    "1270.0.0.1, http, localhost, , 401, 401",
    "127.0.0.999, http, localhost, , 401, 401",
    // a remote peer is told how to get in, whatever else is wrong
    "10.0.0.7, http, evil.example, http://evil.example, 401, 401",
    // host
    "127.0.0.1, http, localhost, , 200, 200",
    "127.0.0.1, http, LocalHost:1, , 200, 200",
    "127.0.0.1, http, localhost.:8080, , 200, 200",
    "127.0.0.1, http, 127.0.0.1, , 200, 200",
    "127.0.0.1, http, 127.255.255.254:65535, , 200, 200",
    "127.0.0.1, http, [::1], , 200, 200",
    "127.0.0.1, http, [::1]:8080, , 200, 200",
    "127.0.0.1, http, [0:0:0:0:0:0:0:1]:8080, , 200, 200",
    "127.0.0.1, http, [::2]:8080, , 400, 400",
    "127.0.0.1, http, [::1, , 400, 400",
    "127.0.0.1, http, ::1, , 400, 400",
    "127.0.0.1, http, evil.example, , 400, 400",
    "127.0.0.1, http, localhost.evil.example, , 400, 400",
    "127.0.0.1, http, evil-localhost, , 400, 400",
    "127.0.0.1, http, 127.0.0.1.evil.example, , 400, 400",
    "127.0.0.1, http, 127.1, , 400, 400",
    "127.0.0.1, http, 127.0.0.256, , 400, 400",
    "127.0.0.1, http, 2130706433, , 400, 400",
    "127.0.0.1, http, 0.0.0.0, , 400, 400",
    "127.0.0.1, http, 10.0.0.7:8080, , 400, 400",
    "127.0.0.1, http, user@localhost, , 400, 400",
    "127.0.0.1, http, localhost:0, , 400, 400",
    "127.0.0.1, http, localhost:65536, , 400, 400",
    "127.0.0.1, http, localhost:x, , 400, 400",
    "127.0.0.1, http, localhost:, , 400, 400",
    "127.0.0.1, http, '', , 400, 400",
    "127.0.0.1, http, 'localhost, evil.example', , 400, 400",
    "127.0.0.1, http, localhost & evil.example, , 400, 400",
    "127.0.0.1, http, localhost & localhost, , 400, 400",
    "127.0.0.1, http, , , 400, 400",
    "127.0.0.1, http, hub.example, , 400, 200",
    "127.0.0.1, http, hub.example:1234, , 400, 200",
    "127.0.0.1, http, HUB.example., , 400, 200",
    "127.0.0.1, http, a.hub.example, , 400, 400",
    "127.0.0.1, http, tunnel.example:9000, , 400, 200",
    "127.0.0.1, http, tunnel.example:9001, , 400, 400",
    "127.0.0.1, http, tunnel.example, , 400, 400",
    // origin
    "127.0.0.1, http, localhost:8080, http://localhost:8080, 200, 200",
    "127.0.0.1, http, localhost:8080, HTTP://LOCALHOST:8080, 200, 200",
    "127.0.0.1, http, localhost, http://localhost, 200, 200",
    "127.0.0.1, http, localhost, http://localhost:80, 200, 200",
    "127.0.0.1, http, localhost:80, http://localhost, 200, 200",
    "127.0.0.1, https, localhost, https://localhost:443, 200, 200",
    "127.0.0.1, http, [::1]:8080, http://[::1]:8080, 200, 200",
    "127.0.0.1, http, localhost:8080, https://localhost:8080, 403, 403",
    "127.0.0.1, https, localhost:8080, http://localhost:8080, 403, 403",
    "127.0.0.1, http, localhost:8080, http://localhost:8081, 403, 403",
    "127.0.0.1, http, localhost:8080, http://localhost, 403, 403",
    "127.0.0.1, http, localhost:8080, http://127.0.0.1:8080, 403, 403",
    "127.0.0.1, http, localhost:8080, http://evil.example, 403, 403",
    "127.0.0.1, http, localhost:8080, http://localhost:8080.evil.example, 403, 403",
    "127.0.0.1, http, localhost:8080, http://localhost:8080/, 403, 403",
    "127.0.0.1, http, localhost:8080, http://localhost:8080@evil.example, 403, 403",
    "127.0.0.1, http, localhost:8080, null, 403, 403",
    "127.0.0.1, http, localhost:8080, '', 403, 403",
    "127.0.0.1, http, localhost:8080, file://, 403, 403",
    "127.0.0.1, http, localhost:8080, chrome-extension://abc, 403, 403",
    "127.0.0.1, http, localhost:8080, ws://localhost:8080, 403, 403",
    "127.0.0.1, http, localhost:8080, http://localhost:8080 & http://evil.example, 403, 403",
    "127.0.0.1, http, localhost:8080, http://localhost:8080 http://evil.example, 403, 403",
    "127.0.0.1, http, localhost:8080, https://console.example, 403, 200",
    "127.0.0.1, http, localhost:8080, https://console.example:443, 403, 200",
    "127.0.0.1, http, localhost:8080, http://console.example, 403, 403",
    "127.0.0.1, http, localhost:8080, https://console.example:8443, 403, 403",
    "127.0.0.1, http, localhost:8080, https://a.console.example, 403, 403",
    "127.0.0.1, http, localhost:8080, http://localhost:5173, 403, 200",
    // an untrusted host is found before its origin
    "127.0.0.1, http, evil.example, http://evil.example, 400, 400",
  })
  void eachCallIsDecidedByPeerThenHostThenPage(
      String remote, String scheme, String host, String origin, int local, int opened) {
    assertThat(status(LOCAL.decide(call(remote, scheme, host, origin)))).isEqualTo(local);
    assertThat(status(OPENED.decide(call(remote, scheme, host, origin)))).isEqualTo(opened);
  }

  @ParameterizedTest
  @CsvSource({
    "GET, '', '', 200",
    "GET, none, navigate, 200",
    "GET, same-origin, cors, 200",
    "GET, cross-site, navigate, 200",
    "GET, same-site, navigate, 200",
    "POST, cross-site, navigate, 403",
    "GET, cross-site, no-cors, 403",
    "GET, same-site, no-cors, 403",
    "GET, cross-site, websocket, 403",
    "HEAD, cross-site, '', 403",
  })
  void aRequestThatAnotherSitesPageCausedWithoutOriginIsRefusedUnlessItIsALink(
      String method, String site, String mode, int status) {
    Call call =
        new Call(
            "127.0.0.1",
            "http",
            method,
            list("localhost:1"),
            List.of(),
            site,
            mode,
            "/",
            ProxyHeaders.NONE,
            false);
    assertThat(status(LOCAL.decide(call))).isEqualTo(status);
  }

  @ParameterizedTest(name = "X-Forwarded-For {0} Forwarded {1} -> {2}")
  @CsvSource({
    "127.0.0.1, , 200",
    "'127.0.0.1, ::1', , 200",
    "127.0.0.1:4711, , 200",
    "[::1]:4711, , 200",
    ", for=127.0.0.1;proto=https, 200",
    ", 'For=\"[::1]:4711\", for=127.0.0.1', 200",
    "203.0.113.9, , 401",
    "'203.0.113.9, 127.0.0.1', , 401",
    "'127.0.0.1, 203.0.113.9', , 401",
    "127.0.0.1 & 203.0.113.9, , 401",
    "unknown, , 401",
    "'', , 401",
    "localhost, , 401",
    ", for=203.0.113.9;host=localhost, 401",
    ", 'for=127.0.0.1, for=203.0.113.9', 401",
    ", for=_hidden, 401",
    ", proto=https, 401",
    ", nonsense, 401",
  })
  void whatAProxyPassesOnForSomebodyElsewhereIsRefused(
      String forwardedFor, String forwarded, int status) {
    Call call =
        new Call(
            "127.0.0.1",
            "http",
            "GET",
            list("localhost:8080"),
            List.of(),
            "",
            "",
            "/",
            new ProxyHeaders(
                list(forwarded),
                list(forwardedFor),
                List.of(),
                List.of(),
                List.of(),
                List.of(),
                List.of()),
            false);
    assertThat(status(LOCAL.decide(call))).isEqualTo(status);
  }

  @Test
  void theLocalCallerIsTheAdministrator() {
    Decision decision = LOCAL.decide(call("127.0.0.1", "http", "localhost", null));
    assertThat(decision).isInstanceOf(Decision.Admitted.class);
    Caller caller = ((Decision.Admitted) decision).caller();
    assertThat(caller.getName()).isEqualTo("local");
    assertThat(caller.has("anything")).isTrue();
  }

  @Test
  void aConfiguredOriginMayReadTheAnswerAndAskBefore() {
    Call asked =
        new Call(
            "127.0.0.1",
            "http",
            "OPTIONS",
            list("localhost:8080"),
            list("https://console.example"),
            "cross-site",
            "cors",
            "/",
            ProxyHeaders.NONE,
            true);
    assertThat(OPENED.decide(asked)).isEqualTo(new Decision.Preflight("https://console.example"));
    assertThat(status(LOCAL.decide(asked))).isEqualTo(403);
    Decision decision =
        OPENED.decide(call("127.0.0.1", "http", "localhost:8080", "https://console.example"));
    assertThat(((Decision.Admitted) decision).crossOrigin()).contains("https://console.example");
  }

  @Test
  void ourOwnOriginNeedsNoCrossOriginHeaders() {
    Decision decision =
        LOCAL.decide(call("127.0.0.1", "http", "localhost:8080", "http://localhost:8080"));
    assertThat(((Decision.Admitted) decision).crossOrigin()).isEmpty();
  }

  @Test
  void aRemoteCallerIsChallengedAndToldHowAccessIsSetUp() {
    Refusal refusal =
        ((Decision.Refused) LOCAL.decide(call("10.0.0.7", "http", "x", null))).refusal();
    assertThat(refusal.headers()).containsKey("WWW-Authenticate");
    assertThat(refusal.message())
        .contains("sluice.auth.mode=local", "localhost")
        .doesNotContain("\n");
  }

  @Test
  void theRefusalRepeatsAtMostTwoHundredCharactersOfTheRequest() {
    String origin = "http://" + "x".repeat(10_000);
    Refusal refusal =
        ((Decision.Refused) LOCAL.decide(call("127.0.0.1", "http", "localhost", origin))).refusal();
    assertThat(refusal.details().getString("origin")).hasSizeLessThanOrEqualTo(201);
  }

  @ParameterizedTest
  @ValueSource(strings = {"enforced", "none", "LOCAL"})
  void anyOtherModeStopsTheStart(String mode) {
    assertThatThrownBy(() -> policy(Map.of("sluice.auth.mode", mode)))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("sluice.auth.mode must be local")
        .hasMessageContaining(mode);
  }

  @ParameterizedTest
  @CsvSource({
    "sluice.http.origins, *",
    "sluice.http.origins, console.example",
    "sluice.http.origins, https://console.example/path",
    "sluice.http.origins, 'https://a.example,,https://b.example'",
    "sluice.http.hosts, *.example",
    "sluice.http.hosts, http://hub.example",
    "sluice.http.hosts, hub.example:99999",
  })
  void aHostOrOriginThatCannotBeMeantStopsTheStart(String key, String value) {
    assertThatThrownBy(() -> policy(Map.of(key, value)))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining(key);
  }

  @Test
  void thePolicyDescribesItselfForTheLog() {
    assertThat(LOCAL)
        .hasToString("local mode; hosts loopback only, origins own only; no proxy is trusted");
    assertThat(OPENED.toString()).contains("hub.example", "https://console.example:443");
  }
}
