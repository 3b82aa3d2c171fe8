package dev.sluice.servers;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class ArgumentTextTest {

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      quoteCharacter = '`',
      value = {
        "{\"name\":\"t\",\"arguments\":{\"n\":0.1000,\"k\":1E400}} | {\"n\":0.1000,\"k\":1E400}",
        "{\"name\":\"t\"} | {}",
        "{} | {}",
        "null | {}",
        "{\"arguments\":null} | {}",
        "{\"arguments\":[1]} | {}",
        "{\"arguments\":{\"a\":1},\"arguments\":null} | {}",
        "{\"arguments\":\"{\",\"x\":1} | {}",
        "{\"x\":{\"arguments\":{\"a\":1}}} | {}",
        "{\"arguments\" : { \"a\" : [ 1 , { \"b c\" : \" : {\\\" \" } ] } , \"_meta\" : {\"d\":2}}"
            + " | {\"a\":[1,{\"b c\":\" : {\\\" \"}]}",
        "{\"arguments\":{}} | {}",
        "{\"arguments\":{\"arguments\":{\"a\":1}}} | {\"arguments\":{\"a\":1}}",
        "{\"name\":\"arguments\",\"arguments\":{\"a\":\"arguments\"}} | {\"a\":\"arguments\"}",
      })
  void argumentsAreCopiedAsTheyAreOnOneLine(String params, String expected) {
    assertThat(ArgumentText.of(params).text()).isEqualTo(expected);
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      quoteCharacter = '`',
      value = {
        "{\"arguments\":{\"a\":[{\"password\":\"hunter2\"}]}} | {\"a\":[{\"password\":\"***\"}]}",
        "{\"arguments\":{\"pass\\u0077ord\":\"hunter2\"}} | {\"password\":\"***\"}",
        "{\"argum\\u0065nts\":{\"password\":\"hunter2\"}} | {\"password\":\"***\"}",
        "{\"arguments\":{\"token\" : {\"v\":1}}} | {\"token\":\"***\"}",
        "{\"arguments\":{\"a\":1},\"arguments\":{\"password\":\"x\"}} | {\"password\":\"***\"}",
      })
  void secretsAreMaskedHoweverTheyAreSpelled(String params, String expected) {
    assertThat(ArgumentText.of(params).text()).isEqualTo(expected);
  }

  @Test
  void argumentsTooLargeForAnEventAreReplacedByTheirSize() {
    String params = "{\"arguments\":{\"text\":\"" + "x".repeat(20_000) + "\"}}";
    assertThat(ArgumentText.of(params).text())
        .hasSizeLessThan(200)
        .contains("_omitted", "\"_size_chars\":2001");
  }
}
