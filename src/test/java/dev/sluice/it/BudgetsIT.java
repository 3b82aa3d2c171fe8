package dev.sluice.it;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import jakarta.json.Json;
import jakarta.json.JsonObject;
import jakarta.json.JsonObjectBuilder;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.time.Duration;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Budgets act on the real process trees of real servers, and the events say why. */
class BudgetsIT extends RestTest {

  /** Budgets are looked at every two seconds; then the process has two seconds to end. */
  private static final Duration SOON = Duration.ofSeconds(30);

  @TempDir private Path directory;

  private static JsonObjectBuilder budget(String key, int value) {
    return Json.createObjectBuilder().add("budget", Json.createObjectBuilder().add(key, value));
  }

  private static JsonObjectBuilder shell(String id, String script) {
    return Json.createObjectBuilder()
        .add("mcp_server_id", id)
        .add("command", "sh")
        .add("args", Json.createArrayBuilder().add("-c").add(script));
  }

  /** The sample server, which first writes its process id where the test can read it. */
  private static String sampleWith(Path pids, String before) {
    return "echo $$ >> '" + pids + "'; " + before + "exec '" + JAVA + "' '" + SAMPLE + "'";
  }

  private static List<Long> read(Path pids) throws IOException {
    return Files.readAllLines(pids).stream().map(String::trim).map(Long::valueOf).toList();
  }

  private static boolean isAlive(long pid) {
    return ProcessHandle.of(pid).map(ProcessHandle::isAlive).orElse(false);
  }

  private List<String> reasons(String id, String newState) {
    return events.of(id, "McpServerStateChanged").stream()
        .filter(e -> e.getString("new_state").equals(newState))
        .map(e -> e.getString("reason"))
        .toList();
  }

  @Test
  void aServerPastItsAgeIsReplacedAndThatIsNoFailure() throws Exception {
    Path pids = directory.resolve("aged");
    create(shell("it-aged", sampleWith(pids, "")).addAll(budget("maxAgeSeconds", 2)));
    assertThat(send("POST", "mcp_servers/it-aged/start", "").statusCode()).isEqualTo(200);

    await().atMost(SOON).until(() -> events.of("it-aged", "McpServerStarted").size() >= 2);
    assertThat(read(pids)).hasSizeGreaterThanOrEqualTo(2).doesNotHaveDuplicates();
    assertThat(isAlive(read(pids).get(0))).isFalse();
    assertThat(events.changes("it-aged"))
        .startsWith(
            "cold>initializing",
            "initializing>ready",
            "ready>cold",
            "cold>initializing",
            "initializing>ready")
        .doesNotContain("ready>dead");
    assertThat(reasons("it-aged", "cold").get(0)).isEqualTo("budget: age over 2 s");
    assertThat(events.of("it-aged", "McpServerStopped").get(0).getString("reason"))
        .isEqualTo("budget: age over 2 s");
    assertThat(reasons("it-aged", "initializing").get(1)).isEqualTo("restart after maxAge");
    assertThat(send("POST", "mcp_servers/it-aged/tools/echo/call", HELLO).statusCode())
        .isEqualTo(200);
  }

  @Test
  void aServerWithACallInFlightIsNotTooOldBeforeTheCallHasEnded() throws Exception {
    create(sample("it-busy").addAll(budget("maxAgeSeconds", 1)));
    var call =
        send(
            "POST",
            "mcp_servers/it-busy/tools/sleep/call",
            "{\"arguments\":{\"milliseconds\":8000}}");
    assertThat(call.statusCode()).as(call.body()).isEqualTo(200);
    assertThat(call.body()).contains("slept 8000 ms");
    await().atMost(SOON).until(() -> reasons("it-busy", "cold").contains("budget: age over 1 s"));
    List<String> types = events.of("it-busy").stream().map(e -> e.getString("event_type")).toList();
    assertThat(types.indexOf("ToolInvocationCompleted"))
        .isBetween(0, types.indexOf("McpServerStopped"));
  }

  @Test
  void aServerThatGrowsTooManyProcessesIsEndedWithAllOfThem() throws Exception {
    String before =
        Files.exists(SERVERS_FILE) ? Files.readString(SERVERS_FILE) : "{\"mcpServers\":{}}";
    Path pids = directory.resolve("many");
    String two =
        "sleep 300 & echo $! >> '" + pids + "'; setsid sleep 300 & echo $! >> '" + pids + "'; ";
    JsonObject definition =
        shell("it-many", sampleWith(pids, two))
            .remove("mcp_server_id")
            .addAll(budget("maxProcesses", 2))
            .build();
    try {
      write(
          Json.createObjectBuilder()
              .add("mcpServers", Json.createObjectBuilder().add("it-many", definition))
              .build()
              .toString());
      await().atMost(SOON).until(() -> !events.of("it-many", "ProviderRegistered").isEmpty());
      send("POST", "mcp_servers/it-many/start", "");

      // On a slow machine it is not ready by then, and its start fails for the same reason.
      await().atMost(SOON).until(() -> !reasons("it-many", "dead").isEmpty());
      List<Long> tree = read(pids).subList(0, 3);
      assertThat(reasons("it-many", "dead").get(0)).contains("budget: 3 processes of at most 2");
      await().atMost(SOON).until(() -> tree.stream().noneMatch(BudgetsIT::isAlive));
      // it is wanted, so it is tried again after its back-off
      await().atMost(SOON).until(() -> reasons("it-many", "initializing").size() >= 2);
    } finally {
      write(before);
      await().atMost(SOON).until(() -> send("GET", "mcp_servers/it-many", "").statusCode() == 404);
    }
  }

  @Test
  void aServerThatTakesTooMuchMemoryIsEnded() throws Exception {
    // the virtual machine alone takes more than that
    create(sample("it-large").addAll(budget("maxMemoryMb", 16)));
    send("POST", "mcp_servers/it-large/start", "");
    await().atMost(SOON).until(() -> !events.changes("it-large").isEmpty());
    await()
        .atMost(SOON)
        .until(
            () ->
                Stream.of("dead", "degraded")
                    .flatMap(state -> reasons("it-large", state).stream())
                    .anyMatch(
                        r -> r.matches(".*budget: \\d+ bytes of memory of at most 16777216.*")));
  }

  private static void write(String text) throws Exception {
    Path next = SERVERS_FILE.resolveSibling("mcp.json.next");
    Files.createDirectories(SERVERS_FILE.getParent());
    Files.writeString(next, text);
    Files.move(next, SERVERS_FILE, StandardCopyOption.REPLACE_EXISTING);
  }
}
