package dev.sluice.jsonrpc;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.catchThrowableOfType;

import dev.sluice.jsonrpc.Envelope.Kind;
import dev.sluice.jsonrpc.Envelope.Part;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class EnvelopeTest {

  private static Envelope read(String json) throws MalformedMessageException {
    return Envelope.read(json.getBytes(UTF_8));
  }

  private static MalformedMessageException refusal(byte[] bytes) {
    return catchThrowableOfType(MalformedMessageException.class, () -> Envelope.read(bytes));
  }

  private static MalformedMessageException refusal(String json) {
    return refusal(json.getBytes(UTF_8));
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      quoteCharacter = '`',
      value = {
        "{'jsonrpc':'2.0','id':1,'method':'ping'} | REQUEST",
        "{'jsonrpc':'2.0','method':'notifications/initialized'} | NOTIFICATION",
        "{'jsonrpc':'2.0','id':'a','result':null} | RESPONSE",
        "{'jsonrpc':'2.0','id':null,'error':{'code':1,'message':''}} | ERROR",
        "{'jsonrpc':'2.0','error':{'code':1,'message':''}} | ERROR",
        "[{'jsonrpc':'2.0','method':'a'},{'jsonrpc':'2.0','id':2,'result':{}}] | BATCH"
      })
  void tellsKindsApart(String json, Kind kind) throws Exception {
    assertThat(read(json.replace('\'', '"')).kind()).isEqualTo(kind);
  }

  @ParameterizedTest
  @ValueSource(strings = {"1", "\"1\"", "1.0", "-7", "12345678901234567890", "\"\\u0061\"", "1e3"})
  void keepsTheTypeAndTextOfAnId(String id) throws Exception {
    Envelope message = read("{\"jsonrpc\":\"2.0\",\"id\": " + id + " ,\"method\":\"m\"}");
    assertThat(message.idText()).isEqualTo(id);
  }

  @Test
  void readsOnlyPlainIntegersAsIdNumbers() throws Exception {
    assertThat(read("{\"jsonrpc\":\"2.0\",\"id\":42,\"result\":1}").idNumber()).hasValue(42);
    assertThat(read("{\"jsonrpc\":\"2.0\",\"id\":\"42\",\"result\":1}").idNumber()).isEmpty();
    assertThat(read("{\"jsonrpc\":\"2.0\",\"id\":4.2,\"result\":1}").idNumber()).isEmpty();
    assertThat(read("{\"jsonrpc\":\"2.0\",\"id\":-4,\"result\":1}").idNumber()).isEmpty();
  }

  @Test
  void findsTheInnerPathsAndOnlyThere() throws Exception {
    Envelope call =
        read(
            "{\"params\":{\"name\":\"t\\u00e9\",\"arguments\":{\"name\":\"x\",\"id\":9,\"uri\":1},"
                + "\"_meta\":{\"progressToken\":\"p\",\"name\":2}},\"method\":\"tools/call\","
                + "\"id\":7,\"jsonrpc\":\"2.0\"}");
    assertThat(call.string(Part.NAME)).isEqualTo("té");
    assertThat(call.json(Part.META_PROGRESS_TOKEN)).isEqualTo("\"p\"");
    assertThat(call.has(Part.PROGRESS_TOKEN)).isFalse();
    assertThat(call.has(Part.URI)).isFalse();
    assertThat(call.idText()).isEqualTo("7");
  }

  @Test
  void findsAnEscapedNameOfAMember() throws Exception {
    assertThat(read("{\"jsonrpc\":\"2.0\",\"\\u0069d\":5,\"method\":\"m\"}").idText())
        .isEqualTo("5");
  }

  @Test
  void splicesAndLeavesEveryOtherByteAlone() throws Exception {
    String json =
        " {\"z\":0.1000, \"id\" : 5,\"jsonrpc\":\"2.0\",\n\"method\":\"tools/call\",\"params\":"
            + "{\"n\":12345678901234567890,\"e\":\"\uD83D\uDC68\u200D\uD83D\uDC69\","
            + "\"_meta\":{\"progressToken\":1}}} ";
    Envelope message = read(json);
    byte[] spliced =
        message.splice(
            Map.of(
                Part.ID,
                "\"abc\"".getBytes(UTF_8),
                Part.META_PROGRESS_TOKEN,
                "77".getBytes(UTF_8)));
    assertThat(new String(spliced, UTF_8))
        .isEqualTo(
            json.replace("\"id\" : 5", "\"id\" : \"abc\"")
                .replace("\"progressToken\":1", "\"progressToken\":77"));
    assertThat(message.bytes()).isEqualTo(json.getBytes(UTF_8));
  }

  @Test
  void refusesToSpliceWhatIsMissingOrInsideAnotherPart() throws Exception {
    Envelope message = read("{\"jsonrpc\":\"2.0\",\"method\":\"m\",\"params\":{\"uri\":\"u\"}}");
    byte[] json = "1".getBytes(UTF_8);
    assertThatThrownBy(() -> message.splice(Map.of(Part.ID, json)))
        .isInstanceOf(IllegalArgumentException.class);
    assertThatThrownBy(() -> message.splice(Map.of(Part.PARAMS, json, Part.URI, json)))
        .isInstanceOf(IllegalArgumentException.class);
  }

  @Test
  void readsTheMembersOfABatch() throws Exception {
    Envelope batch =
        read(
            "[ {\"jsonrpc\":\"2.0\",\"method\":\"a\"} , {\"jsonrpc\":\"2.0\",\"id\":2,\"result\":[]} ]");
    assertThat(batch.members()).hasSize(2);
    assertThat(batch.members().get(0).method()).isEqualTo("a");
    assertThat(new String(batch.members().get(1).bytes(), UTF_8))
        .isEqualTo("{\"jsonrpc\":\"2.0\",\"id\":2,\"result\":[]}");
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "[]",
        "[ ]",
        "[[]]",
        "[1]",
        "1",
        "\"x\"",
        "null",
        "{}",
        "{\"jsonrpc\":\"2.0\"}",
        "{\"jsonrpc\":\"1.0\",\"method\":\"m\"}",
        "{\"jsonrpc\":2.0,\"method\":\"m\"}",
        "{\"method\":\"m\"}",
        "{\"jsonrpc\":\"2.0\",\"method\":1}",
        "{\"jsonrpc\":\"2.0\",\"id\":null,\"method\":\"m\"}",
        "{\"jsonrpc\":\"2.0\",\"id\":{},\"method\":\"m\"}",
        "{\"jsonrpc\":\"2.0\",\"id\":true,\"result\":1}",
        "{\"jsonrpc\":\"2.0\",\"id\":null,\"result\":1}",
        "{\"jsonrpc\":\"2.0\",\"result\":1}",
        "{\"jsonrpc\":\"2.0\",\"id\":1,\"result\":1,\"error\":{}}",
        "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"m\",\"result\":1}",
        "{\"jsonrpc\":\"2.0\",\"id\":1,\"error\":\"x\"}",
        "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"m\",\"params\":3}",
        "{\"jsonrpc\":\"2.0\",\"id\":1,\"id\":2,\"method\":\"m\"}",
        "{\"jsonrpc\":\"2.0\",\"id\":1,\"\\u0069d\":2,\"method\":\"m\"}",
        "{\"jsonrpc\":\"2.0\",\"method\":\"m\",\"params\":{\"name\":\"a\",\"name\":\"b\"}}"
      })
  void refusesJsonThatIsNoMessage(String json) {
    assertThat(refusal(json).code()).isEqualTo(MalformedMessageException.INVALID_REQUEST);
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "",
        " ",
        "{",
        "{\"jsonrpc\"",
        "{\"jsonrpc\":\"2.0\",}",
        "{\"jsonrpc\":\"2.0\" \"id\":1}",
        "{\"a\":01}",
        "{\"a\":1.}",
        "{\"a\":.5}",
        "{\"a\":+1}",
        "{\"a\":1e}",
        "{\"a\":-}",
        "{\"a\":NaN}",
        "{\"a\":tru}",
        "{\"a\":'x'}",
        "{\"a\":\"\\x\"}",
        "{\"a\":\"\\u12G4\"}",
        "{\"a\":\"\t\"}",
        "{a:1}",
        "{\"a\":1}}",
        "{\"a\":[1,]}",
        "{\"a\":[1}}",
        "{\"a\":1}{\"a\":1}",
        "\uFEFF{\"a\":1}",
        "// c\n{}"
      })
  void refusesWhatIsNotJson(String json) {
    assertThat(refusal(json).code()).isEqualTo(MalformedMessageException.PARSE_ERROR);
  }

  @Test
  void refusesInvalidUtf8() {
    int[][] wrong = {
      {0xff},
      {0xc0, 0x80},
      {0xc3},
      {0xe0, 0x80, 0x80},
      {0xed, 0xa0, 0x80},
      {0xf0, 0x80, 0x80, 0x80},
      {0xf4, 0x90, 0x80, 0x80},
      {0x80}
    };
    for (int[] bad : wrong) {
      byte[] json = "{\"a\":\"????\"}".getBytes(UTF_8);
      for (int i = 0; i < bad.length; i++) {
        json[6 + i] = (byte) bad[i];
      }
      assertThat(refusal(json)).hasMessageContaining("UTF-8");
      assertThat(refusal(json).offset()).isEqualTo(6);
    }
  }

  @Test
  void bearsTheAllowedDepthAndRefusesMoreWithoutOverflow() throws Exception {
    String head = "{\"jsonrpc\":\"2.0\",\"method\":\"m\",\"params\":{\"a\":";
    int room = Envelope.MAX_DEPTH - 2;
    read(head + "[".repeat(room) + "]".repeat(room) + "}}");
    assertThat(refusal(head + "[".repeat(room + 1) + "]".repeat(room + 1) + "}}"))
        .hasMessageContaining("512");
    assertThat(refusal("[".repeat(5_000_000))).hasMessageContaining("512");
    assertThat(refusal("{\"a\":".repeat(1_000_000))).hasMessageContaining("512");
  }

  @Test
  void refusesABatchOfMoreThanAHundred() {
    String one = "{\"jsonrpc\":\"2.0\",\"method\":\"a\"}";
    assertThat(refusal("[" + (one + ",").repeat(100) + one + "]")).hasMessageContaining("100");
  }

  @Test
  void makesOneLineOfAPrettyPrintedMessage() throws Exception {
    Envelope message = read("{\r\n  \"jsonrpc\": \"2.0\",\n  \"method\": \"a\\nb\"\n}\n");
    assertThat(new String(message.singleLine(), UTF_8))
        .isEqualTo("{  \"jsonrpc\": \"2.0\",  \"method\": \"a\\nb\"}");
  }

  @Test
  void buildsAnswersWithTheIdAsItCame() throws Exception {
    Envelope request = read("{\"jsonrpc\":\"2.0\",\"id\":\"x\\u0031\",\"method\":\"ping\"}");
    assertThat(new String(Envelope.response(request, "{}").bytes(), UTF_8))
        .isEqualTo("{\"jsonrpc\":\"2.0\",\"id\":\"x\\u0031\",\"result\":{}}");
    assertThat(new String(Envelope.error(request, -32601, "no \"such\"\n").bytes(), UTF_8))
        .isEqualTo(
            "{\"jsonrpc\":\"2.0\",\"id\":\"x\\u0031\",\"error\":{\"code\":-32601,\"message\":\"no"
                + " \\\"such\\\"\\n\"}}");
  }

  @Test
  void saysNothingOfTheContentInItsText() throws Exception {
    assertThat(
            read("{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"m\",\"params\":{\"k\":\"s3cret\"}}"))
        .asString()
        .isEqualTo("REQUEST m (61 bytes)");
  }
}
