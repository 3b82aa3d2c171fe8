package dev.sluice.it;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import jakarta.json.JsonObject;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.time.Duration;
import java.util.List;
import org.junit.jupiter.api.Test;

/** The servers file and the discovery directory, watched by the running hub. */
class ConfigurationIT extends RestTest {

  private static final Path NEXT = SERVERS_FILE.resolveSibling("mcp.json.next");
  private static final Duration SOON = Duration.ofSeconds(15);

  private static String entry(String id, String argument) {
    return "\"%s\":{\"command\":\"%s\",\"args\":[\"%s\",\"%s\"]}"
        .formatted(id, JAVA, SAMPLE, argument);
  }

  private static void write(String text) throws Exception {
    Files.createDirectories(SERVERS_FILE.getParent());
    Files.writeString(NEXT, text);
    Files.move(NEXT, SERVERS_FILE, StandardCopyOption.REPLACE_EXISTING);
  }

  private void writeServers(String... entries) throws Exception {
    int before = events.ofType("ConfigurationReloaded").size();
    write("{\"mcpServers\":{" + String.join(",", entries) + "}}");
    await().atMost(SOON).until(() -> events.ofType("ConfigurationReloaded").size() == before + 1);
  }

  private JsonObject reloaded() {
    List<JsonObject> all = events.ofType("ConfigurationReloaded");
    return all.get(all.size() - 1);
  }

  private static List<String> texts(JsonObject event, String field) {
    return event.getJsonArray(field).getValuesAs(jakarta.json.JsonString::getString);
  }

  private static long pid(String id) throws Exception {
    return json(send("GET", "mcp_servers/" + id, "")).getJsonNumber("pid").longValue();
  }

  @Test
  void aChangedFileRestartsOnlyWhatChangedAndABrokenOneChangesNothing() throws Exception {
    String before =
        Files.exists(SERVERS_FILE) ? Files.readString(SERVERS_FILE) : "{\"mcpServers\":{}}";
    try {
      writeServers(entry("it-a", "1"), entry("it-b", "1"), entry("it-c", "1"));
      assertThat(texts(reloaded(), "mcp_servers_added")).contains("it-a", "it-b", "it-c");
      send("POST", "mcp_servers/it-a/start", "");
      send("POST", "mcp_servers/it-b/start", "");
      long a = pid("it-a");
      long b = pid("it-b");

      writeServers(entry("it-a", "1"), entry("it-b", "2"));
      assertThat(texts(reloaded(), "mcp_servers_updated")).containsExactly("it-b");
      assertThat(texts(reloaded(), "mcp_servers_unchanged")).containsExactly("it-a");
      assertThat(texts(reloaded(), "mcp_servers_removed")).containsExactly("it-c");
      await().atMost(SOON).until(() -> events.of("it-b", "McpServerStarted").size() == 2);
      assertThat(pid("it-b")).isNotEqualTo(b);
      assertThat(pid("it-a")).isEqualTo(a);
      assertThat(events.of("it-a", "McpServerStarted")).hasSize(1);

      long again = pid("it-b");
      write("{\"mcpServers\":{\n  \"it-a\": oops}}");
      await().atMost(SOON).until(() -> !events.ofType("ConfigurationReloadFailed").isEmpty());
      JsonObject broken = events.ofType("ConfigurationReloadFailed").get(0);
      assertThat(broken.getInt("line")).isEqualTo(2);
      assertThat(broken.getInt("column")).isBetween(11, 12);
      assertThat(broken.getString("config_path")).endsWith("mcp.json");
      assertThat(pid("it-a")).isEqualTo(a);
      assertThat(pid("it-b")).isEqualTo(again);
    } finally {
      write(before);
      await().atMost(SOON).until(() -> send("GET", "mcp_servers/it-a", "").statusCode() == 404);
    }
  }

  @Test
  void aFragmentIsDiscoveredRegisteredAndDeregisteredWithItsFile() throws Exception {
    Files.createDirectories(DISCOVERY_DIR);
    Path fragment = DISCOVERY_DIR.resolve("it.json");
    Files.writeString(fragment, "{\"mcpServers\":{\"it-found\":{\"command\":\"" + JAVA + "\"}}}");
    try {
      await().atMost(SOON).until(() -> events.of("it-found", "ProviderRegistered").size() == 1);
      assertThat(state("it-found")).isEqualTo("cold");
    } finally {
      Files.delete(fragment);
    }
    await().atMost(SOON).until(() -> events.of("it-found", "ProviderDeregistered").size() == 1);
    assertThat(events.of("it-found"))
        .extracting(e -> e.getString("event_type"))
        .containsExactly("ProviderDiscovered", "ProviderRegistered", "ProviderDeregistered");
    assertThat(events.of("it-found", "ProviderDiscovered").get(0).getString("source_type"))
        .isEqualTo("directory");
    assertThat(events.of("it-found", "ProviderRegistered").get(0).getString("source"))
        .isEqualTo("discovery:directory");
    assertThat(send("GET", "mcp_servers/it-found", "").statusCode()).isEqualTo(404);
  }
}
