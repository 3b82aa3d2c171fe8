package dev.sluice.relay;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;

import dev.sluice.jsonrpc.Envelope;
import java.util.Optional;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class LockStepTest {

  private static Envelope read(String json) throws Exception {
    return Envelope.read(json.getBytes(UTF_8));
  }

  private static Optional<LockStep> of(String versions, String name) throws Exception {
    return LockStep.of(
        read(
            "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"initialize\",\"params\":{\"protocolVersion\":"
                + versions
                + ",\"capabilities\":{\"roots\":{\"listChanged\":true}},\"clientInfo\":{\"name\":\""
                + name
                + "\",\"version\":\"1.0.0\"}}}"));
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "[\"draft\",\"2025-03-26\",\"2024-11-05\"] | any          | true",
        "\"2025-03-26\"                            | GoMCP Client | true",
        "\"2025-03-26\"                            | any          | false",
        "{\"a\":1}                                 | any          | false",
      })
  void isKnownByItsVersionsOrItsName(String versions, String name, boolean lockStep)
      throws Exception {
    assertThat(of(versions, name).isPresent()).isEqualTo(lockStep);
  }

  @Test
  void offersOneVersionAndNothingElseToTheServer() throws Exception {
    String sent =
        new String(
            of("[\"draft\",\"2024-11-05\",\"2025-03-26\"]", "GoMCP Client")
                .orElseThrow()
                .initialize()
                .bytes(),
            UTF_8);
    assertThat(sent)
        .isEqualTo(
            "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"initialize\",\"params\":"
                + "{\"protocolVersion\":\"2025-03-26\",\"capabilities\":{},"
                + "\"clientInfo\":{\"name\":\"GoMCP Client\",\"version\":\"1.0.0\"}}}");
  }

  @Test
  void getsAnswersAloneAndAVersionThatItOffered() throws Exception {
    LockStep client = of("[\"draft\",\"2025-03-26\"]", "any").orElseThrow();
    Envelope answer = read("{\"jsonrpc\":\"2.0\",\"id\":2,\"result\":{}}");
    assertThat(client.toClient(answer)).isSameAs(answer);
    assertThat(client.toClient(Envelope.notification("notifications/progress", "{}"))).isNull();
    assertThat(client.toClient(Envelope.request(1, "roots/list", null))).isNull();
    assertThat(client.toClient(Envelope.error(answer, -32603, "x"))).isNotNull();
    Envelope initialized =
        client.toClient(
            read("{\"jsonrpc\":\"2.0\",\"id\":1,\"result\":{\"protocolVersion\":\"2025-11-25\"}}"));
    assertThat(new String(initialized.bytes(), UTF_8))
        .isEqualTo(
            "{\"jsonrpc\":\"2.0\",\"id\":1,\"result\":{\"protocolVersion\":\"2025-03-26\"}}");
  }

  @Test
  void cannotBeAsked() {
    assertThat(LockStep.answer(Envelope.request(1, "ping", null)).kind())
        .isEqualTo(Envelope.Kind.RESPONSE);
    assertThat(new String(LockStep.answer(Envelope.request(1, "roots/list", null)).bytes(), UTF_8))
        .contains("-32601");
  }
}
