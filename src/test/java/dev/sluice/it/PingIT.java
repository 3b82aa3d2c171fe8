package dev.sluice.it;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import jakarta.json.Json;
import jakarta.json.JsonObject;
import jakarta.json.JsonValue;
import java.time.Duration;
import java.time.Instant;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** The last ping of a server in its health: one whose answer was awaited, and how long it took. */
class PingIT extends RestTest {

  private static final String NAME = "it-ping";

  private RemoteTestServer server;

  @BeforeEach
  void register() throws Exception {
    server = new RemoteTestServer();
    create(
        Json.createObjectBuilder()
            .add("mcp_server_id", NAME)
            .add("url", server.url())
            .add("type", "http")
            .add("healthCheckIntervalSeconds", 1));
  }

  @AfterEach
  void end() {
    server.close();
  }

  private static JsonValue lastPing() throws Exception {
    return json(send("GET", "mcp_servers/" + NAME + "/health", "")).get("last_ping");
  }

  private static JsonObject lastPing(String result) {
    return await()
        .atMost(Duration.ofSeconds(30))
        .until(
            PingIT::lastPing,
            ping -> ping instanceof JsonObject told && told.getString("result").equals(result))
        .asJsonObject();
  }

  @Test
  void isToldWithItsResultItsTimeAndWhenItWas() throws Exception {
    Instant begin = Instant.now();
    server.pingMillis = 300;
    assertThat(lastPing()).isEqualTo(JsonValue.NULL);
    assertThat(send("POST", "mcp_servers/" + NAME + "/start", "").statusCode()).isEqualTo(200);
    JsonObject passed = lastPing("passed");
    assertThat(passed.getJsonNumber("duration_ms").doubleValue()).isBetween(300.0, 5000.0);
    assertThat(Instant.parse(passed.getString("pinged_at"))).isBetween(begin, Instant.now());
    assertThat(passed.containsKey("problem")).isFalse();
    assertThat(json(send("GET", "mcp_servers/" + NAME, "")).getJsonObject("health"))
        .containsKey("last_ping");

    server.pingMillis = 60_000;
    JsonObject failed = lastPing("failed");
    assertThat(failed.getString("problem")).isEqualTo("no answer to ping within 5 s");
    assertThat(failed.getJsonNumber("duration_ms").doubleValue()).isBetween(5000.0, 20_000.0);
    assertThat(Instant.parse(failed.getString("pinged_at")))
        .isAfter(Instant.parse(passed.getString("pinged_at")));
  }
}
