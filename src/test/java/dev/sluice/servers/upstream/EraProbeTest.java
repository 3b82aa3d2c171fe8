package dev.sluice.servers.upstream;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.sun.net.httpserver.HttpServer;
import dev.sluice.servers.ServerDefinition;
import dev.sluice.servers.ServerDefinition.Transport;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.URI;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CopyOnWriteArrayList;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** What servers of all kinds make of the probe, and what is made of their answers. */
class EraProbeTest {

  private static final String DISCOVERED =
      "'{\"jsonrpc\":\"2.0\",\"id\":1,\"result\":{\"supportedVersions\":[\"2026-07-28\"]}}'";

  private final Rig rig = new Rig();

  @AfterEach
  void close() {
    rig.close();
  }

  /** A child that answers the first line it gets with this one, whatever it was. */
  private static ServerDefinition says(String json) {
    return Rig.shell("read line; echo " + json + "; read line");
  }

  @Test
  void aChildThatDiscoversItselfIsModernAndASecondOneIsAskedForSessions() {
    EraVerdict verdict = rig.upstreams.eras(says(DISCOVERED));
    assertThat(verdict.modern()).isTrue();
    assertThat(verdict.legacy()).isFalse();
    assertThat(verdict.probed()).isTrue();
  }

  @Test
  void aServerWithSessionsIsLegacy() {
    EraVerdict verdict = rig.upstreams.eras(Rig.java());
    assertThat(verdict.modern()).isFalse();
    assertThat(verdict.legacy()).isTrue();
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "'{\"jsonrpc\":\"2.0\",\"id\":1,\"error\":{\"code\":-32601,\"message\":\"what?\"}}'",
        "'{\"jsonrpc\":\"2.0\",\"id\":1,\"error\":{\"code\":-32020,\"message\":\"what?\"}}'",
        "'{\"jsonrpc\":\"2.0\",\"id\":1,\"result\":{\"supportedVersions\":[\"2025-11-25\"]}}'",
        "'{\"jsonrpc\":\"2.0\",\"id\":1,\"result\":{}}'"
      })
  void anyOtherAnswerOfAChildIsThatOfALegacyOne(String answer) {
    EraVerdict verdict = rig.upstreams.eras(says(answer));
    assertThat(verdict.modern()).isFalse();
    assertThat(verdict.legacy()).isTrue();
  }

  @Test
  void aChildThatExitsOnWhatItDoesNotKnowIsLegacy() {
    EraVerdict verdict = rig.upstreams.eras(Rig.shell("read line; exit 1"));
    assertThat(verdict.modern()).isFalse();
  }

  @Test
  void aChildThatIsSilentIsLegacy() {
    EraVerdict verdict = rig.upstreams.eras(Rig.shell("while read line; do :; done"));
    assertThat(verdict.modern()).isFalse();
  }

  @Test
  void aChildThatCannotBeStartedIsNoEvidence() {
    ServerDefinition missing =
        Rig.definition(
            new Transport.Stdio(
                "no-such-command-anywhere", List.of(), Map.of(), java.util.Optional.empty()));
    assertThatThrownBy(() -> rig.upstreams.eras(missing)).isInstanceOf(StartFailure.class);
  }

  private EraVerdict asked(int status, String body) throws Exception {
    HttpServer server =
        HttpServer.create(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0), 5);
    List<String> methods = new CopyOnWriteArrayList<>();
    server.createContext(
        "/",
        exchange -> {
          methods.add(exchange.getRequestHeaders().getFirst("Mcp-Method"));
          byte[] bytes = body.getBytes(UTF_8);
          exchange.getResponseHeaders().set("Content-Type", "application/json");
          exchange.sendResponseHeaders(status, bytes.length == 0 ? -1 : bytes.length);
          exchange.getResponseBody().write(bytes);
          exchange.close();
        });
    server.start();
    try {
      URI url = URI.create("http://127.0.0.1:" + server.getAddress().getPort() + "/");
      return rig.upstreams.eras(Rig.definition(new Transport.Http(url, Map.of())));
    } finally {
      server.stop(0);
      assertThat(methods.get(0)).isEqualTo("server/discover");
    }
  }

  @ParameterizedTest
  @ValueSource(ints = {401, 403, 429, 500, 502, 503})
  void anHttpServerThatRefusesEverythingIsNoEvidence(int status) {
    String error = "{\"jsonrpc\":\"2.0\",\"id\":1,\"error\":{\"code\":-32000,\"message\":\"no\"}}";
    assertThatThrownBy(() -> asked(status, error))
        .isInstanceOf(UpstreamException.class)
        .hasMessageContaining(String.valueOf(status));
  }

  @ParameterizedTest
  @CsvSource({
    "400, -32000, null",
    "400, -32020, 1",
    "400, -32021, 1",
    "404, -32601, 1",
    "200, -32601, 1"
  })
  void anErrorOtherThanAboutTheVersionIsThatOfALegacyServer(int status, int code, String id)
      throws Exception {
    String error =
        "{\"jsonrpc\":\"2.0\",\"id\":"
            + id
            + ",\"error\":{\"code\":"
            + code
            + ",\"message\":\"no\"}}";
    assertThat(asked(status, error).modern()).isFalse();
  }

  @Test
  void aRefusalWithoutABodyIsThatOfALegacyServer() throws Exception {
    assertThat(asked(405, "").modern()).isFalse();
  }

  @ParameterizedTest
  @CsvSource({"2026-07-28, true", "2027-01-01, false"})
  void aServerThatNamesOurVersionInItsErrorIsModern(String version, boolean modern)
      throws Exception {
    String error =
        "{\"jsonrpc\":\"2.0\",\"id\":1,\"error\":{\"code\":-32022,\"message\":\"no\",\"data\":"
            + "{\"supported\":[\""
            + version
            + "\"],\"requested\":\"x\"}}}";
    assertThat(asked(400, error).modern()).isEqualTo(modern);
  }
}
