package dev.sluice.it;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.networknt.schema.Schema;
import com.networknt.schema.SchemaLocation;
import com.networknt.schema.SchemaRegistry;
import com.networknt.schema.SpecificationVersion;
import jakarta.json.Json;
import jakarta.json.JsonObject;
import java.io.File;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Iterator;
import java.util.Locale;
import java.util.Set;
import java.util.TreeSet;
import org.assertj.core.api.SoftAssertions;
import org.junit.jupiter.api.Test;

/**
 * Every operation of the OpenAPI document is called, in an order in which each finds what it needs,
 * and answers with a documented status and a body that its schema allows.
 */
class OpenApiIT extends HubTest {

  private static final String ID = "openapi-it";
  private static final String GROUP = "openapi-it-group";

  private final HttpClient client = HttpClient.newHttpClient();
  private final ObjectMapper json = new ObjectMapper();
  private final SoftAssertions softly = new SoftAssertions();
  private final Set<String> called = new TreeSet<>();
  private JsonNode document = json.createObjectNode();

  @Test
  void everyOperationAnswersAsDocumented() throws Exception {
    document = json.readTree(plain("/api/openapi.json").body());
    try {
      system();
      servers();
      groups();
    } finally {
      plain("DELETE", "/api/groups/" + GROUP, "");
      plain("DELETE", "/api/mcp_servers/" + ID, "");
    }
    softly.assertThat(called).isEqualTo(operations());
    softly.assertAll();
  }

  private void system() throws Exception {
    call("GET", "/api/openapi.json", 200);
    call("GET", "/health/live", 200);
    call("GET", "/health/ready", 200);
    call("GET", "/health/started", 200);
    call("GET", "/metrics", 200);
    call("GET", "/api/system", 200);
    call("GET", "/api/system/me", 200);
    call("GET", "/api/config", 200);
    if (!Files.exists(SERVERS_FILE)) {
      call("POST", "/api/config/reload", "", 422);
      Files.createDirectories(SERVERS_FILE.getParent());
      Files.writeString(SERVERS_FILE, "{\"mcpServers\":{}}");
    }
    call("POST", "/api/config/reload", "", 200);
    Files.createDirectories(DISCOVERY_DIR);
    call("GET", "/api/discovery/sources", 200);
    call("POST", "/api/discovery/sources/{id}/scan", "directory", "", "", 200);
    call("POST", "/api/discovery/sources/{id}/scan", "nowhere", "", "", 404);
    call("GET", "/api/discovery/pending", 200);
    call("GET", "/api/discovery/quarantined", 200);
    call("GET", "/api/events", 200);
    call("GET", "/api/events/history", 200);
  }

  private void servers() throws Exception {
    String path = "/api/mcp_servers";
    call("GET", path, 200);
    call("POST", path, definition(true), 201);
    call("POST", path, definition(true), 409);
    call("POST", path, "{\"mcp_server_id\":\"x y\",\"command\":\"true\"}", 422);
    call("POST", path, "{\"mcp_server_id\":", 400);
    String one = path + "/{id}";
    call("GET", one, ID, "", "", 200);
    call("GET", one, "unknown", "", "", 404);
    call("PUT", one, ID, "", definition(false), 200);
    call("POST", one + "/start", ID, "", "{\"reason\":\"test\"}", 200);
    call("GET", one, ID, "", "", 200);
    call("GET", one + "/tools", ID, "", "", 200);
    call("POST", one + "/tools/{tool}/call", ID, "one", "{\"arguments\":{\"text\":\"x\"}}", 200);
    call("POST", one + "/tools/{tool}/call", ID, "one", "{\"arguments\":[]}", 422);
    call("GET", one + "/tools/history", ID, "", "", 200);
    call("GET", one + "/health", ID, "", "", 200);
    call("GET", one + "/logs", ID, "", "", 200);
    call("GET", one + "/logs/stream", ID, "", "", 200);
    call("GET", one + "/logs/stream", "unknown", "", "", 404);
    call("POST", one + "/stop", ID, "", "{\"reason\":\"test\"}", 200);
    call("POST", one + "/block", ID, "", "{\"reason\":\"test\"}", 200);
    call("POST", one + "/start", ID, "", "", 409);
    call("DELETE", one + "/block", ID, "", "", 200);
  }

  private void groups() throws Exception {
    String path = "/api/groups";
    call("GET", path, 200);
    call("POST", path, "{\"group_id\":\"" + GROUP + "\"}", 201);
    String one = path + "/{id}";
    call("GET", one, GROUP, "", "", 200);
    call("PUT", one, GROUP, "", "{\"description\":\"changed\"}", 200);
    call("POST", one + "/members", GROUP, "", "{\"id\":\"" + ID + "\"}", 201);
    call("POST", one + "/members", GROUP, "", "{\"id\":\"" + ID + "\"}", 409);
    call("POST", one + "/rebalance", GROUP, "", "", 200);
    call("POST", "/api/mcp_servers/{id}/start", ID, "", "", 200);
    call("POST", one + "/tools/{tool}/call", GROUP, "one", "{\"arguments\":{}}", 200);
    call("DELETE", one + "/members/{member}", GROUP, ID, "", 200);
    call("DELETE", one, GROUP, "", "", 200);
    call("GET", one, GROUP, "", "", 404);
    call("DELETE", "/api/mcp_servers/{id}", ID, "", "", 200);
  }

  private void call(String method, String template, int expected) throws Exception {
    call(method, template, "", "", "", expected);
  }

  private void call(String method, String template, String body, int expected) throws Exception {
    call(method, template, "", "", body, expected);
  }

  /** Calls it; the second variable fills {@code {tool}} or {@code {member}}. */
  private void call(
      String method, String template, String id, String second, String body, int expected)
      throws Exception {
    called.add(method + " " + template);
    String path = template.replace("{id}", id).replaceAll("\\{(tool|member)\\}", second);
    Reply answer = plain(method, path, body);
    String what = method + " " + path + " -> " + answer.body();
    softly.assertThat(answer.status()).as(what).isEqualTo(expected);
    JsonNode response =
        resolved(
            document
                .path("paths")
                .path(template)
                .path(method.toLowerCase(Locale.ROOT))
                .path("responses")
                .path(Integer.toString(expected)));
    softly.assertThat(response.isMissingNode()).as("documented: " + what).isFalse();
    String type = answer.type();
    softly
        .assertThat(response.path("content").has(type))
        .as("documented type " + type + ": " + what)
        .isTrue();
    if (type.equals("application/json")) {
      JsonNode found = json.readTree(answer.body());
      softly
          .assertThat(schema(response.path("content").path(type).path("schema")).validate(found))
          .as(what)
          .isEmpty();
    }
  }

  private Schema schema(JsonNode schema) {
    var root = json.createObjectNode();
    root.set("components", document.path("components"));
    root.setAll((com.fasterxml.jackson.databind.node.ObjectNode) schema.deepCopy());
    return SchemaRegistry.withDefaultDialect(SpecificationVersion.DRAFT_2020_12)
        .getSchema(SchemaLocation.of("urn:sluice:openapi"), root);
  }

  private JsonNode resolved(JsonNode node) {
    return node.has("$ref") ? document.at(node.get("$ref").asText().substring(1)) : node;
  }

  private Set<String> operations() {
    Set<String> operations = new TreeSet<>();
    document
        .path("paths")
        .fields()
        .forEachRemaining(
            path -> {
              Iterator<String> methods = path.getValue().fieldNames();
              methods.forEachRemaining(
                  m -> operations.add(m.toUpperCase(Locale.ROOT) + " " + path.getKey()));
            });
    return operations;
  }

  private static String definition(boolean withId) {
    String launcher = Path.of(System.getProperty("java.home"), "bin", "java").toString();
    var definition = Json.createObjectBuilder();
    if (withId) {
      definition.add("mcp_server_id", ID);
    }
    JsonObject built =
        definition
            .add("command", launcher)
            .add(
                "args",
                Json.createArrayBuilder()
                    .add("-XX:TieredStopAtLevel=1")
                    .add("-cp")
                    .add(
                        Path.of("target/classes").toAbsolutePath()
                            + File.pathSeparator
                            + Path.of("target/test-classes").toAbsolutePath())
                    .add("dev.sluice.servers.upstream.StdioTestServer"))
            .build();
    return built.toString();
  }

  private Reply plain(String path) throws Exception {
    return plain("GET", path, "");
  }

  private Reply plain(String method, String path, String body) throws Exception {
    HttpRequest.Builder request =
        HttpRequest.newBuilder(HUB.resolve(path))
            .timeout(Duration.ofSeconds(60))
            .method(
                method,
                body.isEmpty()
                    ? HttpRequest.BodyPublishers.noBody()
                    : HttpRequest.BodyPublishers.ofString(body));
    if (!body.isEmpty()) {
      request.header("Content-Type", "application/json");
    }
    if (path.equals("/api/events") || path.endsWith("/logs/stream")) {
      // it never ends: the head and the first bytes are enough
      HttpResponse<java.io.InputStream> open =
          client.send(request.build(), HttpResponse.BodyHandlers.ofInputStream());
      try (var in = open.body()) {
        int wanted = open.statusCode() == 200 ? 1 : Integer.MAX_VALUE;
        return Reply.of(open, new String(in.readNBytes(wanted), StandardCharsets.UTF_8));
      }
    }
    HttpResponse<String> answer =
        client.send(request.build(), HttpResponse.BodyHandlers.ofString());
    return Reply.of(answer, answer.body());
  }

  /** What came back. */
  private record Reply(int status, String type, String body) {
    static Reply of(HttpResponse<?> response, String body) {
      String type = response.headers().firstValue("Content-Type").orElse("");
      return new Reply(response.statusCode(), type.replaceAll(";.*", ""), body);
    }
  }
}
