package dev.sluice.relay;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;

import dev.sluice.jsonrpc.Envelope;
import dev.sluice.jsonrpc.Envelope.Part;
import dev.sluice.servers.upstream.ModernHeaders;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.TreeMap;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class ModernLadderTest {

  private static final String VERSION = "\"io.modelcontextprotocol/protocolVersion\":";
  private static final String CAPABILITIES = "\"io.modelcontextprotocol/clientCapabilities\":";
  private static final String META =
      "\"_meta\":{" + VERSION + "\"2026-07-28\"," + CAPABILITIES + "{}}";

  /** Header values by name, as HTTP compares names. */
  private final Map<String, List<String>> headers = new TreeMap<>(String.CASE_INSENSITIVE_ORDER);

  private static Envelope read(String json) throws Exception {
    return Envelope.read(json.getBytes(UTF_8));
  }

  private static Envelope request(String method, String params) throws Exception {
    return read(
        "{\"jsonrpc\":\"2.0\",\"id\":\"x7\",\"method\":\""
            + method
            + "\",\"params\":{"
            + params
            + "}}");
  }

  private void header(String name, String value) {
    headers.computeIfAbsent(name, key -> new ArrayList<>()).add(value);
  }

  private void standard(String method) {
    header("mcp-protocol-version", "2026-07-28");
    header("mcp-method", method);
  }

  /** The code of what is wrong, 0 if nothing is. */
  private int code(Envelope request) {
    return ModernLadder.check(request, name -> headers.getOrDefault(name, List.of()))
        .map(
            error -> {
              assertThat(error.idText()).isEqualTo("\"x7\"");
              return Integer.parseInt(String.valueOf(error.json(Part.ERROR_CODE)));
            })
        .orElse(0);
  }

  @Test
  void theBodyDecidesTheEra() throws Exception {
    List<String> none = List.of();
    List<String> modern = List.of("2026-07-28");
    assertThat(ModernLadder.isModern(request("tools/list", META), none)).isTrue();
    assertThat(ModernLadder.isModern(request("tools/list", ""), none)).isFalse();
    assertThat(ModernLadder.isModern(request("tools/list", ""), List.of("2025-11-25"))).isFalse();
    assertThat(ModernLadder.isModern(request("tools/list", ""), modern)).isTrue();
    assertThat(ModernLadder.isModern(request("initialize", META), modern)).isFalse();
    assertThat(ModernLadder.isModern(read("{\"jsonrpc\":\"2.0\",\"id\":1,\"result\":{}}"), modern))
        .isFalse();
    assertThat(
            ModernLadder.isModern(
                read("[{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"tools/list\"}]"), modern))
        .isFalse();
  }

  @Test
  void whatSaysTheSameInBodyAndHeadersIsLetThrough() throws Exception {
    standard(" tools/call ");
    header("MCP-NAME", "  echo  ");
    assertThat(code(request("tools/call", "\"name\":\"echo\"," + META))).isZero();
  }

  @Test
  void aModernVersionHeaderWithoutMetaIsMalformed() throws Exception {
    standard("tools/list");
    assertThat(code(request("tools/list", ""))).isEqualTo(-32602);
  }

  @Test
  void requestMetadataThatIsMissingOrOfAnotherTypeIsMalformed() throws Exception {
    standard("tools/list");
    assertThat(code(request("tools/list", "\"_meta\":{" + VERSION + "\"2026-07-28\"}")))
        .isEqualTo(-32602);
    assertThat(
            code(
                request(
                    "tools/list",
                    "\"_meta\":{" + VERSION + "\"2026-07-28\"," + CAPABILITIES + "[]}")))
        .isEqualTo(-32602);
    assertThat(code(request("tools/list", "\"_meta\":{" + VERSION + "1," + CAPABILITIES + "{}}")))
        .isEqualTo(-32602);
  }

  @Test
  void theVersionHeaderIsComparedBeforeAnythingElse() throws Exception {
    header("MCP-Protocol-Version", "2025-11-25");
    assertThat(code(request("tools/call", "\"_meta\":{" + VERSION + "\"2026-07-28\"}")))
        .isEqualTo(-32020);
    headers.clear();
    assertThat(code(request("tools/list", META))).isEqualTo(-32020);
    header("MCP-Protocol-Version", "2026-07-28");
    header("MCP-Protocol-Version", "2026-07-28");
    header("Mcp-Method", "tools/list");
    assertThat(code(request("tools/list", META))).isEqualTo(-32020);
  }

  @Test
  void aVersionThatIsNotSpokenIsToldBeforeTheOtherHeadersAreLookedAt() throws Exception {
    header("MCP-Protocol-Version", "1900-01-01");
    Envelope request =
        request("tools/call", "\"_meta\":{" + VERSION + "\"1900-01-01\"," + CAPABILITIES + "{}}");
    assertThat(code(request)).isEqualTo(-32022);
    Envelope error =
        ModernLadder.check(request, name -> headers.getOrDefault(name, List.of())).orElseThrow();
    assertThat(error.json(Part.ERROR))
        .contains("\"supported\":[\"2026-07-28\"]", "\"requested\":\"1900-01-01\"");
  }

  @Test
  void theMethodHeaderIsNeededAndComparedWithCase() throws Exception {
    header("MCP-Protocol-Version", "2026-07-28");
    assertThat(code(request("tools/list", META))).isEqualTo(-32020);
    header("Mcp-Method", "Tools/List");
    assertThat(code(request("tools/list", META))).isEqualTo(-32020);
  }

  @ParameterizedTest
  @CsvSource({
    "tools/call, name",
    "prompts/get, name",
    "resources/read, uri",
    "tasks/get, taskId",
    "tasks/update, taskId",
    "tasks/cancel, taskId"
  })
  void theNameHeaderIsNeededWhereTheBodyHasAName(String method, String member) throws Exception {
    Envelope request = request(method, "\"" + member + "\":\"a:b\"," + META);
    standard(method);
    assertThat(code(request)).isEqualTo(-32020);
    header("Mcp-Name", "a:B");
    assertThat(code(request)).isEqualTo(-32020);
    headers.put("Mcp-Name", List.of("a:b"));
    assertThat(code(request)).isZero();
    headers.put("Mcp-Name", List.of("=?base64?YTpi?="));
    assertThat(code(request)).isZero();
  }

  @Test
  void otherMethodsNeedNoName() throws Exception {
    standard("completion/complete");
    assertThat(code(request("completion/complete", META))).isZero();
  }

  @Test
  void aTransportWithoutHeadersIsJudgedByTheBodyAlone() throws Exception {
    assertThat(ModernLadder.check(request("tools/call", "\"name\":\"x\"," + META), null)).isEmpty();
    assertThat(ModernLadder.check(request("tools/list", "\"_meta\":{}"), null)).isPresent();
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "=?base64?YTpi",
        "=?BASE64?YTpi?=",
        "plain",
        "with space inside",
        "=?base64",
      })
  void whatOnlyLooksLikeASentinelIsTakenAsItStands(String value) {
    assertThat(ModernHeaders.decode(value)).isEqualTo(value);
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "=?base64?YTp?=",
        "=?base64?Y?=",
        "=?base64?!!!!?=",
        "=?base64?/w==?=",
        "caf\u00e9"
      })
  void aMalformedValueIsNone(String value) {
    assertThat(ModernHeaders.decode(value)).isNull();
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "",
        " a",
        "a ",
        "té",
        "a\nb",
        "=?base64?YTpi?=",
        "plain",
        "file:///a b",
        "👩‍👩‍👧"
      })
  void everyValueSurvivesItsHeader(String value) {
    String header = ModernHeaders.encode(value);
    assertThat(header).matches("[\\x20-\\x7e]+");
    assertThat(ModernHeaders.decode(header)).isEqualTo(value);
    boolean needs = !value.equals("plain") && !value.equals("file:///a b");
    assertThat(header.toLowerCase(Locale.ROOT).startsWith("=?base64?")).isEqualTo(needs);
  }

  @Test
  void theHeadersForTheServerAreMadeFromTheBody() throws Exception {
    assertThat(ModernHeaders.of(request("tools/call", "\"name\":\"té\"," + META)))
        .containsExactly(
            Map.entry("MCP-Protocol-Version", "2026-07-28"),
            Map.entry("Mcp-Method", "tools/call"),
            Map.entry("Mcp-Name", "=?base64?dMOp?="));
  }
}
