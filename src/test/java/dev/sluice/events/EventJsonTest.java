package dev.sluice.events;

import static org.assertj.core.api.Assertions.assertThat;

import jakarta.json.JsonObject;
import jakarta.json.JsonValue;
import java.nio.charset.StandardCharsets;
import java.time.Clock;
import java.time.Duration;
import java.time.Instant;
import java.time.ZoneOffset;
import java.util.List;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.constraints.StringLength;
import org.junit.jupiter.api.Test;

/** The event objects on the wire. */
class EventJsonTest {

  private static String json(DomainEvent event) {
    JournalSettings settings =
        new JournalSettings(
            10,
            1_000_000,
            Duration.ofDays(1),
            "host-0a1b2c3d",
            Clock.fixed(Instant.parse("2026-11-20T16:31:23.000456789Z"), ZoneOffset.UTC));
    try (Journal journal = Journal.inMemory(settings)) {
      journal.append(event);
      return journal.read(0, 1, topic -> true).get(0).json().replace(journal.epoch(), "epoch");
    }
  }

  @Test
  void anEventIsOneFlatObjectInTheDocumentedOrder() {
    assertThat(json(new DomainEvent.McpServerStarted("math", "stdio", 3, 12.5)))
        .isEqualTo(
            "{\"event_type\":\"McpServerStarted\",\"mcp_server_id\":\"math\",\"mode\":\"stdio\","
                + "\"tools_count\":3,\"startup_duration_ms\":12.5,"
                + "\"timestamp\":\"2026-11-20T16:31:23.000456Z\",\"event_id\":\"epoch:1\","
                + "\"occurred_at\":1795192283.000456,\"produced_by\":\"host-0a1b2c3d\"}");
  }

  @Test
  void listsRawJsonAndNumbersThatJsonLacks() {
    JsonObject reloaded =
        Reader.parse(
            json(
                new DomainEvent.ConfigurationReloaded(
                    "/x/mcp.json",
                    List.of("a", "b\n"),
                    List.of(),
                    List.of(),
                    List.of(),
                    1,
                    "watch")));
    assertThat(reloaded.getJsonArray("mcp_servers_added").getString(1)).isEqualTo("b\n");
    assertThat(reloaded.getJsonArray("mcp_servers_removed")).isEmpty();
    String requested =
        json(
            new DomainEvent.ToolInvocationRequested(
                "m", "t", "c", new RawJson("{\n \"a\": 1e400,\r\n\"b\":\"\\n\"}"), "rest", 9));
    assertThat(requested).doesNotContain("\n", "\r").contains("1e400");
    assertThat(Reader.parse(requested).getJsonObject("arguments").getString("b")).isEqualTo("\n");
    assertThat(
            Reader.parse(json(new DomainEvent.HealthCheckPassed("m", Double.NaN)))
                .get("duration_ms"))
        .isEqualTo(JsonValue.NULL);
  }

  @Test
  void controlCharactersAndLoneSurrogatesAreEscaped() {
    String json =
        json(
            new DomainEvent.McpServerStopped("m", "\u0000\u001f\u2028\ud83d\ude00\ud800x\udc00\""));
    assertThat(json).contains("\\u0000\\u001f\u2028\ud83d\ude00\\ud800x\\udc00\\\"");
  }

  @Property(tries = 300)
  void anyTextComesBackAsItWas(@ForAll @StringLength(max = 40) String text) {
    String json = json(new DomainEvent.McpServerStopped("m", text));
    assertThat(json.chars()).allMatch(c -> c >= ' ');
    String wire = new String(json.getBytes(StandardCharsets.UTF_8), StandardCharsets.UTF_8);
    assertThat(wire).isEqualTo(json);
    assertThat(EventJson.utf8Length(json)).isEqualTo(json.getBytes(StandardCharsets.UTF_8).length);
    assertThat(Reader.parse(wire).getString("reason")).isEqualTo(text);
  }
}
