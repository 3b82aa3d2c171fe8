package dev.sluice.relay;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;

import dev.sluice.jsonrpc.Envelope;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class MirroredArgumentsTest {

  private static final String TOOLS =
      """
      {"jsonrpc":"2.0","id":1,"result":{"tools":[{"name":"plain"},{"name":"t","inputSchema":{
      "type":"object","properties":{"region":{"type":"string","x-mcp-header":"Region"},
      "count":{"type":"integer","x-mcp-header":"Count"},
      "on":{"type":"boolean","x-mcp-header":"On"},"other":{"type":"string"},
      "in":{"type":"object","properties":{"deep":{"type":"string","x-mcp-header":"Deep"}}}}}}]}}
      """;

  private final MirroredArguments mirrored = new MirroredArguments();

  private static Envelope read(String json) throws Exception {
    return Envelope.read(json.getBytes(UTF_8));
  }

  /** The header that is wrong, or an empty string. */
  private String wrong(String arguments, String... headers) throws Exception {
    Map<String, List<String>> sent = new TreeMap<>(String.CASE_INSENSITIVE_ORDER);
    for (int i = 0; i < headers.length; i += 2) {
      sent.put(headers[i], List.of(headers[i + 1].split("\\|")));
    }
    Envelope call =
        read(
            "{\"jsonrpc\":\"2.0\",\"id\":2,\"method\":\"tools/call\",\"params\":{\"name\":\"t\","
                + "\"arguments\":"
                + arguments
                + "}}");
    return mirrored.mismatch(call, name -> sent.getOrDefault(name, List.of())).orElse("");
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = ';',
      value = {
        "{\"region\":\"Hello\"}; Mcp-Param-Region; Hello; ''",
        "{\"region\":\"Hello\"}; MCP-PARAM-REGION; =?base64?SGVsbG8=?=; ''",
        "{\"region\":\"Hello\"}; Mcp-Param-Region; =?base64?SGVsbG8?=; Mcp-Param-Region",
        "{\"region\":\"Hello\"}; Mcp-Param-Region; hello; Mcp-Param-Region",
        "{\"region\":\"Hello\"}; Mcp-Param-Region; Hello|Hello; Mcp-Param-Region",
        "{\"region\":\"Hello\"}; Mcp-Param-Other; Hello; Mcp-Param-Region",
        "{\"region\":null}; Mcp-Param-Other; x; ''",
        "{\"region\":null}; Mcp-Param-Region; x; Mcp-Param-Region",
        "{}; Mcp-Param-Region; x; Mcp-Param-Region",
        "{\"count\":42}; Mcp-Param-Count; 42.0; ''",
        "{\"count\":42}; Mcp-Param-Count; forty; Mcp-Param-Count",
        "{\"on\":true}; Mcp-Param-On; true; ''",
        "{\"on\":true}; Mcp-Param-On; false; Mcp-Param-On",
        "{\"in\":{\"deep\":\"x\"}}; Mcp-Param-Deep; x; ''",
        "{\"in\":{\"deep\":\"x\"}}; Mcp-Param-Deep; y; Mcp-Param-Deep",
        "{\"other\":\"x\"}; Mcp-Param-Other; y; ''"
      })
  void aHeaderSaysWhatItsArgumentSays(String arguments, String name, String value, String wrong)
      throws Exception {
    mirrored.learn(read(TOOLS));
    assertThat(wrong(arguments, name, value)).isEqualTo(wrong);
  }

  @Test
  void aToolThatIsNotKnownOrNoLongerSaysSoIsLetThrough() throws Exception {
    assertThat(wrong("{\"region\":\"x\"}")).isEmpty();
    mirrored.learn(read(TOOLS));
    assertThat(wrong("{\"region\":\"x\"}")).isEqualTo("Mcp-Param-Region");
    mirrored.learn(
        read("{\"jsonrpc\":\"2.0\",\"id\":1,\"result\":{\"tools\":[{\"name\":\"t\"}]}}"));
    assertThat(wrong("{\"region\":\"x\"}")).isEmpty();
  }
}
