package dev.sluice.it;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import jakarta.json.Json;
import jakarta.json.JsonObject;
import java.net.http.HttpRequest;
import java.net.http.HttpRequest.BodyPublishers;
import java.net.http.HttpResponse;
import java.net.http.HttpResponse.BodyHandlers;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Tool calls of real children over REST: circuit, limits, blocks, masking, and refusals. */
class CallsIT extends RestTest {

  private static final String TOO_LONG = "{\"arguments\":{\"milliseconds\":30000}}";

  private static HttpResponse<String> call(String id, String tool, String body) throws Exception {
    return send("POST", "mcp_servers/" + id + "/tools/" + tool + "/call", body);
  }

  private static void echoes(String id) throws Exception {
    HttpResponse<String> answer = call(id, "echo", HELLO);
    assertThat(answer.statusCode()).as(answer.body()).isEqualTo(200);
    assertThat(answer.body()).contains("hello");
  }

  private List<String> circuit(String id) {
    return events.of(id, "CircuitBreakerStateChanged").stream()
        .map(e -> e.getString("old_state") + ">" + e.getString("new_state"))
        .toList();
  }

  private void awaitCircuit(String id, String... changes) {
    await().untilAsserted(() -> assertThat(circuit(id)).containsExactly(changes));
  }

  private static void failsByDeadline(String id) throws Exception {
    refused(call(id, "sleep", TOO_LONG), 504, "call_timeout");
  }

  @Test
  void theCircuitOpensAfterFailuresInARowAndClosesByOneProbe() throws Exception {
    create(
        sample("it-circuit")
            .add("call_timeout_s", 1)
            .add(
                "circuit_breaker",
                Json.createObjectBuilder().add("failure_threshold", 2).add("reset_timeout_s", 1)));
    failsByDeadline("it-circuit");
    echoes("it-circuit");
    failsByDeadline("it-circuit");
    assertThat(circuit("it-circuit")).isEmpty(); // the success in between counts
    refused(call("it-circuit", "crash", "{}"), 503, "server_disconnected");
    HttpResponse<String> open = call("it-circuit", "echo", HELLO);
    refused(open, 503, "circuit_open");
    assertThat(open.headers().firstValue("Retry-After")).hasValue("1");

    awaitCircuit("it-circuit", "closed>open", "open>half_open");
    int requested = events.of("it-circuit", "ToolInvocationRequested").size();
    CompletableFuture<HttpResponse<String>> probe =
        sendAsync(
            "POST",
            "mcp_servers/it-circuit/tools/sleep/call",
            "{\"arguments\":{\"milliseconds\":600}}");
    await().until(() -> events.of("it-circuit", "ToolInvocationRequested").size() == requested + 1);
    refused(call("it-circuit", "echo", HELLO), 503, "circuit_open");
    assertThat(probe.join().statusCode()).as(probe.join().body()).isEqualTo(200);
    awaitCircuit("it-circuit", "closed>open", "open>half_open", "half_open>closed");
    echoes("it-circuit");
  }

  @Test
  void aFailedProbeOpensTheCircuitAgain() throws Exception {
    create(
        sample("it-reopen")
            .add("call_timeout_s", 1)
            .add(
                "circuit_breaker",
                Json.createObjectBuilder().add("failure_threshold", 1).add("reset_timeout_s", 1)));
    failsByDeadline("it-reopen");
    awaitCircuit("it-reopen", "closed>open", "open>half_open");
    failsByDeadline("it-reopen");
    refused(call("it-reopen", "echo", HELLO), 503, "circuit_open");
    awaitCircuit("it-reopen", "closed>open", "open>half_open", "half_open>open", "open>half_open");
    echoes("it-reopen");
    assertThat(json(call("it-reopen", "fail", "{}")).getBoolean("isError")).isTrue();
    awaitCircuit(
        "it-reopen",
        "closed>open",
        "open>half_open",
        "half_open>open",
        "open>half_open",
        "half_open>closed"); // an error that a tool reports is no failure of the transport
  }

  @Test
  void aCallBeyondTheLimitIs429WithRetryAfterAndTheOthersGoOn() throws Exception {
    create(sample("it-limit").add("max_concurrency", 1));
    CompletableFuture<HttpResponse<String>> first =
        sendAsync(
            "POST",
            "mcp_servers/it-limit/tools/sleep/call",
            "{\"arguments\":{\"milliseconds\":500}}");
    await().until(() -> events.of("it-limit", "ToolInvocationRequested").size() == 1);
    HttpResponse<String> second = call("it-limit", "echo", HELLO);
    refused(second, 429, "too_many_calls");
    assertThat(Integer.parseInt(second.headers().firstValue("Retry-After").orElseThrow()))
        .isPositive();
    assertThat(first.join().body()).contains("slept 500 ms");
    echoes("it-limit");
  }

  @Test
  void aBlockStopsTheServerAndRefusesStartsAndCallsUntilItEnds() throws Exception {
    create(sample("it-block").add("auto_start", true));
    echoes("it-block");
    HttpResponse<String> blocked =
        send("POST", "mcp_servers/it-block/block", "{\"reason\":\"leaks\"}");
    assertThat(json(blocked).getBoolean("blocked")).isTrue();
    assertThat(state("it-block")).isEqualTo("cold");
    assertThat(refused(call("it-block", "echo", HELLO), 409, "server_blocked").getString("message"))
        .contains("leaks");
    refused(send("POST", "mcp_servers/it-block/start", ""), 409, "server_blocked");
    assertThat(events.of("it-block", "McpServerStarted")).hasSize(1);
    await().until(() -> events.of("it-block", "McpServerStopped").size() == 1);
    assertThat(events.of("it-block", "McpServerStopped").get(0).getString("reason"))
        .contains("leaks");
    assertThat(json(send("DELETE", "mcp_servers/it-block/block", "")).getBoolean("was_blocked"))
        .isTrue();
    echoes("it-block");
  }

  @Test
  void argumentsNamedLikeSecretsAreMaskedInEveryEventAndReachTheServer() throws Exception {
    create(sample("it-mask"));
    call(
        "it-mask",
        "echo",
        "{\"arguments\":{\"text\":\"open\",\"api_key\":\"hunter2\","
            + "\"more\":[{\"password\":{\"v\":\"hunter2\"},\"max_tokens\":7}]}}");
    await().until(() -> events.of("it-mask", "ToolInvocationCompleted").size() == 1);
    assertThat(events.of("it-mask", "ToolInvocationRequested").get(0).get("arguments"))
        .hasToString(
            "{\"text\":\"open\",\"api_key\":\"***\","
                + "\"more\":[{\"password\":\"***\",\"max_tokens\":7}]}");
    assertThat(events.of("it-mask").toString()).doesNotContain("hunter2");
  }

  @ParameterizedTest
  @CsvSource({"mcp_servers", "groups"})
  void collectionsAnswerWithAndWithoutTheTrailingSlash(String collection) throws Exception {
    HttpResponse<String> plain = send("GET", collection, "");
    HttpResponse<String> slash = send("GET", collection + "/", "");
    assertThat(plain.statusCode()).isEqualTo(200);
    assertThat(slash.statusCode()).isEqualTo(200);
    assertThat(json(slash).keySet()).isEqualTo(json(plain).keySet());
  }

  @Test
  void whatIsCreatedTwiceIsAConflict() throws Exception {
    create(sample("it-twice"));
    String group = "{\"group_id\":\"it-twice\",\"members\":[{\"id\":\"it-twice\"}]}";
    createGroup("it-twice", group);
    assertThat(
            refused(
                    send("POST", "mcp_servers/", sample("it-twice").build().toString()),
                    409,
                    "server_exists")
                .getString("message"))
        .contains("it-twice");
    refused(send("POST", "groups/", group), 409, "group_exists");
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "GET | mcp_servers/nobody | '' | 404 | server_not_found",
        "POST | mcp_servers/nobody/start | '' | 404 | server_not_found",
        "POST | mcp_servers/nobody/tools/echo/call | {} | 404 | server_not_found",
        "GET | groups/nobody | '' | 404 | group_not_found",
        "POST | groups/nobody/tools/echo/call | {} | 404 | group_not_found",
        "POST | mcp_servers | {\"mcp_server_id\":\"it-bad\"} | 422 | validation_failed",
        "POST | mcp_servers | {\"command\":\"x\"} | 422 | validation_failed",
        "POST | groups | {\"group_id\":\"it-bad\",\"members\":[{\"id\":\"nobody\"}]}"
            + " | 422 | validation_failed",
        "GET | mcp_servers?state=happy | '' | 422 | validation_failed",
        "POST | mcp_servers/ | { | 400 | malformed_json",
        "POST | groups | {\"group_id\": | 400 | malformed_json",
        "PATCH | mcp_servers | {} | 405 | method_not_allowed",
      })
  void aWrongRequestIsRefusedWithTheStatusThatHttpMeans(
      String method, String path, String body, int status, String code) throws Exception {
    refused(send(method, path, body), status, code);
  }

  @Test
  void aToolThatIsNotThereIs404WithTheNearestNameAndWrongArgumentsAre422() throws Exception {
    create(sample("it-tools"));
    assertThat(refused(call("it-tools", "ecko", HELLO), 404, "tool_not_found").getString("message"))
        .contains("\"echo\"");
    refused(call("it-tools", "add", "{\"arguments\":{\"a\":1}}"), 422, "invalid_arguments");
    refused(call("it-tools", "echo", "{\"arguments\":[]}"), 422, "validation_failed");
  }

  @ParameterizedTest
  @CsvSource({"mcp_servers", "groups"})
  void aBodyThatIsNotJsonByItsTypeIs415(String collection) throws Exception {
    JsonObject error =
        refused(
            HTTP.send(
                HttpRequest.newBuilder(HUB.resolve("api/" + collection))
                    .header("Content-Type", "text/plain")
                    .POST(BodyPublishers.ofString("{}"))
                    .build(),
                BodyHandlers.ofString()),
            415,
            "unsupported_media_type");
    assertThat(error.getString("message")).contains("application/json");
  }
}
