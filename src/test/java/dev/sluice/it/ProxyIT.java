package dev.sluice.it;

import static org.assertj.core.api.Assertions.assertThat;

import jakarta.json.Json;
import java.io.IOException;
import java.net.URI;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.Map;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/**
 * The hub behind an ingress: what proxies say is believed of the trusted ones only, and makes
 * nobody a local administrator. The proxy is a peer with an address of its own.
 */
class ProxyIT extends RestTest {

  private static final String PROXY = "127.0.0.9";
  private static final String SOMEBODY = "127.0.0.1";
  private static final String NAME = "it-proxied";
  private static final String SSE = "/mcp/" + NAME + "/sse";
  private static final String MESSAGES = "/mcp/" + NAME + "/messages?session_id=[\\w-]{20,}";
  private static final String LOCAL = "X-Forwarded-For: 127.0.0.1";

  /** Believes X-Forwarded-* and gives whole URLs. */
  private static HubProcess customary;

  /** Believes Forwarded. */
  private static HubProcess standard;

  @TempDir private static Path directory;

  @BeforeAll
  static void start() throws IOException {
    customary =
        HubProcess.start(
            directory.resolve("customary"),
            Map.of(
                "sluice.proxy.trusted", "127.0.0.9/32",
                "sluice.http.hosts", "public.example.com",
                "sluice.relay.sse.absolute", "true"));
    standard =
        HubProcess.start(
            directory.resolve("standard"),
            Map.of(
                "sluice.proxy.trusted", "127.0.0.8/31",
                "sluice.proxy.headers", "forwarded",
                "sluice.http.hosts", "public.example.com"));
    for (HubProcess hub : new HubProcess[] {customary, standard}) {
      assertThat(register(hub.base(), NAME, SOMEBODY).status()).isEqualTo(201);
    }
  }

  @AfterAll
  static void stop() {
    for (HubProcess hub : new HubProcess[] {customary, standard}) {
      if (hub != null) {
        hub.close();
      }
    }
  }

  @BeforeEach
  void onTheHubThatTrustsNobody() throws Exception {
    create(sample(NAME));
  }

  private static String[] lines(URI hub, String... headers) {
    return Stream.concat(Stream.of("Host: localhost:" + hub.getPort()), Stream.of(headers))
        .toArray(String[]::new);
  }

  private static RawHttp.Answer register(URI hub, String name, String from, String... headers)
      throws IOException {
    byte[] body = sample(name).build().toString().getBytes(StandardCharsets.UTF_8);
    String[] more =
        Stream.concat(
                Stream.of("Content-Type: application/json", "Content-Length: " + body.length),
                Stream.of(headers))
            .toArray(String[]::new);
    try (RawHttp http = new RawHttp(hub, from)) {
      return http.send("POST /api/mcp_servers HTTP/1.1", lines(hub, more)).send(body).answer();
    }
  }

  private static RawHttp.Answer get(URI hub, String from, String path, String... headers)
      throws IOException {
    try (RawHttp http = new RawHttp(hub, from)) {
      return http.send("GET " + path + " HTTP/1.1", lines(hub, headers)).answer();
    }
  }

  private static String endpoint(URI hub, String from, String... headers) throws IOException {
    try (RawHttp http = new RawHttp(hub, from)) {
      return http.send("GET " + SSE + " HTTP/1.1", lines(hub, headers)).firstData();
    }
  }

  @Test
  void theEndpointHasTheAddressThatTheClientCalled() throws IOException {
    assertThat(
            endpoint(
                customary.base(),
                PROXY,
                LOCAL,
                "X-Forwarded-Proto: https",
                "X-Forwarded-Host: public.example.com",
                "X-Forwarded-Port: 443",
                "X-Forwarded-Prefix: /api/v1"))
        .matches("https://public\\.example\\.com:443/api/v1" + MESSAGES.replace("?", "\\?"));
    assertThat(endpoint(customary.base(), PROXY))
        .as("the proxy's own call")
        .matches("http://localhost:" + customary.base().getPort() + MESSAGES.replace("?", "\\?"));
  }

  @Test
  void theRelativeEndpointHasThePrefixOfTheIngressAndIsAnswered() throws IOException {
    URI hub = standard.base();
    String[] said = {
      "Forwarded: for=\"127.0.0.1:4711\";proto=https;host=\"public.example.com:8443\"",
      "X-Forwarded-Prefix: /tools/sluice" + SSE
    };
    try (RawHttp stream = new RawHttp(hub, PROXY)) {
      String endpoint = stream.send("GET " + SSE + " HTTP/1.1", lines(hub, said)).firstData();
      assertThat(endpoint).matches("/tools/sluice" + MESSAGES.replace("?", "\\?"));
      String body = "{\"jsonrpc\":\"2.0\",\"method\":\"notifications/x\"}";
      try (RawHttp http = new RawHttp(hub, PROXY)) {
        RawHttp.Answer answer =
            http.send(
                    "POST " + endpoint.substring("/tools/sluice".length()) + " HTTP/1.1",
                    lines(
                        hub,
                        said[0],
                        "Content-Type: application/json",
                        "Content-Length: " + body.length()))
                .send(body.getBytes(StandardCharsets.UTF_8))
                .answer();
        assertThat(answer.status()).isEqualTo(202);
      }
    }
  }

  @Test
  void thePlaceOfWhatWasMadeIsTheClientsToo() throws IOException {
    RawHttp.Answer answer =
        register(
            customary.base(),
            "it-placed",
            PROXY,
            LOCAL,
            "X-Forwarded-Proto: https",
            "X-Forwarded-Host: public.example.com",
            "X-Forwarded-Prefix: /api/v1");
    assertThat(answer.status()).isEqualTo(201);
    assertThat(answer.headers())
        .containsEntry("location", "https://public.example.com/api/v1/api/mcp_servers/it-placed");
  }

  @Test
  void whatAnUntrustedPeerSaysOfHostAndPathIsIgnored() throws IOException {
    String[] said = {
      "X-Forwarded-Proto: https",
      "X-Forwarded-Host: malicious.example.com",
      "X-Forwarded-Port: 9999",
      "X-Forwarded-Prefix: //evil.example/..",
    };
    assertThat(endpoint(HUB, SOMEBODY, said)).matches(MESSAGES.replace("?", "\\?"));
    assertThat(endpoint(HUB, PROXY, said)).matches(MESSAGES.replace("?", "\\?"));
    assertThat(endpoint(customary.base(), SOMEBODY, said))
        .matches("http://localhost:" + customary.base().getPort() + MESSAGES.replace("?", "\\?"));
  }

  @ParameterizedTest(name = "{0} says {1} -> {2}")
  @CsvSource({
    "127.0.0.9, X-Forwarded-For: 127.0.0.1, 200",
    "127.0.0.9, X-Forwarded-For: 203.0.113.9, 401",
    "127.0.0.9, 'X-Forwarded-For: 127.0.0.1, 203.0.113.9', 401",
    "127.0.0.9, 'X-Forwarded-For: 203.0.113.9, 127.0.0.1', 401",
    "127.0.0.9, X-Real-IP: 203.0.113.9, 401",
    "127.0.0.9, X-Forwarded-For: unknown, 401",
    "127.0.0.9, X-Forwarded-Proto: https, 401",
    "127.0.0.9, Forwarded: for=127.0.0.1, 401",
    "127.0.0.1, X-Forwarded-For: 203.0.113.9, 401",
    "127.0.0.1, X-Forwarded-Proto: https, 200",
  })
  void aProxyMakesNobodyALocalAdministratorWhoIsNot(String peer, String header, int status)
      throws IOException {
    assertThat(get(customary.base(), peer, "/api/system/me", header).status()).isEqualTo(status);
  }

  @ParameterizedTest
  @ValueSource(strings = {"for=203.0.113.9", "for=127.0.0.1, for=203.0.113.9", "proto=https"})
  void theStandardHeaderMakesNobodyALocalAdministratorWhoIsNot(String said) throws IOException {
    URI hub = standard.base();
    assertThat(get(hub, PROXY, "/api/system/me", "Forwarded: " + said).status()).isEqualTo(401);
    assertThat(get(hub, PROXY, "/api/system/me", "Forwarded: for=\"[::1]\"").status())
        .isEqualTo(200);
  }

  @Test
  void hostAndOriginAreThoseThatTheClientSent() throws IOException {
    URI hub = customary.base();
    String[] said = {
      LOCAL, "X-Forwarded-Proto: https", "X-Forwarded-Host: public.example.com",
    };
    assertThat(
            get(hub, PROXY, "/api/system/me", with(said, "Origin: https://public.example.com"))
                .status())
        .isEqualTo(200);
    assertThat(get(hub, PROXY, "/api/system/me", with(said, "Origin: http://localhost")).status())
        .isEqualTo(403);
    assertThat(
            get(hub, SOMEBODY, "/api/system/me", with(said, "Origin: https://public.example.com"))
                .status())
        .as("an untrusted peer")
        .isEqualTo(403);
    RawHttp.Answer foreign =
        get(hub, PROXY, "/api/system/me", LOCAL, "X-Forwarded-Host: evil.example");
    assertThat(foreign.status()).isEqualTo(400);
    assertThat(foreign.error().getString("code")).isEqualTo("untrusted_host");
  }

  @Test
  void aSocketIsOpenedForTheClientsOwnOrigin() throws IOException {
    URI hub = customary.base();
    String[] upgrade = {
      "Upgrade: websocket",
      "Connection: Upgrade",
      "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==",
      "Sec-WebSocket-Version: 13",
      "Origin: https://public.example.com",
      "X-Forwarded-Proto: wss",
      "X-Forwarded-Host: public.example.com",
      LOCAL
    };
    for (String path : new String[] {"/api/ws/events", "/mcp/" + NAME + "/ws"}) {
      assertThat(get(hub, PROXY, path, upgrade).status()).isEqualTo(101);
      assertThat(get(hub, SOMEBODY, path, upgrade).status()).isEqualTo(403);
    }
  }

  private static String[] with(String[] some, String one) {
    return Stream.concat(Stream.of(some), Stream.of(one)).toArray(String[]::new);
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "X-Forwarded-Prefix: //evil.example",
        "X-Forwarded-Prefix: /a/../../b",
        "X-Forwarded-Prefix: https://evil.example",
        "X-Forwarded-Prefix: /a%0d%0adata:%20x",
        "X-Forwarded-Prefix: /a\\b",
        "X-Forwarded-Proto: javascript",
        "X-Forwarded-Host: public.example.com/evil",
        "X-Forwarded-Host: evil@public.example.com",
        "X-Forwarded-Port: 99999",
      })
  void whatATrustedProxySaysWithoutSenseIsRefused(String header) throws IOException {
    RawHttp.Answer answer = get(customary.base(), PROXY, SSE, LOCAL, header);
    assertThat(answer.status()).isEqualTo(400);
    assertThat(answer.error().getString("code")).isEqualTo("malformed_forwarding");
    assertThat(answer.error().getString("message"))
        .contains(header.substring(0, header.indexOf(':')))
        .doesNotContain("evil");
  }

  @Test
  void listsWithoutEndAreRefused() throws IOException {
    URI hub = customary.base();
    String many = "X-Forwarded-For: " + "127.0.0.1,".repeat(400) + "127.0.0.1";
    assertThat(get(hub, PROXY, "/api/system/me", many).status()).isEqualTo(400);
    assertThat(get(hub, SOMEBODY, "/api/system/me", many).status()).isEqualTo(401);
    assertThat(get(hub, SOMEBODY, "/api/system/me").status()).isEqualTo(200);
  }

  @ParameterizedTest
  @ValueSource(strings = {"/a\r\n\tdata: x", "/a\rdata: x", "/a\ndata: x", "/a\u0000b"})
  void noLineIsSmuggledIntoTheStream(String prefix) throws IOException {
    URI hub = customary.base();
    String[] said = lines(hub, LOCAL, "X-Forwarded-Prefix: " + prefix, "X-After: 1");
    String first;
    try (RawHttp http = new RawHttp(hub, PROXY)) {
      first = http.send("GET " + SSE + " HTTP/1.1", said).firstData();
    } catch (IOException refused) {
      return;
    }
    // a bare LF ends a header line for some servers: then the rest is a header of its own
    assertThat(first)
        .matches("http://localhost:" + hub.getPort() + "(/a)?" + MESSAGES.replace("?", "\\?"));
  }

  @Test
  void theRefusalIsTheOneShapeOfErrors() throws IOException {
    RawHttp.Answer answer =
        get(customary.base(), PROXY, "/api/system", LOCAL, "X-Forwarded-Port: 0");
    assertThat(answer.error().getJsonObject("details"))
        .isEqualTo(Json.createObjectBuilder().add("header", "X-Forwarded-Port").build());
  }
}
