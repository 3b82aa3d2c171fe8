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

/** What is believed of the headers of proxies, and what not. */
class ProxiesTest {

  private static final String TRUSTED = "127.0.0.9, 10.0.0.0/8, fd00::/8, 192.0.2.128/25";

  private static Settings settings(String... keysAndValues) {
    return Settings.read(
        key -> {
          for (int i = 0; i < keysAndValues.length; i += 2) {
            if (keysAndValues[i].equals(key)) {
              return Optional.of(keysAndValues[i + 1]);
            }
          }
          return Optional.empty();
        });
  }

  private static Proxies proxies(String headers) {
    return Proxies.of(settings("sluice.proxy.trusted", TRUSTED, "sluice.proxy.headers", headers));
  }

  private static List<String> list(String text) {
    return text == null ? List.of() : Stream.of(text.split(" & ", -1)).toList();
  }

  /** Headers as lines, {@code For: a, b}; of X-Forwarded unless it is Forwarded itself. */
  private static ProxyHeaders said(String... lines) {
    Map<String, List<String>> by =
        Stream.of(lines)
            .collect(
                java.util.stream.Collectors.groupingBy(
                    line -> line.substring(0, line.indexOf(':')),
                    java.util.stream.Collectors.mapping(
                        line -> line.substring(line.indexOf(':') + 1).strip(),
                        java.util.stream.Collectors.toList())));
    return new ProxyHeaders(
        by.getOrDefault("Forwarded", List.of()),
        by.getOrDefault("For", List.of()),
        by.getOrDefault("Real", List.of()),
        by.getOrDefault("Proto", List.of()),
        by.getOrDefault("Host", List.of()),
        by.getOrDefault("Port", List.of()),
        by.getOrDefault("Prefix", List.of()));
  }

  private static Proxies.Claim read(String headers, String... lines) throws Forwarding.Malformed {
    return proxies(headers).read(said(lines), "/mcp/s/sse");
  }

  @ParameterizedTest
  @CsvSource({
    "127.0.0.9, true",
    "127.0.0.8, false",
    "10.255.0.1, true",
    "::ffff:10.1.1.1, true",
    "11.0.0.1, false",
    "192.0.2.127, false",
    "192.0.2.128, true",
    "192.0.2.255, true",
    "fd12:3456::1, true",
    "fd12::1%eth0, true",
    "fc00::1, false",
    "::1, false",
    "localhost, false",
    "'', false",
  })
  void onlyPeersThatTheSettingNamesAreTrusted(String peer, boolean trusted) {
    assertThat(proxies("x-forwarded").trusts(peer)).isEqualTo(trusted);
    assertThat(Proxies.of(settings()).trusts(peer)).as("by default").isFalse();
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "10.0.0.0/0",
        "::/0",
        "10.0.0.0/33",
        "10.0.0.0/",
        "10.0.0",
        "proxy.example",
        "*",
        "10.0.0.1,,10.0.0.2",
        "300.0.0.1",
        "fd00::/129",
        "10.0.0.0/08"
      })
  void aProxyThatCannotBeMeantStopsTheStart(String trusted) {
    assertThatThrownBy(() -> Proxies.of(settings("sluice.proxy.trusted", trusted)))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("sluice.proxy.trusted");
  }

  @Test
  void headersThatAreNotKnownStopTheStart() {
    assertThatThrownBy(() -> Proxies.of(settings("sluice.proxy.headers", "both")))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("sluice.proxy.headers must be x-forwarded or forwarded");
  }

  @ParameterizedTest(name = "{0} -> {1}")
  @CsvSource({
    "203.0.113.9, 203.0.113.9",
    "203.0.113.9:4711, 203.0.113.9",
    "'127.0.0.1, 203.0.113.9', 203.0.113.9",
    "127.0.0.1 & 203.0.113.9, 203.0.113.9",
    "'127.0.0.1, 203.0.113.9, 10.0.0.3', 203.0.113.9",
    "'203.0.113.9, 10.0.0.4, 10.0.0.3', 203.0.113.9",
    "'10.0.0.4, 10.0.0.3', 10.0.0.4",
    "'10.0.0.4, unknown', ''",
    "'10.0.0.4, _hidden', ''",
    "'garbage <>, 203.0.113.9', 203.0.113.9",
    "'2001:db8::1', 2001:db8:0:0:0:0:0:1",
    "'[2001:db8::1]:99', 2001:db8:0:0:0:0:0:1",
    "::ffff:203.0.113.9, 203.0.113.9",
  })
  void theCallerIsTheLastAddressThatIsNoTrustedProxy(String addresses, String caller)
      throws Exception {
    ProxyHeaders said =
        new ProxyHeaders(
            List.of(), list(addresses), List.of(), List.of(), List.of(), List.of(), List.of());
    assertThat(proxies("x-forwarded").read(said, "/").address()).isEqualTo(caller);
  }

  @Test
  void whatIsSaidOfTheRequestIsWhatTheProxySaidThatSawTheCaller() throws Exception {
    Proxies.Claim claim =
        read(
            "x-forwarded",
            "For: 127.0.0.1, 203.0.113.9, 10.0.0.3",
            "Proto: http, https, http",
            "Host: evil.example, public.example:8443, inner.example",
            "Port: 1, 443, 8080",
            "Prefix: /evil, /outer, /inner/");
    assertThat(claim.address()).isEqualTo("203.0.113.9");
    assertThat(claim.scheme()).contains("https");
    assertThat(claim.host().map(Authority::toString)).contains("public.example:8443");
    assertThat(claim.port()).hasValue(443);
    assertThat(claim.prefix()).isEqualTo("/outer/inner");
  }

  @Test
  void aHeaderThatTheNearestProxyReplacesHasOneElement() throws Exception {
    Proxies.Claim claim =
        read("x-forwarded", "For: 203.0.113.9, 10.0.0.3", "Proto: HTTPS", "Host: public.example");
    assertThat(claim.scheme()).contains("https");
    assertThat(claim.host().map(Authority::toString)).contains("public.example");
    assertThat(claim.prefix()).isEmpty();
  }

  @Test
  void theStandardHeaderIsReadWithItsQuotesAndSeveralLines() throws Exception {
    Proxies.Claim claim =
        read(
            "forwarded",
            "Forwarded: for=\"_gaze,;\\\"llo\";host=evil.example, For=\"[2001:db8::9]:4711\";"
                + "Proto=https;Host=\"public.example:8443\";by=_x",
            "Forwarded: for=10.0.0.7;proto=http;host=inner",
            "Prefix: /outer");
    assertThat(claim.address()).isEqualTo("2001:db8:0:0:0:0:0:9");
    assertThat(claim.scheme()).contains("https");
    assertThat(claim.host().map(Authority::toString)).contains("public.example:8443");
    assertThat(claim.prefix()).isEqualTo("/outer");
  }

  @Test
  void ofTheOtherKindOfHeadersNothingIsBelieved() throws Exception {
    Proxies.Claim standard =
        read(
            "forwarded",
            "Forwarded: for=203.0.113.9",
            "For: 127.0.0.1",
            "Proto: https",
            "Host: evil.example");
    assertThat(standard.address()).isEqualTo("203.0.113.9");
    assertThat(standard.scheme()).isEmpty();
    assertThat(standard.host()).isEmpty();
    Proxies.Claim customary =
        read(
            "x-forwarded",
            "Forwarded: for=127.0.0.1;proto=https;host=evil.example",
            "For: 203.0.113.9");
    assertThat(customary.address()).isEqualTo("203.0.113.9");
    assertThat(customary.scheme()).isEmpty();
    assertThat(customary.host()).isEmpty();
  }

  @Test
  void withoutAnAddressTheCallerIsNotKnown() throws Exception {
    assertThat(read("x-forwarded", "Proto: https").address()).isEmpty();
    assertThat(read("forwarded", "Forwarded: proto=https").address()).isEmpty();
    assertThat(read("x-forwarded", "Real: 203.0.113.9").address()).isEqualTo("203.0.113.9");
  }

  @ParameterizedTest
  @CsvSource({
    "/api/v1, /api/v1",
    "/api/v1/, /api/v1",
    "/, ''",
    "'', ''",
    "/api/v1/mcp/s/sse, /api/v1",
    "/a.b/~c_d-e, /a.b/~c_d-e",
  })
  void aPrefixIsAPlainPath(String prefix, String read) throws Exception {
    assertThat(read("x-forwarded", "For: 203.0.113.9", "Prefix: " + prefix).prefix())
        .isEqualTo(read);
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "Prefix: //evil.example",
        "Prefix: /a//b",
        "Prefix: /..",
        "Prefix: /a/../b",
        "Prefix: /./a",
        "Prefix: evil",
        "Prefix: https://evil.example",
        "Prefix: /a?b",
        "Prefix: /a#b",
        "Prefix: /a\\b",
        "Prefix: /%2e%2e",
        "Prefix: /a%0d%0ab",
        "Prefix: /a b",
        "Prefix: /a\r\ndata: x",
        "Proto: gopher",
        "Proto: https://",
        "Proto: ",
        "Host: a/b",
        "Host: user@host",
        "Host: host:99999",
        "Host: a b",
        "Port: 0",
        "Port: 65536",
        "Port: 8o",
        "For: nobody",
        "For: 300.1.1.1",
        "For: 1.2.3.4:port",
        "For: [::1",
        "For: ",
      })
  void whatCannotBeMeantIsRefused(String line) {
    assertThatThrownBy(() -> read("x-forwarded", "For: 203.0.113.9", line))
        .isInstanceOf(Forwarding.Malformed.class);
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "for",
        "for=",
        "for=203.0.113.9;;proto=http",
        "for=203.0.113.9;for=127.0.0.1",
        "for=\"203.0.113.9",
        "for=203.0.113.9 proto=https",
        "for=203.0.113.9;proto=ftp",
        "for=203.0.113.9;host=\"a b\"",
        "for=203.0.113.9,",
        "",
        "for=somebody",
        "for=\"a\tb\"",
      })
  void aForwardedHeaderThatIsNoneIsRefused(String value) {
    assertThatThrownBy(() -> read("forwarded", "Forwarded: " + value))
        .isInstanceOf(Forwarding.Malformed.class)
        .extracting(failure -> ((Forwarding.Malformed) failure).header())
        .isEqualTo("Forwarded");
  }

  @Test
  void hugeListsAreRefused() {
    assertThatThrownBy(() -> read("x-forwarded", "For: " + "10.0.0.1, ".repeat(32) + "10.0.0.1"))
        .hasMessageContaining("more than 32 elements");
    assertThatThrownBy(() -> read("x-forwarded", "For: " + "1".repeat(4_097)))
        .hasMessageContaining("longer than 4096 characters");
    assertThatThrownBy(() -> read("forwarded", "Forwarded: " + "for=a,".repeat(33) + "for=a"))
        .hasMessageContaining("more than 32 elements");
    assertThatThrownBy(() -> read("forwarded", "Forwarded: for=\"" + "\\a".repeat(4_097) + "\""))
        .hasMessageContaining("longer than 4096 characters");
    assertThat(Forwarding.isLocal(said("For: " + "127.0.0.1, ".repeat(100_000) + "127.0.0.1")))
        .isFalse();
  }

  private static Decision decide(String peer, String host, String origin, ProxyHeaders said) {
    AccessPolicy policy =
        AccessPolicy.of(
            settings(
                "sluice.proxy.trusted", "127.0.0.9, 127.0.0.10, 10.0.0.0/8",
                "sluice.http.hosts", "public.example"));
    return policy.decide(
        new Call(peer, "http", "GET", list(host), list(origin), "", "", "/mcp/s/sse", said, false));
  }

  private static int status(Decision decision) {
    return decision instanceof Decision.Refused refused ? refused.refusal().status() : 200;
  }

  @ParameterizedTest(name = "peer {0} says {1} -> {2}")
  @CsvSource({
    "127.0.0.9, For: 127.0.0.1, 200",
    "127.0.0.9, For: 203.0.113.9, 401",
    "127.0.0.9, 'For: 127.0.0.1, 203.0.113.9', 401",
    "127.0.0.9, 'For: 203.0.113.9, 127.0.0.1', 401",
    "127.0.0.9, 'For: 203.0.113.9, 127.0.0.10', 401",
    "127.0.0.9, For: unknown, 401",
    "127.0.0.9, Proto: https, 401",
    "127.0.0.9, Host: public.example, 401",
    "127.0.0.9, Forwarded: for=127.0.0.1, 401",
    "127.0.0.9, Prefix: /..&For: 127.0.0.1, 400",
    "127.0.0.9, For: <script>, 400",
    "10.0.0.5, For: 127.0.0.1, 401",
    "10.0.0.5, For: 203.0.113.9, 401",
    "127.0.0.1, Proto: https, 200",
    "127.0.0.1, Prefix: /.., 200",
    "127.0.0.1, For: <script>, 401",
  })
  void aProxyMakesNobodyALocalAdministratorWhoIsNot(String peer, String lines, int status) {
    assertThat(status(decide(peer, "localhost", null, said(lines.split("&"))))).isEqualTo(status);
  }

  @Test
  void hostAndOriginAreJudgedAsTheClientSentThem() {
    String[] lines = {"For: 127.0.0.1", "Proto: https", "Host: public.example"};
    assertThat(decide("127.0.0.9", "localhost:8080", "https://public.example", said(lines)))
        .isInstanceOfSatisfying(
            Decision.Admitted.class,
            admitted ->
                assertThat(admitted.forwarded())
                    .contains(
                        new Decision.Forwarded(
                            "127.0.0.1",
                            "public.example",
                            443,
                            new PublicUrl("https", "public.example", ""))));
    assertThat(status(decide("127.0.0.9", "localhost", "http://localhost", said(lines))))
        .isEqualTo(403);
    assertThat(status(decide("127.0.0.1", "localhost", "https://public.example", said(lines))))
        .isEqualTo(403);
    assertThat(
            status(
                decide(
                    "127.0.0.9", "localhost", null, said("For: 127.0.0.1", "Host: evil.example"))))
        .isEqualTo(400);
    assertThat(
            status(
                decide(
                    "127.0.0.9", "evil.example", null, said("For: 127.0.0.1", "Host: localhost"))))
        .as("a client's own X-Forwarded-Host does not hide its Host")
        .isEqualTo(400);
  }
}
