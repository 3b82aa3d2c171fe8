package dev.sluice.it;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import jakarta.json.Json;
import jakarta.json.JsonArrayBuilder;
import jakarta.json.JsonObject;
import java.net.URI;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** The WebSocket client of gomcp, which is one answer behind for ever if it is told too much. */
class LockStepIT extends RestTest {

  private static final String NAME = "it-lockstep";
  private static final String WS = "ws://localhost:" + HUB.getPort();

  private void register(String sharing, String... flags) throws Exception {
    JsonArrayBuilder args =
        Json.createArrayBuilder()
            .add("-XX:TieredStopAtLevel=1")
            .add("-Dstdout.encoding=UTF-8")
            .add(
                Path.of("src/test/java/dev/sluice/it/SharedTestServer.java")
                    .toAbsolutePath()
                    .toString());
    List.of(flags).forEach(args::add);
    create(
        Json.createObjectBuilder()
            .add("mcp_server_id", NAME)
            .add("command", JAVA)
            .add("args", args)
            .add("sharing", sharing));
  }

  private static String text(JsonObject answer) {
    assertThat(answer).containsKey("result");
    return answer
        .getJsonObject("result")
        .getJsonArray("content")
        .getJsonObject(0)
        .getString("text");
  }

  /** Something that keeps the shared child up, so that its start is not measured. */
  private static McpPeer other() throws Exception {
    return McpPeer.open("ws", HUB, NAME).initialize("{}");
  }

  @ParameterizedTest
  @CsvSource({"/mcp/it-lockstep, /mcp/it-lockstep/ws", "/ws?server=it-lockstep,"})
  void connectsCallsFourTimesAndLeavesInNoTime(String given, String dialled) throws Exception {
    register("shared");
    assertThat(LockStepPeer.url(WS + given)).isEqualTo(WS + (dialled == null ? given : dialled));
    try (McpPeer other = other()) {
      long begin = System.nanoTime();
      LockStepPeer client = LockStepPeer.connect(URI.create(WS + given));
      assertThat(Duration.ofNanos(System.nanoTime() - begin)).isLessThan(Duration.ofSeconds(1));
      for (int i = 1; i <= 4; i++) {
        JsonObject answer = client.call("echo", "call " + i);
        assertThat(answer.getInt("id")).isEqualTo(i + 1);
        assertThat(text(answer)).isEqualTo("call " + i);
      }
      long leaves = System.nanoTime();
      client.close();
      assertThat(Duration.ofNanos(System.nanoTime() - leaves)).isLessThan(Duration.ofSeconds(1));
      assertThat(client.wasSpokenToFirst()).isFalse();
      assertThat(other.texts()).isEmpty();
    }
  }

  @Test
  void nothingIsSaidBeforeItSpeaks() throws Exception {
    register("shared");
    try (McpSocketPeer silent = new McpSocketPeer(HUB, "/ws?server=" + NAME)) {
      assertThat(silent.subprotocol()).isEmpty();
      assertThat(silent.messages.poll(500, TimeUnit.MILLISECONDS)).isNull();
    }
  }

  /** Progress, log messages and changes of lists would each put it one answer behind. */
  @ParameterizedTest
  @ValueSource(strings = {"isolated", "shared"})
  void whatTheServerSaysUnaskedIsKeptFromIt(String sharing) throws Exception {
    register(sharing, "logs");
    try (LockStepPeer client = LockStepPeer.connect(URI.create(WS + "/mcp/" + NAME))) {
      for (String tool : List.of("progress", "log", "change", "echo", "progress", "echo")) {
        JsonObject answer = client.call(tool, "of " + tool);
        assertThat(text(answer)).isIn("of " + tool, "logged", "changed");
      }
      assertThat(text(client.call("echo", "in step"))).isEqualTo("in step");
    }
  }

  /** It offers roots and would take the request for them for an answer. */
  @ParameterizedTest
  @ValueSource(strings = {"isolated", "shared"})
  void aServerThatAsksItIsToldThatItCannot(String sharing) throws Exception {
    register(sharing);
    try (LockStepPeer client = LockStepPeer.connect(URI.create(WS + "/mcp/" + NAME))) {
      assertThat(text(client.call("asks", "roots"))).isEqualTo("-32601");
      assertThat(text(client.call("echo", "in step"))).isEqualTo("in step");
      assertThat(text(client.call("offered", ""))).doesNotContain("roots");
    }
  }

  @Test
  void itsEndWithoutACloseFrameCancelsItsCall() throws Exception {
    register("shared");
    try (McpPeer other = other()) {
      LockStepPeer client =
          LockStepPeer.connect(URI.create(WS + "/mcp/" + NAME), Duration.ofSeconds(1));
      org.assertj.core.api.Assertions.assertThatThrownBy(() -> client.call("hang", ""))
          .hasMessageContaining("no answer within");
      client.close(); // the answer to this is what it waits for
      await()
          .atMost(Duration.ofSeconds(10))
          .untilAsserted(
              () ->
                  assertThat(
                          other
                              .send(
                                  "{\"jsonrpc\":\"2.0\",\"id\":5,\"method\":\"tools/call\","
                                      + "\"params\":{\"name\":\"seen\",\"arguments\":{}}}")
                              .text())
                      .contains("cancelled"));
    }
  }
}
