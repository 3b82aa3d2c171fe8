package dev.sluice.it;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import jakarta.json.Json;
import jakarta.json.JsonArrayBuilder;
import jakarta.json.JsonObject;
import jakarta.json.JsonObjectBuilder;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpRequest.BodyPublishers;
import java.net.http.HttpResponse;
import java.net.http.HttpResponse.BodyHandlers;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Budgets and the back-off of starts hold for children of sessions and of stateless requests. */
class RelayBudgetsIT extends RestTest {

  private static final HttpClient PLAIN =
      HttpClient.newBuilder().version(HttpClient.Version.HTTP_1_1).build();
  private static final Duration SOON = Duration.ofSeconds(30);
  private static final String NAME = "it-children";
  private static final String INITIALIZE =
      "{\"jsonrpc\":\"2.0\",\"id\":0,\"method\":\"initialize\",\"params\":{\"protocolVersion\":"
          + "\"2025-11-25\",\"capabilities\":{},\"clientInfo\":{\"name\":\"it\",\"version\":\"1\"}}}";

  @TempDir private Path directory;
  private final List<McpSocketPeer> clients = new ArrayList<>();

  @AfterEach
  void leave() {
    clients.forEach(McpSocketPeer::close);
  }

  private static JsonObjectBuilder definition(JsonArrayBuilder args, String command) {
    return Json.createObjectBuilder()
        .add("mcp_server_id", NAME)
        .add("command", command)
        .add("args", args);
  }

  private static JsonObjectBuilder shared() {
    return definition(
        Json.createArrayBuilder()
            .add("-XX:TieredStopAtLevel=1")
            .add(
                Path.of("src/test/java/dev/sluice/it/SharedTestServer.java").toAbsolutePath() + ""),
        JAVA);
  }

  private static JsonObjectBuilder modern() {
    JsonArrayBuilder args = Json.createArrayBuilder();
    ModernTestServer.args().forEach(args::add);
    return definition(args, JAVA).add("era", "modern");
  }

  /** A server whose every start leaves a line in a file, and that ends instead of answering. */
  private JsonObjectBuilder failing(Path starts) {
    String script = "echo started >> '" + starts + "'; read first; exit 3";
    return definition(Json.createArrayBuilder().add("-c").add(script), "sh")
        .add("maxConsecutiveFailures", 2);
  }

  private static JsonObjectBuilder budget(String key, int value) {
    return Json.createObjectBuilder().add("budget", Json.createObjectBuilder().add(key, value));
  }

  private McpSocketPeer client() throws Exception {
    McpSocketPeer client = new McpSocketPeer(HUB, "/mcp/" + NAME + "/ws", "mcp");
    clients.add(client);
    return client.send(INITIALIZE);
  }

  private static String call(int id, String tool, String arguments) {
    return "{\"jsonrpc\":\"2.0\",\"id\":"
        + id
        + ",\"method\":\"tools/call\",\"params\":{\"name\":\""
        + tool
        + "\",\"arguments\":{"
        + arguments
        + "}}}";
  }

  private static String text(JsonObject answer) {
    return answer
        .getJsonObject("result")
        .getJsonArray("content")
        .getJsonObject(0)
        .getString("text");
  }

  private static boolean isAlive(long pid) {
    return ProcessHandle.of(pid).map(ProcessHandle::isAlive).orElse(false);
  }

  private static HttpResponse<String> stateless(String tool) throws Exception {
    String meta =
        "\"_meta\":{\"io.modelcontextprotocol/protocolVersion\":\"2026-07-28\","
            + "\"io.modelcontextprotocol/clientCapabilities\":{}}";
    return PLAIN.send(
        HttpRequest.newBuilder(HUB.resolve("mcp/" + NAME))
            .timeout(Duration.ofSeconds(60))
            .header("Content-Type", "application/json")
            .header("Accept", "application/json, text/event-stream")
            .header("MCP-Protocol-Version", "2026-07-28")
            .header("Mcp-Method", "tools/call")
            .header("Mcp-Name", tool)
            .POST(BodyPublishers.ofString(call(1, tool, "").replace("}}}", "}," + meta + "}}")))
            .build(),
        BodyHandlers.ofString());
  }

  @ParameterizedTest
  @ValueSource(strings = {"isolated", "shared"})
  void aChildOfSessionsThatGrowsTooLargeIsEndedAndItsClientsAreTold(String sharing)
      throws Exception {
    create(shared().add("sharing", sharing).addAll(budget("maxProcesses", 1)));
    McpSocketPeer client = client();
    client.next();
    client.send(call(1, "pid", ""));
    long pid = Long.parseLong(text(client.next()));
    client.send(call(2, "fork", ""));
    long grown = Long.parseLong(text(client.next()));
    client.send(call(3, "hang", ""));
    JsonObject answer = client.next();
    assertThat(answer.getInt("id")).isEqualTo(3);
    assertThat(answer.getJsonObject("error").getString("message"))
        .contains("budget: 2 processes of at most 1");
    assertThat(client.closed.poll(10, TimeUnit.SECONDS)).isEqualTo(1011);
    assertThat(client.reason).contains("budget: 2 processes of at most 1");
    await().atMost(SOON).until(() -> !isAlive(pid) && !isAlive(grown));
  }

  @ParameterizedTest
  @ValueSource(strings = {"isolated", "shared"})
  void aChildOfSessionsIsTooOldOnlyWhenItsCallsAreDone(String sharing) throws Exception {
    create(sample(NAME).add("sharing", sharing).addAll(budget("maxAgeSeconds", 4)));
    McpSocketPeer client = client();
    assertThat(client.next().containsKey("result")).isTrue();
    client.send(call(1, "sleep", "\"milliseconds\":9000"));
    assertThat(text(client.next())).contains("slept 9000 ms");
    assertThat(client.closed.poll(30, TimeUnit.SECONDS)).isEqualTo(1011);
    assertThat(client.reason).contains("budget: age over 4 s");
    assertThat(client().next().containsKey("result")).isTrue(); // and that was no failure
  }

  @Test
  void aChildOfStatelessRequestsThatIsTooLargeIsEndedAndItsCallersAreTold() throws Exception {
    create(modern().addAll(budget("maxMemoryMb", 16)));
    String answer = stateless("wait").body();
    assertThat(answer).contains("-32603", "budget: ", "bytes of memory of at most 16777216");
  }

  @Test
  void aChildOfStatelessRequestsThatIsTooOldIsReplaced() throws Exception {
    create(modern().addAll(budget("maxAgeSeconds", 1)));
    String first = stateless("pid").body();
    assertThat(first).contains("\"text\":\"");
    await().atMost(SOON).until(() -> !stateless("pid").body().equals(first));
  }

  @ParameterizedTest
  @ValueSource(strings = {"isolated", "shared", "auto"})
  void aServerWhoseChildrenEndAtOnceIsStartedForSessionsNoMoreOftenThanItsBackOffAllows(
      String sharing) throws Exception {
    Path starts = directory.resolve("starts");
    create(failing(starts).add("sharing", sharing));
    for (int i = 0; i < 2; i++) {
      assertThat(client().next().getJsonObject("error").getString("message"))
          .contains("exited with code 3");
    }
    for (int i = 0; i < 5; i++) {
      assertThat(client().next().getJsonObject("error").getString("message"))
          .contains("failed 2 times in a row; it may start again in ");
    }
    assertThat(Files.readAllLines(starts)).hasSize(2);
    await() // min(60, 2^2) seconds later
        .pollInterval(Duration.ofMillis(300))
        .atMost(SOON)
        .until(
            () -> {
              client().next();
              return Files.readAllLines(starts).size() == 3;
            });
  }

  @Test
  void aServerWhoseChildrenEndAtOnceIsStartedForStatelessRequestsNoMoreOftenThanThat()
      throws Exception {
    Path starts = directory.resolve("starts");
    create(failing(starts).add("era", "modern"));
    for (int i = 0; i < 2; i++) {
      assertThat(stateless("pid").body()).contains("-32603");
    }
    HttpResponse<String> refused = stateless("pid");
    assertThat(refused.statusCode()).isEqualTo(503);
    assertThat(refused.headers().firstValue("Retry-After")).isPresent();
    assertThat(refused.body()).contains("failed 2 times in a row; it may start again in ");
    assertThat(Files.readAllLines(starts)).hasSize(2);
  }
}
