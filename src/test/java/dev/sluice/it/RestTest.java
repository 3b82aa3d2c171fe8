package dev.sluice.it;

import static org.assertj.core.api.Assertions.assertThat;

import jakarta.json.Json;
import jakarta.json.JsonObject;
import jakarta.json.JsonObjectBuilder;
import java.io.StringReader;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpRequest.BodyPublishers;
import java.net.http.HttpResponse;
import java.net.http.HttpResponse.BodyHandlers;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;

/** A client of the REST interface and of the stream, which creates servers and removes them. */
abstract class RestTest extends HubTest {

  static final HttpClient HTTP = HttpClient.newHttpClient();
  static final String JAVA = Path.of(System.getProperty("java.home"), "bin", "java").toString();
  static final String SAMPLE =
      Path.of("server-config", "samples", "SampleServer.java").toAbsolutePath().toString();
  static final String HELLO = "{\"arguments\":{\"text\":\"hello\"}}";

  private final List<String> created = new ArrayList<>();
  HubEvents events;

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

  static HttpRequest request(String method, String path, String body) {
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

  static CompletableFuture<HttpResponse<String>> sendAsync(
      String method, String path, String body) {
    return HTTP.sendAsync(request(method, path, body), BodyHandlers.ofString());
  }

  static HttpResponse<String> send(String method, String path, String body) throws Exception {
    return HTTP.send(request(method, path, body), BodyHandlers.ofString());
  }

  static JsonObject json(HttpResponse<String> answer) {
    try (var in = Json.createReader(new StringReader(answer.body()))) {
      return in.readObject();
    }
  }

  void create(JsonObjectBuilder definition) throws Exception {
    JsonObject body = definition.build();
    HttpResponse<String> answer = send("POST", "mcp_servers", body.toString());
    assertThat(answer.statusCode()).as(answer.body()).isEqualTo(201);
    created.add(0, "mcp_servers/" + body.getString("mcp_server_id"));
  }

  void createGroup(String id, String definition) throws Exception {
    HttpResponse<String> answer = send("POST", "groups", definition);
    assertThat(answer.statusCode()).as(answer.body()).isEqualTo(201);
    created.add(0, "groups/" + id);
  }

  /** The refusal in the one shape of errors. */
  static JsonObject refused(HttpResponse<String> answer, int status, String code) {
    assertThat(answer.statusCode()).as(answer.body()).isEqualTo(status);
    JsonObject error = json(answer).getJsonObject("error");
    assertThat(error.getString("code")).isEqualTo(code);
    assertThat(error.getString("message")).isNotBlank();
    return error;
  }

  static JsonObjectBuilder sample(String id) {
    return Json.createObjectBuilder()
        .add("mcp_server_id", id)
        .add("command", JAVA)
        .add("args", Json.createArrayBuilder().add("-XX:TieredStopAtLevel=1").add(SAMPLE));
  }

  static String state(String id) throws Exception {
    return json(send("GET", "mcp_servers/" + id, "")).getString("state");
  }
}
