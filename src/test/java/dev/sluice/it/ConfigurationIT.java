package dev.sluice.it;

import static java.nio.charset.StandardCharsets.ISO_8859_1;
import static java.nio.charset.StandardCharsets.UTF_16;
import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import jakarta.json.JsonObject;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.time.Duration;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
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
    write(text.getBytes(UTF_8));
  }

  private static void write(byte[] bytes) throws Exception {
    Files.createDirectories(SERVERS_FILE.getParent());
    Files.write(NEXT, bytes);
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

  /** What no servers file can be, and the kind of refusal. */
  private static Map<byte[], String> garbage() {
    Map<byte[], String> garbage = new LinkedHashMap<>();
    garbage.put(new byte[0], "syntax");
    garbage.put(new byte[4096], "syntax");
    garbage.put("{\"mcpServers\":{\"it-x\":{\"command\":\"x".getBytes(UTF_8), "syntax");
    garbage.put("[]".getBytes(UTF_8), "syntax");
    garbage.put("null".getBytes(UTF_8), "syntax");
    garbage.put("{} {}".getBytes(UTF_8), "syntax");
    garbage.put(("{\"mcpServers\":" + "{\"a\":".repeat(100_000)).getBytes(UTF_8), "syntax");
    garbage.put(("{\"mcpServers\":" + "[".repeat(100_000)).getBytes(UTF_8), "syntax");
    garbage.put(("{\"a\":" + "9".repeat(5000) + "}").getBytes(UTF_8), "syntax");
    garbage.put("{\"a\":1e99999999999}".getBytes(UTF_8), "syntax");
    garbage.put("{\"\u00ff\u00fe\":1}".getBytes(ISO_8859_1), "encoding");
    garbage.put("{\"mcpServers\":{}}".getBytes(UTF_16), "encoding");
    garbage.put(" ".repeat(5_000_000).getBytes(UTF_8), "size");
    garbage.put("{\"mcpServers\":[]}".getBytes(UTF_8), "value");
    garbage.put("{\"mcpServers\":{\"it-x\":7}}".getBytes(UTF_8), "value");
    garbage.put("{\"mcpServers\":{\"a b\":{\"command\":\"x\"}}}".getBytes(UTF_8), "value");
    garbage.put("{\"mcpServers\":{\"it-x\":{\"command\":\"x\\u0000\"}}}".getBytes(UTF_8), "value");
    return garbage;
  }

  @Test
  void garbageInTheFileIsToldAndChangesNothing() throws Exception {
    String before =
        Files.exists(SERVERS_FILE) ? Files.readString(SERVERS_FILE) : "{\"mcpServers\":{}}";
    try {
      writeServers(entry("it-kept", "1"));
      assertThat(send("POST", "mcp_servers/it-kept/start", "").statusCode()).isEqualTo(200);
      long pid = pid("it-kept");
      int refused = 0;
      for (Map.Entry<byte[], String> one : garbage().entrySet()) {
        String shown = new String(one.getKey(), 0, Math.min(60, one.getKey().length), ISO_8859_1);
        int count = ++refused;
        write(one.getKey());
        await(shown)
            .atMost(SOON)
            .until(() -> events.ofType("ConfigurationReloadFailed").size() == count);
        JsonObject event = events.ofType("ConfigurationReloadFailed").get(count - 1);
        assertThat(event.getString("error_type")).as(shown).isEqualTo(one.getValue());
        assertThat(event.getString("reason")).as(shown).isNotBlank().hasSizeLessThan(500);
      }
      JsonObject again = refused(send("POST", "config/reload", ""), 422, "configuration_invalid");
      assertThat(again.getJsonObject("details").getString("error_type")).isEqualTo("value");
      assertThat(pid("it-kept")).isEqualTo(pid);
      assertThat(send("POST", "mcp_servers/it-kept/tools/echo/call", HELLO).statusCode())
          .isEqualTo(200);
    } finally {
      write(before);
      await().atMost(SOON).until(() -> send("GET", "mcp_servers/it-kept", "").statusCode() == 404);
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
