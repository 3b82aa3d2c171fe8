package dev.sluice.rest;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.catchThrowableOfType;

import jakarta.json.JsonObject;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.Set;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class JsonBodyTest {

  private static JsonBody read(String text) {
    return JsonBody.readObject(text.getBytes(StandardCharsets.UTF_8));
  }

  private static ApiException refused(org.assertj.core.api.ThrowableAssert.ThrowingCallable call) {
    ApiException thrown = catchThrowableOfType(ApiException.class, call);
    assertThat(thrown).as("refused").isNotNull();
    return thrown;
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "{\\n  \"a\": tru }|2",
        "{\"a\":1,\\n\\n \"b\" 2}|3",
        "{\"a\":1|1",
        "{|1",
        "{\"a\":1}}|1",
        "{\"a\":1} {}|1",
        "{\"a\":01}|1",
        "{\"a\":NaN}|1",
        "{'a':1}|1",
        "{\"a\":[1,]}|1",
        "{\"a\":1,}|1",
        "{\"a\":\"x\ty\"}|1",
        "nonsense|1",
      })
  void malformedTextIsRefusedWithItsLine(String text, int line) {
    ApiException thrown = refused(() -> read(text.replace("\\n", "\n")));
    assertThat(thrown.refusal().status()).isEqualTo(400);
    assertThat(thrown.refusal().code()).isEqualTo("malformed_json");
    JsonObject details = thrown.refusal().details();
    assertThat(details.getInt("line")).isEqualTo(line);
    assertThat(details.getInt("column")).isPositive();
    assertThat(thrown).hasMessageContaining("line " + line);
  }

  @Test
  void columnPointsAtTheProblem() {
    JsonObject details = refused(() -> read("{\n \"ok\": 1,\n \"b\" 2}")).refusal().details();
    assertThat(details.getInt("line")).isEqualTo(3);
    assertThat(details.getInt("column")).isBetween(5, 7);
  }

  @ParameterizedTest
  @ValueSource(strings = {"[]", "1", "\"x\"", "null", "true"})
  void otherValuesThanObjectsAreRefused(String text) {
    assertThat(refused(() -> read(text)).refusal().status()).isEqualTo(422);
  }

  @Test
  void anEmptyTextIsNotAnObject() {
    assertThat(refused(() -> read("  \n ")).refusal().code()).isEqualTo("malformed_json");
  }

  @ParameterizedTest
  @ValueSource(strings = {"1e2147483648", "1e-2147483648", "1e99999999999", "-1E+99999999999999"})
  void aNumberWhoseExponentNobodyCanHoldIsRefusedWithItsPlace(String number) {
    ApiException thrown = refused(() -> read("{\"a\":\n [" + number + "]}"));
    assertThat(thrown.refusal().code()).isEqualTo("malformed_json");
    assertThat(thrown).hasMessageContaining("exponent").hasMessageContaining("line 2");
  }

  @Test
  void aKeyThatIsThereTwiceIsRefusedByName() {
    assertThat(refused(() -> read("{\"id\":1,\n\"id\":2}")))
        .hasMessageContaining("\"id\"")
        .hasMessageContaining("twice")
        .hasMessageContaining("line 2");
    assertThat(refused(() -> read("{\"a\":{\"b\":1,\"b\":1}}"))).hasMessageContaining("twice");
  }

  @Test
  void depthIsBoundedAtAnyNestingOfTheAttack() {
    assertThat(read("{\"a\":" + "[".repeat(63) + "]".repeat(63) + "}").has("a")).isTrue();
    for (int depth : new int[] {64, 100_000}) {
      assertThat(refused(() -> read("{\"a\":" + "[".repeat(depth))).refusal().code())
          .isEqualTo("malformed_json");
      assertThat(refused(() -> read("{\"a\":".repeat(depth + 1))))
          .hasMessageContaining("deeper than 64");
    }
  }

  @Test
  void longNumbersAreRefusedBeforeTheyAreConverted() {
    assertThat(refused(() -> read("{\"n\":" + "9".repeat(2_000_000) + "}")))
        .hasMessageContaining("longer than 400");
  }

  @Test
  void numbersKeepTheirValue() {
    JsonBody body = read("{\"n\":9007199254740993,\"f\":0.1000}");
    assertThat(body.optionalWhole("n", 0, Long.MAX_VALUE)).hasValue(9007199254740993L);
    assertThat(body.json().getJsonNumber("f")).hasToString("0.1000");
  }

  @Test
  void illegalUtf8IsRefusedWithItsPlace() {
    byte[] bytes = "{\n\"a\":\"xy\"}".getBytes(StandardCharsets.ISO_8859_1);
    bytes[8] = (byte) 0xff;
    ApiException thrown = refused(() -> JsonBody.readObject(bytes));
    assertThat(thrown).hasMessageContaining("not UTF-8").hasMessageContaining("offset 8");
    assertThat(thrown.refusal().details().getInt("line")).isEqualTo(2);
    assertThat(thrown.refusal().details().getInt("column")).isEqualTo(7);
    byte[] cut = {'{', '"', 'a', '"', ':', '"', (byte) 0xe2, (byte) 0x82};
    assertThat(refused(() -> JsonBody.readObject(cut))).hasMessageContaining("not UTF-8");
  }

  @Test
  void aByteOrderMarkIsIgnored() {
    assertThat(read("\ufeff{\"a\":1}").has("a")).isTrue();
  }

  @Test
  void accessorsNameTheFieldAndTheExpectedType() {
    JsonBody body = read("{\"t\":1,\"n\":\"x\",\"f\":0,\"o\":[],\"l\":[\"a\",2],\"m\":{\"k\":3}}");
    assertThat(refused(() -> body.text("t"))).hasMessage("t: must be a text, was a number");
    assertThat(refused(() -> body.text("none"))).hasMessage("none: is required and must be a text");
    assertThat(refused(() -> body.optionalWhole("n", 0, 1)))
        .hasMessage("n: must be a whole number, was a text");
    assertThat(refused(() -> body.optionalFlag("f")))
        .hasMessage("f: must be true or false, was a number");
    assertThat(refused(() -> body.optionalObject("o")))
        .hasMessage("o: must be an object, was an array");
    assertThat(refused(() -> body.texts("l"))).hasMessage("l[1]: must be a text, was a number");
    assertThat(refused(() -> body.textMap("m"))).hasMessage("m.k: must be a text, was a number");
    ApiException thrown = refused(() -> body.texts("t"));
    assertThat(thrown.refusal().status()).isEqualTo(422);
    assertThat(thrown.refusal().details().getString("field")).isEqualTo("t");
  }

  @Test
  void numbersOutOfBoundsAndFractionsAreRefused() {
    JsonBody body = read("{\"big\":1e400,\"half\":1.5,\"one\":1.0,\"tiny\":1e-300}");
    assertThat(refused(() -> body.optionalWhole("big", 0, 9)))
        .hasMessage("big: must be from 0 to 9");
    assertThat(refused(() -> body.optionalWhole("half", 0, 9)))
        .hasMessage("half: must be a whole number");
    assertThat(refused(() -> body.optionalWhole("tiny", 0, 9)))
        .hasMessage("tiny: must be a whole number");
    assertThat(body.optionalWhole("one", 0, 9)).hasValue(1);
  }

  @Test
  void nullCountsAsAbsentAndBlankTextIsRefused() {
    JsonBody body = read("{\"a\":null,\"b\":\" \"}");
    assertThat(body.optionalText("a")).isEmpty();
    assertThat(body.texts("a")).isEqualTo(List.of());
    assertThat(refused(() -> body.optionalText("b"))).hasMessage("b: must not be blank");
  }

  @Test
  void unknownFieldsAreNamedWithTheKnownOnes() {
    assertThat(refused(() -> read("{\"resaon\":\"x\"}").onlyFields(Set.of("reason", "force"))))
        .hasMessage("resaon: is not known here; known fields are force, reason");
  }
}
