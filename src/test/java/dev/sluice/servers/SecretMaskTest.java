package dev.sluice.servers;

import static org.assertj.core.api.Assertions.assertThat;

import jakarta.json.Json;
import jakarta.json.JsonObject;
import java.io.StringReader;
import java.util.List;
import org.junit.jupiter.api.Test;

class SecretMaskTest {

  @Test
  void secretsAtAnyDepthAreMaskedAndTheRestIsKept() {
    JsonObject arguments =
        parse("{\"a\":1.50,\"list\":[{\"password\":\"hunter2\",\"x\":null}],\"token\":{\"v\":1}}");
    assertThat(SecretMask.arguments(arguments).text())
        .isEqualTo("{\"a\":1.50,\"list\":[{\"password\":\"***\",\"x\":null}],\"token\":\"***\"}");
  }

  @Test
  void argumentsTooLargeForAnEventAreReplacedByTheirSize() {
    JsonObject arguments = Json.createObjectBuilder().add("text", "x".repeat(20_000)).build();
    assertThat(SecretMask.arguments(arguments).text())
        .hasSizeLessThan(200)
        .contains("_omitted", "\"_size_chars\":2001");
  }

  @Test
  void secretOptionsOfACommandLineAreMasked() {
    assertThat(
            SecretMask.commandLine(
                List.of("-v", "--token", "abc", "--api-key=xyz", "file", "--password", "-q")))
        .containsExactly("-v", "--token", "***", "--api-key=***", "file", "--password", "-q");
  }

  private static JsonObject parse(String text) {
    try (var reader = Json.createReader(new StringReader(text))) {
      return reader.readObject();
    }
  }
}
