package dev.sluice.it;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import jakarta.json.Json;
import jakarta.json.JsonObject;
import java.io.IOException;
import java.io.StringReader;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse.BodyHandlers;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** A hub in a process of its own that is killed and started again, on the server of this run. */
class RestartIT {

  private static final HttpClient HTTP = HttpClient.newHttpClient();

  @TempDir private Path directory;

  @Test
  void aKilledHubLeavesNoOrphanBehindItsNextStartAndKeepsItsEvents() throws Exception {
    Map<String, String> settings = settings();
    long orphan;
    List<ProcessHandle> tree;
    JsonObject before;
    HubProcess killed = HubProcess.start(directory.resolve("hub"), settings);
    try (killed) {
      awaitReady(killed);
      orphan = get(killed, "/api/mcp_servers/stubborn").getJsonNumber("pid").longValueExact();
      before = awaitHistoryThatEndsAtTheHead(killed);
      ProcessHandle child = ProcessHandle.of(orphan).orElseThrow();
      tree = Stream.concat(Stream.of(child), child.descendants()).toList();
      killed.kill();
    }
    assertThat(tree).hasSize(3);
    assertThat(tree.stream().filter(ProcessHandle::isAlive).count())
        .as("the child and who left its session outlive a killed hub")
        .isGreaterThanOrEqualTo(2);

    try (HubProcess next = HubProcess.start(directory.resolve("hub"), settings)) {
      await()
          .atMost(Duration.ofSeconds(30))
          .until(() -> tree.stream().noneMatch(ProcessHandle::isAlive));
      awaitReady(next);
      JsonObject after = awaitHistoryThatEndsAtTheHead(next);

      List<String> kept = ids(before);
      assertThat(ids(after)).startsWith(kept.toArray(String[]::new));
      assertThat(ids(after)).doesNotHaveDuplicates();
      assertThat(epoch(after.getString("last"))).isEqualTo(epoch(before.getString("last")));
      assertThat(next.log()).contains("SLUICE-0001");
    }
  }

  @Test
  void anOrderlyStopEndsEveryChildAndLosesNoEvent() throws Exception {
    Map<String, String> settings = settings();
    long pid;
    try (HubProcess hub = HubProcess.start(directory.resolve("hub"), settings)) {
      awaitReady(hub);
      pid = get(hub, "/api/mcp_servers/stubborn").getJsonNumber("pid").longValueExact();
      hub.stop();
    }
    assertThat(ProcessHandle.of(pid).map(ProcessHandle::isAlive).orElse(false)).isFalse();

    try (HubProcess next = HubProcess.start(directory.resolve("hub"), settings)) {
      JsonObject history = get(next, "/api/events/history?since=earliest&limit=1000");

      assertThat(types(history)).contains("McpServerStopped").doesNotContain("JournalRecovered");
    }
  }

  private Map<String, String> settings() throws IOException {
    Path server = Path.of("server-config/samples/SampleServer.java").toAbsolutePath();
    Path file = directory.resolve("mcp.json");
    // The shell stays when its standard input ends, as a careless server does.
    String script = "setsid sleep 600 & java '" + server + "'; exec sleep 600";
    Files.writeString(
        file,
        Json.createObjectBuilder()
            .add(
                "mcpServers",
                Json.createObjectBuilder()
                    .add(
                        "stubborn",
                        Json.createObjectBuilder()
                            .add("command", "sh")
                            .add("args", Json.createArrayBuilder().add("-c").add(script))
                            .add("autoStart", true)))
            .build()
            .toString());
    return Map.of(
        "sluice.servers.file", file.toString(),
        "sluice.data.dir", directory.resolve("data").toString());
  }

  private static void awaitReady(HubProcess hub) {
    await()
        .atMost(Duration.ofSeconds(60))
        .pollInterval(Duration.ofMillis(200))
        .untilAsserted(
            () ->
                assertThat(get(hub, "/api/mcp_servers/stubborn").getString("state"))
                    .isEqualTo("ready"));
  }

  /**
   * What is on disk is at most 50 ms behind; a history that ends at the head is what we compare.
   */
  private static JsonObject awaitHistoryThatEndsAtTheHead(HubProcess hub) {
    return await()
        .pollDelay(Duration.ofMillis(200)) // past the durability bound of 50 ms
        .until(
            () -> get(hub, "/api/events/history?since=earliest&limit=1000"),
            history -> ids(history).contains(history.getString("last")));
  }

  private static List<String> ids(JsonObject history) {
    return history.getJsonArray("events").getValuesAs(JsonObject.class).stream()
        .map(event -> event.getString("event_id"))
        .toList();
  }

  private static List<String> types(JsonObject history) {
    return history.getJsonArray("events").getValuesAs(JsonObject.class).stream()
        .map(event -> event.getString("event_type"))
        .toList();
  }

  private static String epoch(String id) {
    return id.substring(0, id.indexOf(':'));
  }

  private static JsonObject get(HubProcess hub, String path) throws Exception {
    HttpRequest request = HttpRequest.newBuilder(hub.base().resolve(path)).build();
    var answer = HTTP.send(request, BodyHandlers.ofString());
    assertThat(answer.statusCode()).as(path + ": " + answer.body()).isEqualTo(200);
    try (var reader = Json.createReader(new StringReader(answer.body()))) {
      return reader.readObject();
    }
  }
}
