package dev.sluice.it;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import jakarta.json.Json;
import jakarta.json.JsonObject;
import jakarta.json.JsonObjectBuilder;
import java.io.StringReader;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpRequest.BodyPublishers;
import java.net.http.HttpResponse;
import java.net.http.HttpResponse.BodyHandlers;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** The life of servers as a client of the REST interface and the stream sees it. */
class ServersIT extends HubTest {

  private static final HttpClient HTTP = HttpClient.newHttpClient();
  private static final String JAVA =
      Path.of(System.getProperty("java.home"), "bin", "java").toString();
  private static final String SAMPLE =
      Path.of("server-config", "samples", "SampleServer.java").toAbsolutePath().toString();
  private static final String HELLO = "{\"arguments\":{\"text\":\"hello\"}}";

  private final List<String> created = new ArrayList<>();
  private HubEvents events;

  @BeforeEach
  void subscribe() throws Exception {
    events = HubEvents.open(HUB);
  }

  @AfterEach
  void leaveNothingBehind() throws Exception {
    for (String path : created) {
      send("DELETE", path, "");
    }
    events.close();
  }

  private static HttpRequest request(String method, String path, String body) {
    HttpRequest.Builder request =
        HttpRequest.newBuilder(HUB.resolve("api/" + path)).timeout(Duration.ofSeconds(90));
    if (body.isEmpty()) {
      return request.method(method, BodyPublishers.noBody()).build();
    }
    return request
        .header("Content-Type", "application/json")
        .method(method, BodyPublishers.ofString(body))
        .build();
  }

  private static HttpResponse<String> send(String method, String path, String body)
      throws Exception {
    return HTTP.send(request(method, path, body), BodyHandlers.ofString());
  }

  private static JsonObject json(HttpResponse<String> answer) {
    try (var in = Json.createReader(new StringReader(answer.body()))) {
      return in.readObject();
    }
  }

  private void create(JsonObjectBuilder definition) throws Exception {
    JsonObject body = definition.build();
    HttpResponse<String> answer = send("POST", "mcp_servers", body.toString());
    assertThat(answer.statusCode()).as(answer.body()).isEqualTo(201);
    created.add(0, "mcp_servers/" + body.getString("mcp_server_id"));
  }

  private static JsonObjectBuilder sample(String id) {
    return Json.createObjectBuilder()
        .add("mcp_server_id", id)
        .add("command", JAVA)
        .add("args", Json.createArrayBuilder().add("-XX:TieredStopAtLevel=1").add(SAMPLE));
  }

  private static String state(String id) throws Exception {
    return json(send("GET", "mcp_servers/" + id, "")).getString("state");
  }

  @Test
  void aStartIsStateChangedTwiceThenStartedAndAStopTellsItsReason() throws Exception {
    create(sample("it-life"));
    assertThat(send("POST", "mcp_servers/it-life/start", "").statusCode()).isEqualTo(200);
    HttpResponse<String> stopped =
        send("POST", "mcp_servers/it-life/stop/", "{\"reason\":\"maintenance\"}");
    assertThat(json(stopped).getString("reason")).isEqualTo("maintenance");
    await().until(() -> events.of("it-life", "McpServerStopped").size() == 1);
    assertThat(events.of("it-life"))
        .extracting(e -> e.getString("event_type"))
        .containsExactly(
            "ProviderRegistered",
            "McpServerStateChanged",
            "McpServerStateChanged",
            "McpServerStarted",
            "McpServerStateChanged",
            "McpServerStopped");
    assertThat(events.of("it-life", "McpServerStopped").get(0).getString("reason"))
        .isEqualTo("maintenance");
    assertThat(events.of("it-life"))
        .extracting(e -> e.getString("event_id"))
        .doesNotHaveDuplicates();
  }

  @Test
  void tenConcurrentCallsToAColdServerStartOneProcess() throws Exception {
    create(sample("it-ten"));
    List<CompletableFuture<HttpResponse<String>>> calls = new ArrayList<>();
    for (int i = 0; i < 10; i++) {
      calls.add(
          HTTP.sendAsync(
              request("POST", "mcp_servers/it-ten/tools/echo/call", HELLO),
              BodyHandlers.ofString()));
    }
    for (CompletableFuture<HttpResponse<String>> call : calls) {
      assertThat(call.join().statusCode()).as(call.join().body()).isEqualTo(200);
      assertThat(call.join().body()).contains("hello");
    }
    await().until(() -> events.of("it-ten", "ToolInvocationCompleted").size() == 10);
    assertThat(events.of("it-ten", "McpServerStarted")).hasSize(1);
  }

  @Test
  void threeFailedStartsDegradeAServerThatThenRecoversByItself(@TempDir Path dir) throws Exception {
    Path on = dir.resolve("on");
    create(
        Json.createObjectBuilder()
            .add("mcp_server_id", "it-flaky")
            .add("command", "sh")
            .add(
                "args",
                Json.createArrayBuilder()
                    .add("-c")
                    .add(
                        "test -f '"
                            + on
                            + "' || { echo 'no luck' >&2; exit 3; }; exec '"
                            + JAVA
                            + "' '"
                            + SAMPLE
                            + "'")));
    for (int i = 0; i < 3; i++) {
      HttpResponse<String> failed = send("POST", "mcp_servers/it-flaky/start", "");
      assertThat(failed.statusCode()).isEqualTo(503);
      JsonObject details = json(failed).getJsonObject("error").getJsonObject("details");
      assertThat(details.getInt("exit_code")).isEqualTo(3);
      assertThat(details.getJsonArray("stderr").toString()).contains("no luck");
    }
    HttpResponse<String> early = send("POST", "mcp_servers/it-flaky/start", "");
    assertThat(early.statusCode()).isEqualTo(503);
    assertThat(Integer.parseInt(early.headers().firstValue("Retry-After").orElseThrow()))
        .isBetween(1, 9);
    Files.createFile(on);
    await().atMost(Duration.ofSeconds(40)).until(() -> state("it-flaky").equals("ready"));
    assertThat(events.changes("it-flaky"))
        .endsWith("initializing>degraded", "degraded>initializing", "initializing>ready");
    assertThat(events.of("it-flaky", "McpServerDegraded").get(0).getInt("consecutive_failures"))
        .isEqualTo(3);
  }

  @Test
  void aKilledChildIsDeadWithAReasonItsGroupKnowsAndItStartsAgain() throws Exception {
    create(sample("it-kill"));
    HttpResponse<String> group =
        send(
            "POST",
            "groups",
            "{\"group_id\":\"it-kill-group\",\"members\":[{\"id\":\"it-kill\"}]}");
    assertThat(group.statusCode()).as(group.body()).isEqualTo(201);
    created.add(0, "groups/it-kill-group");
    send("POST", "mcp_servers/it-kill/start", "");
    await().until(() -> events.of("it-kill-group", "GroupStateChanged").size() == 1);
    long pid = json(send("GET", "mcp_servers/it-kill", "")).getJsonNumber("pid").longValue();
    ProcessHandle.of(pid).orElseThrow().destroyForcibly();
    await()
        .atMost(Duration.ofSeconds(2))
        .until(() -> events.changes("it-kill").contains("ready>dead"));
    await().until(() -> events.of("it-kill-group", "GroupStateChanged").size() >= 2);
    JsonObject left = events.of("it-kill-group", "GroupMemberHealthChanged").get(1);
    assertThat(left.getBoolean("in_rotation")).isFalse();
    assertThat(left.getString("reason")).startsWith("crashed: ");
    await().atMost(Duration.ofSeconds(30)).until(() -> state("it-kill").equals("ready"));
  }

  @Test
  void anIdleServerIsStoppedWithAllItsEvents() throws Exception {
    create(sample("it-idle").add("idle_ttl_s", 1));
    send("POST", "mcp_servers/it-idle/start", "");
    await()
        .atMost(Duration.ofSeconds(5))
        .until(() -> events.of("it-idle", "McpServerStopped").size() == 1);
    assertThat(events.of("it-idle"))
        .extracting(e -> e.getString("event_type"))
        .endsWith("McpServerIdleDetected", "McpServerStateChanged", "McpServerStopped");
  }

  @Test
  void theServersFileIsAppliedByDifferenceAndABrokenOneChangesNothing() throws Exception {
    Path next = SERVERS_FILE.resolveSibling("mcp.json.next");
    String before =
        Files.exists(SERVERS_FILE) ? Files.readString(SERVERS_FILE) : "{\"mcpServers\":{}}";
    String entry = "{\"command\":\"" + JAVA + "\",\"args\":[\"" + SAMPLE + "\"]}";
    try {
      replace(next, "{\"mcpServers\":{\"it-a\":" + entry + ",\"it-b\":" + entry + "}}");
      await()
          .atMost(Duration.ofSeconds(10))
          .until(() -> events.of("it-b", "ProviderRegistered").size() == 1);
      send("POST", "mcp_servers/it-a/start", "");
      long pid = json(send("GET", "mcp_servers/it-a", "")).getJsonNumber("pid").longValue();

      replace(next, "{\"mcpServers\":{\n  \"it-a\": oops}}");
      await()
          .atMost(Duration.ofSeconds(10))
          .until(() -> !events.ofType("ConfigurationReloadFailed").isEmpty());
      assertThat(events.ofType("ConfigurationReloadFailed").get(0).getInt("line")).isEqualTo(2);
      assertThat(state("it-b")).isEqualTo("cold");

      replace(next, "{\"mcpServers\":{\"it-a\":" + entry + "}}");
      await()
          .atMost(Duration.ofSeconds(10))
          .until(() -> events.of("it-b", "ProviderDeregistered").size() == 1);
      assertThat(json(send("GET", "mcp_servers/it-a", "")).getJsonNumber("pid").longValue())
          .isEqualTo(pid);
    } finally {
      replace(next, before);
      await()
          .atMost(Duration.ofSeconds(10))
          .until(() -> send("GET", "mcp_servers/it-a", "").statusCode() == 404);
    }
  }

  private static void replace(Path next, String text) throws Exception {
    Files.createDirectories(SERVERS_FILE.getParent());
    Files.writeString(next, text);
    Files.move(next, SERVERS_FILE, StandardCopyOption.REPLACE_EXISTING);
  }

  @Test
  void aFragmentIsDiscoveredRegisteredAndDeregisteredWithItsFile() throws Exception {
    Files.createDirectories(DISCOVERY_DIR);
    Path fragment = DISCOVERY_DIR.resolve("it.json");
    Files.writeString(fragment, "{\"mcpServers\":{\"it-found\":{\"command\":\"" + JAVA + "\"}}}");
    try {
      await()
          .atMost(Duration.ofSeconds(10))
          .until(() -> events.of("it-found", "ProviderRegistered").size() == 1);
    } finally {
      Files.delete(fragment);
    }
    await()
        .atMost(Duration.ofSeconds(10))
        .until(() -> events.of("it-found", "ProviderDeregistered").size() == 1);
    assertThat(events.of("it-found", "ProviderDiscovered").get(0).getString("source_type"))
        .isEqualTo("directory");
    assertThat(events.of("it-found", "ProviderRegistered").get(0).getString("source"))
        .isEqualTo("discovery:directory");
  }

  @Test
  void wrongRequestsAreRefusedWithTheStatusThatHttpMeans() throws Exception {
    assertThat(send("GET", "mcp_servers/nobody", "").statusCode()).isEqualTo(404);
    assertThat(send("POST", "mcp_servers", "{\"mcp_server_id\":\"it-bad\"}").statusCode())
        .isEqualTo(422);
    assertThat(send("POST", "mcp_servers/", "{").statusCode()).isEqualTo(400);
    assertThat(send("GET", "mcp_servers?state=happy", "").statusCode()).isEqualTo(422);
    create(sample("it-twice"));
    assertThat(send("POST", "mcp_servers", sample("it-twice").build().toString()).statusCode())
        .isEqualTo(409);
  }
}
