package dev.sluice.it;

import static dev.sluice.it.ManagementIT.metrics;
import static dev.sluice.it.Publishing.publish;
import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import jakarta.json.Json;
import jakarta.json.JsonObject;
import java.net.http.HttpResponse;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** The life of servers as a client of the REST interface and the stream sees it. */
class ServersIT extends RestTest {

  @Test
  void aStartIsStateChangedTwiceThenStartedAndAStopTellsItsReason() throws Exception {
    create(sample("it-life"));
    assertThat(send("POST", "mcp_servers/it-life/start", "").statusCode()).isEqualTo(200);
    HttpResponse<String> stopped =
        send("POST", "mcp_servers/it-life/stop/", "{\"reason\":\"maintenance\"}");
    assertThat(json(stopped).getString("reason")).isEqualTo("maintenance");
    assertThat(send("POST", "mcp_servers/it-life/stop", "").statusCode()).isEqualTo(200);
    // The block is the end mark: what the stop of a cold server said would come before it.
    send("POST", "mcp_servers/it-life/block", "");
    await().until(() -> events.of("it-life", "McpServerUpdated").size() == 1);
    assertThat(events.of("it-life"))
        .extracting(e -> e.getString("event_type"))
        .containsExactly(
            "ProviderRegistered",
            "McpServerStateChanged",
            "McpServerStateChanged",
            "McpServerStarted",
            "McpServerStateChanged",
            "McpServerStopped",
            "McpServerUpdated");
    assertThat(events.of("it-life", "McpServerStopped").get(0).getString("reason"))
        .isEqualTo("maintenance");
    assertThat(events.of("it-life"))
        .extracting(e -> e.getString("event_id"))
        .doesNotHaveDuplicates();
  }

  @Test
  void aFilteredSocketSeesExactlyTheStateChangesOfItsServer() throws Exception {
    create(sample("it-math"));
    create(sample("it-other"));
    try (WebSocketPeer socket = WebSocketPeer.open(HUB, "?since=live")) {
      socket.next();
      socket.text(
          "{\"type\":\"subscribe\",\"event_types\":[\"McpServerStateChanged\"],"
              + "\"mcp_server_ids\":[\"it-math\"]}");
      assertThat(socket.next().getString("type")).isEqualTo("subscribed");
      send("POST", "mcp_servers/it-other/start", "");
      send("POST", "mcp_servers/it-math/start", "");
      // The stop is the end mark: whatever else were delivered would come before it.
      send("POST", "mcp_servers/it-math/stop", "");
      for (String change : List.of("cold>initializing", "initializing>ready", "ready>cold")) {
        JsonObject event = socket.next();
        assertThat(event.getString("event_type")).isEqualTo("McpServerStateChanged");
        assertThat(event.getString("mcp_server_id")).isEqualTo("it-math");
        assertThat(event.getString("old_state") + ">" + event.getString("new_state"))
            .isEqualTo(change);
      }
    }
  }

  @Test
  void tenConcurrentCallsToAColdServerStartOneProcess() throws Exception {
    create(sample("it-ten"));
    List<CompletableFuture<HttpResponse<String>>> calls = new ArrayList<>();
    for (int i = 0; i < 10; i++) {
      calls.add(sendAsync("POST", "mcp_servers/it-ten/tools/echo/call", HELLO));
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
    createGroup(
        "it-kill-group", "{\"group_id\":\"it-kill-group\",\"members\":[{\"id\":\"it-kill\"}]}");
    send("POST", "mcp_servers/it-kill/start", "");
    await().until(() -> events.of("it-kill-group", "GroupStateChanged").size() == 1);
    long pid = pid("it-kill");
    ProcessHandle.of(pid).orElseThrow().destroyForcibly();
    // From the kill to the event's arrival here, not only to its time stamp.
    await()
        .pollDelay(Duration.ZERO)
        .pollInterval(Duration.ofMillis(10))
        .atMost(Duration.ofSeconds(1))
        .until(() -> events.changes("it-kill").contains("ready>dead"));
    JsonObject dead = events.of("it-kill", "McpServerStateChanged").get(2);
    assertThat(dead.getString("new_state")).isEqualTo("dead");
    assertThat(dead.getString("reason")).isEqualTo("crashed: ended by SIGKILL (exit code 137)");
    await().until(() -> events.of("it-kill-group", "GroupStateChanged").size() >= 2);
    JsonObject left = events.of("it-kill-group", "GroupMemberHealthChanged").get(1);
    assertThat(left.getBoolean("in_rotation")).isFalse();
    assertThat(left.getString("reason")).startsWith("crashed: ");
    await().atMost(Duration.ofSeconds(30)).until(() -> state("it-kill").equals("ready"));
    assertThat(events.of("it-kill", "McpServerStateChanged").get(3).getString("reason"))
        .isEqualTo("restart after back-off");
    assertThat(pid("it-kill")).isNotEqualTo(pid);
  }

  private static long pid(String id) throws Exception {
    return json(send("GET", "mcp_servers/" + id, "")).getJsonNumber("pid").longValue();
  }

  /**
   * Starts a server that may idle for a second, and holds its stop to the rule: within its time to
   * live and one second, by the hub's own clock, plus a second for a machine that runs other
   * builds.
   */
  private void assertIdleStop(String id) throws Exception {
    create(sample(id).add("idle_ttl_s", 1));
    HttpResponse<String> started = send("POST", "mcp_servers/" + id + "/start", "");
    assertThat(started.statusCode()).as(started.body()).isEqualTo(200);
    await().until(() -> events.of(id, "McpServerStopped").size() == 1);
    assertThat(events.of(id))
        .extracting(e -> e.getString("event_type"))
        .endsWith("McpServerIdleDetected", "McpServerStateChanged", "McpServerStopped");
    assertThat(occurred(id, "McpServerStopped") - occurred(id, "McpServerStarted"))
        .isBetween(1.0, 1.0 + 1.0 + 1.0);
  }

  private double occurred(String id, String type) {
    return events.of(id, type).get(0).getJsonNumber("occurred_at").doubleValue();
  }

  @Test
  void anIdleServerIsStoppedWithAllItsEvents() throws Exception {
    assertIdleStop("it-idle");
  }

  /**
   * Each of these peers holds up whoever writes to it: event streams, whose pings wait for the
   * frame before them on Payara, and readers of a log.
   */
  @Test
  void peersThatStallDelayNoIdleStop() throws Exception {
    create(
        Json.createObjectBuilder()
            .add("mcp_server_id", "it-chatter")
            .add("command", "sh")
            .add(
                "args",
                Json.createArrayBuilder()
                    .add("-c")
                    .add(
                        "line=$(printf '%08000d' 0); while :; do i=0;"
                            + " while [ $i -lt 20 ]; do echo $line >&2; i=$((i+1)); done;"
                            + " sleep 0.1; done"))
            .add("startTimeoutSeconds", 120));
    CompletableFuture<HttpResponse<String>> starting =
        sendAsync("POST", "mcp_servers/it-chatter/start", "");
    List<AutoCloseable> stalled = new ArrayList<>();
    try {
      for (int i = 0; i < 6; i++) {
        stalled.add(RawHttp.stalled(HUB, "/api/mcp_servers/it-chatter/logs/stream?lines=0"));
        stalled.add(WebSocketPeer.narrow(HUB, "?since=live&mcp_server_ids=it-stall"));
      }
      // What the system and Payara's own buffers take before a write hangs differs. What waits for
      // over a second after a round waits for a peer that does not read.
      await()
          .atMost(Duration.ofSeconds(90))
          .pollInterval(Duration.ofMillis(1500))
          .until(
              () -> {
                boolean stall = metrics().get("sluice_stream_lag_seconds") > 1;
                if (!stall) {
                  publish(HUB, 400, "it-stall", "&pad=6000");
                }
                return stall;
              });
      assertIdleStop("it-idle-beside");
      assertThat(metrics())
          .hasEntrySatisfying(
              "sluice_threads_timer_delay_seconds", late -> assertThat(late).isLessThan(1))
          .hasEntrySatisfying(
              "sluice_threads_work_delay_seconds", late -> assertThat(late).isLessThan(1));
    } finally {
      for (AutoCloseable peer : stalled) {
        peer.close();
      }
      send("POST", "mcp_servers/it-chatter/stop", "");
      starting.join();
    }
  }

  @Test
  void aBlockOfAColdServerIsAnEventForWhoeverWatches() throws Exception {
    create(sample("it-block"));
    send("POST", "mcp_servers/it-block/block", "{\"reason\":\"broken\"}");
    await().until(() -> events.of("it-block", "McpServerUpdated").size() == 1);
    assertThat(events.of("it-block", "McpServerUpdated").get(0).getString("source"))
        .isEqualTo("api");
    assertThat(json(send("GET", "mcp_servers/it-block", "")).getBoolean("blocked")).isTrue();
    send("DELETE", "mcp_servers/it-block/block", "");
    await().until(() -> events.of("it-block", "McpServerUpdated").size() == 2);
    assertThat(events.changes("it-block")).isEmpty();
  }
}
