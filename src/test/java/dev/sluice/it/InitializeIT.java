package dev.sluice.it;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import jakarta.json.Json;
import jakarta.json.JsonObject;
import java.net.Socket;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpRequest.BodyPublishers;
import java.net.http.HttpResponse;
import java.net.http.HttpResponse.BodyHandlers;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Arrays;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Sessions whose beginning fails: none of them may leave a child behind. */
class InitializeIT extends RestTest {

  private static final HttpClient PLAIN =
      HttpClient.newBuilder().version(HttpClient.Version.HTTP_1_1).build();
  private static final String NAME = "it-initialize";
  private static final String SERVER =
      Path.of("src/test/java/dev/sluice/it/SharedTestServer.java").toAbsolutePath().toString();
  private static final String INITIALIZE =
      "{\"jsonrpc\":\"2.0\",\"id\":0,\"method\":\"initialize\",\"params\":{\"protocolVersion\":"
          + "\"2025-11-25\",\"capabilities\":{},\"clientInfo\":{\"name\":\"it\",\"version\":\"1\"}}}";

  private void register(String how, String mark, String sharing) throws Exception {
    create(
        Json.createObjectBuilder()
            .add("mcp_server_id", NAME)
            .add("command", JAVA)
            .add(
                "args",
                Json.createArrayBuilder()
                    .add("-XX:TieredStopAtLevel=1")
                    .add(SERVER)
                    .add(how)
                    .add(mark))
            .add("callTimeoutSeconds", 2)
            .add("startTimeoutSeconds", 2)
            .add("sharing", sharing));
  }

  private static long children(String mark) {
    return ProcessHandle.allProcesses()
        .filter(
            one -> one.info().arguments().stream().flatMap(Arrays::stream).anyMatch(mark::equals))
        .count();
  }

  private static HttpResponse<String> post(String body) throws Exception {
    return PLAIN.send(
        HttpRequest.newBuilder(HUB.resolve("mcp/" + NAME))
            .timeout(Duration.ofSeconds(30))
            .header("Content-Type", "application/json")
            .header("Accept", "application/json, text/event-stream")
            .POST(BodyPublishers.ofString(body))
            .build(),
        BodyHandlers.ofString());
  }

  @ParameterizedTest
  @ValueSource(strings = {"isolated", "shared"})
  void aServerThatRefusesLeavesNoSessionAndNoChild(String sharing) throws Exception {
    String mark = "refuses-" + sharing;
    register("refuses", mark, sharing);
    HttpResponse<String> answer = post(INITIALIZE);
    assertThat(answer.body()).contains("\"error\"").contains("\"id\":0");
    assertThat(answer.headers().firstValue("Mcp-Session-Id")).isPresent();
    await().atMost(Duration.ofSeconds(10)).until(() -> children(mark) == 0);
  }

  @ParameterizedTest
  @ValueSource(strings = {"isolated", "shared"})
  void aServerThatIsSilentIsGivenUpWithItsChild(String sharing) throws Exception {
    String mark = "silent-" + sharing;
    register("silent", mark, sharing);
    HttpResponse<String> answer = post(INITIALIZE);
    assertThat(answer.body()).contains("\"error\"").contains("\"id\":0");
    await().atMost(Duration.ofSeconds(10)).until(() -> children(mark) == 0);
  }

  @Test
  void aClientThatVanishesWhileItInitializesLeavesNoChild() throws Exception {
    register("silent", "vanished", "isolated");
    try (Socket socket = new Socket("localhost", HUB.getPort())) {
      socket.setSoLinger(true, 0);
      byte[] body = INITIALIZE.getBytes(StandardCharsets.UTF_8);
      socket
          .getOutputStream()
          .write(
              ("POST /mcp/"
                      + NAME
                      + " HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
                      + "Accept: application/json, text/event-stream\r\nContent-Length: "
                      + body.length
                      + "\r\n\r\n"
                      + INITIALIZE)
                  .getBytes(StandardCharsets.UTF_8));
      await().atMost(Duration.ofSeconds(10)).until(() -> children("vanished") > 0);
    }
    await().atMost(Duration.ofSeconds(10)).until(() -> children("vanished") == 0);
  }

  @Test
  void aRefusedClientMayTryAgainOnItsSocket() throws Exception {
    register("refuses", "again", "isolated");
    try (McpSocketPeer socket = new McpSocketPeer(HUB, "/mcp/" + NAME + "/ws", "mcp")) {
      for (int i = 0; i < 2; i++) {
        socket.send(INITIALIZE);
        JsonObject answer = socket.next();
        assertThat(answer.getJsonObject("error").getString("message")).isEqualTo("not today");
      }
    }
    await().atMost(Duration.ofSeconds(10)).until(() -> children("again") == 0);
  }

  @Test
  void initializeCannotBeCancelled() throws Exception {
    create(sample("it-initialize-cancel"));
    try (McpSocketPeer socket = new McpSocketPeer(HUB, "/mcp/it-initialize-cancel/ws", "mcp")) {
      socket.send(INITIALIZE);
      socket.send(
          "{\"jsonrpc\":\"2.0\",\"method\":\"notifications/cancelled\",\"params\":"
              + "{\"requestId\":0}}");
      assertThat(socket.next().getJsonObject("result").getString("protocolVersion"))
          .isEqualTo("2025-11-25");
    }
  }
}
