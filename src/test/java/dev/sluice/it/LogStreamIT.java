package dev.sluice.it;

import static dev.sluice.it.ManagementIT.metrics;
import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import jakarta.json.Json;
import jakarta.json.JsonObject;
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
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

/** A server's log as server-sent events. */
class LogStreamIT extends HubTest {

  private static final HttpClient HTTP =
      HttpClient.newBuilder().version(HttpClient.Version.HTTP_1_1).build();
  private static final String JAVA =
      Path.of(System.getProperty("java.home"), "bin", "java").toString();
  private static final String SAMPLE =
      Path.of("server-config", "samples", "SampleServer.java").toAbsolutePath().toString();

  private final List<String> created = new ArrayList<>();

  @AfterEach
  void leaveNothingBehind() throws Exception {
    for (String id : created) {
      send("DELETE", "mcp_servers/" + id, "");
    }
  }

  private static HttpResponse<String> send(String method, String path, String body)
      throws Exception {
    HttpRequest.Builder request =
        HttpRequest.newBuilder(HUB.resolve("api/" + path)).timeout(Duration.ofSeconds(90));
    if (!body.isEmpty()) {
      request.header("Content-Type", "application/json");
    }
    return HTTP.send(
        request.method(method, BodyPublishers.ofString(body)).build(), BodyHandlers.ofString());
  }

  private void add(String id, String command, String... args) throws Exception {
    String body =
        Json.createObjectBuilder()
            .add("mcp_server_id", id)
            .add("command", command)
            .add("args", Json.createArrayBuilder(List.of(args)))
            .build()
            .toString();
    HttpResponse<String> answer = send("POST", "mcp_servers", body);
    assertThat(answer.statusCode()).as(answer.body()).isEqualTo(201);
    created.add(id);
  }

  /** The data of the stream's frames, as they come. */
  private static Stream<JsonObject> follow(String id, String query, String... headers)
      throws Exception {
    HttpRequest.Builder request =
        HttpRequest.newBuilder(HUB.resolve("api/mcp_servers/" + id + "/logs/stream" + query))
            .timeout(Duration.ofSeconds(60));
    if (headers.length > 0) {
      request.headers(headers);
    }
    HttpResponse<Stream<String>> answer = HTTP.send(request.build(), BodyHandlers.ofLines());
    assertThat(answer.statusCode()).isEqualTo(200);
    return answer
        .body()
        .filter(line -> line.startsWith("data:"))
        .map(line -> line.substring(5).trim())
        .map(
            line -> {
              try (var in = Json.createReader(new StringReader(line))) {
                return in.readObject();
              }
            });
  }

  private static long newest(String id) throws Exception {
    try (var in =
        Json.createReader(
            new StringReader(send("GET", "mcp_servers/" + id + "/logs", "").body()))) {
      return in.readObject().getJsonNumber("newest").longValue();
    }
  }

  @Test
  void aLineWrittenAfterTheStreamWasOpenedComesThrough() throws Exception {
    add("it-follow", JAVA, "-XX:TieredStopAtLevel=1", SAMPLE);
    assertThat(send("POST", "mcp_servers/it-follow/start", "{}").statusCode()).isEqualTo(200);
    try (Stream<JsonObject> frames = follow("it-follow", "?lines=0")) {
      send("POST", "mcp_servers/it-follow/tools/fail/call", "{\"arguments\":{}}");
      assertThat(
              frames
                  .filter(frame -> frame.getString("content", "").contains("tool fail was called"))
                  .findFirst())
          .isPresent()
          .get()
          .extracting(frame -> frame.getString("level"))
          .isEqualTo("error");
    }
  }

  @Test
  void aReaderThatComesBackGetsOneGapAndThenEveryLineThatIsKept() throws Exception {
    add(
        "it-chatty",
        "/bin/sh",
        "-c",
        "i=1; while [ $i -le 2500 ]; do echo \"line $i\" >&2; i=$((i+1)); done; exit 1");
    String run;
    try (Stream<JsonObject> frames = follow("it-chatty", "")) {
      run = frames.findFirst().orElseThrow().getString("from").split(":")[0];
    }
    send("POST", "mcp_servers/it-chatty/start", "{}");
    send("POST", "mcp_servers/it-chatty/block", "{}");
    await().atMost(Duration.ofSeconds(20)).until(() -> newest("it-chatty") >= 2500);
    long newest = newest("it-chatty");

    try (Stream<JsonObject> frames = follow("it-chatty", "", "Last-Event-ID", run + ":10")) {
      List<JsonObject> read = frames.limit(2 + 2000).toList();
      JsonObject gap = read.get(1);
      assertThat(gap.getString("type")).isEqualTo("warning");
      assertThat(gap.getString("from")).isEqualTo(run + ":11");
      assertThat(gap.getJsonNumber("dropped").longValue()).isEqualTo(newest - 2000 - 10);
      for (int i = 0; i < 2000; i++) {
        assertThat(read.get(2 + i).getJsonNumber("seq").longValue())
            .isEqualTo(newest - 2000 + 1 + i);
      }
    }
  }

  @Test
  void aServerThatIsNotThereIs404AndNoStream() throws Exception {
    HttpResponse<String> answer = send("GET", "mcp_servers/it-nobody/logs/stream", "");
    assertThat(answer.statusCode()).isEqualTo(404);
    assertThat(answer.body()).contains("server_not_found");
  }

  @Test
  void aNumberOfLinesThatCannotBeIs422() throws Exception {
    add("it-lines", JAVA, SAMPLE);
    assertThat(send("GET", "mcp_servers/it-lines/logs/stream?lines=many", "").statusCode())
        .isEqualTo(422);
  }

  /** A server that writes 1.6 MB of log a second until it is stopped, and never gets ready. */
  private void chatter(String id) throws Exception {
    add(
        id,
        "sh",
        "-c",
        "line=$(printf '%08000d' 0); while :; do i=0;"
            + " while [ $i -lt 20 ]; do echo $line >&2; i=$((i+1)); done; sleep 0.1; done");
    var unused =
        HTTP.sendAsync(
            HttpRequest.newBuilder(HUB.resolve("api/mcp_servers/" + id + "/start"))
                .POST(BodyPublishers.noBody())
                .build(),
            BodyHandlers.discarding());
  }

  /**
   * More readers than the work pool has threads, where the server's memory allows it: Payara takes
   * up to 16 MB for each of them before it says that one does not read.
   */
  @Test
  void readersThatStallHoldNobodyUpAndAreLetGo() throws Exception {
    int readers = SERVER.equals("payara") ? 8 : 80;
    chatter("it-stalled-log");
    add("it-beside", JAVA, "-XX:TieredStopAtLevel=1", SAMPLE);
    List<RawHttp> stalled = new ArrayList<>();
    try {
      for (int i = 0; i < readers; i++) {
        stalled.add(RawHttp.stalled(HUB, "/api/mcp_servers/it-stalled-log/logs/stream?lines=0"));
      }
      await()
          .untilAsserted(
              () ->
                  assertThat(metrics().get("sluice_threads_log_readers"))
                      .isGreaterThanOrEqualTo(readers));
      await()
          .atMost(Duration.ofSeconds(90))
          .untilAsserted(() -> assertThat(metrics().get("sluice_threads_log_readers")).isZero());
      assertThat(send("POST", "mcp_servers/it-beside/tools/echo/call", RestTest.HELLO).statusCode())
          .isEqualTo(200);
      assertThat(metrics().get("sluice_threads_work_delay_seconds")).isLessThan(1);
    } finally {
      for (RawHttp reader : stalled) {
        reader.close();
      }
      send("POST", "mcp_servers/it-stalled-log/stop", "{}");
    }
  }

  @Test
  void oneReaderMoreThanTheLimitIsToldWhenToComeBackAndAPlaceThatIsLeftIsGivenAway()
      throws Exception {
    add("it-crowd", JAVA, "-XX:TieredStopAtLevel=1", SAMPLE);
    String path = "/api/mcp_servers/it-crowd/logs/stream?lines=0";
    await()
        .atMost(Duration.ofSeconds(60))
        .until(() -> metrics().get("sluice_threads_log_readers") == 0);
    int most = metrics().get("sluice_threads_max_log_readers").intValue();
    assertThat(most).isEqualTo(256);
    List<RawHttp> readers = new ArrayList<>();
    try {
      for (int i = 0; i < most; i++) {
        RawHttp reader = new RawHttp(HUB);
        readers.add(reader);
        reader.send("GET " + path + " HTTP/1.1", "Host: localhost");
        await().pollInterval(Duration.ofMillis(2)).until(reader::isAnswered);
      }
      RawHttp.Answer refused = RawHttp.get(HUB, path, "Host: localhost");
      assertThat(refused.status()).isEqualTo(503);
      assertThat(refused.headers()).containsEntry("retry-after", "30");
      assertThat(refused.error().getString("code")).isEqualTo("too_many_followers");
      assertThat(metrics().get("sluice_threads_log_readers")).isEqualTo(most);

      // Who has left is noticed by a write: each call writes a line.
      readers.remove(0).close();
      RawHttp next = new RawHttp(HUB);
      readers.add(next);
      await()
          .atMost(Duration.ofSeconds(30))
          .until(
              () -> {
                send("POST", "mcp_servers/it-crowd/tools/fail/call", "{\"arguments\":{}}");
                return metrics().get("sluice_threads_log_readers") < most;
              });
      next.send("GET " + path + " HTTP/1.1", "Host: localhost");
      await().until(next::isAnswered);
      assertThat(metrics().get("sluice_threads_log_readers")).isEqualTo(most);
    } finally {
      for (RawHttp reader : readers) {
        reader.close();
      }
      await()
          .atMost(Duration.ofSeconds(60))
          .until(
              () -> {
                send("POST", "mcp_servers/it-crowd/tools/fail/call", "{\"arguments\":{}}");
                return metrics().get("sluice_threads_log_readers") == 0;
              });
    }
  }

  @Test
  void whatIsNoStreamIsRefusedInPlainWords() throws Exception {
    add("it-plain", JAVA, SAMPLE);
    String path = "/api/mcp_servers/it-plain/logs/stream";
    RawHttp.Answer image = RawHttp.get(HUB, path, "Host: localhost", "Accept: image/png");
    assertThat(image.status()).isEqualTo(406);
    assertThat(image.error().getString("code")).isEqualTo("not_acceptable");
    HttpResponse<String> posted = send("POST", path.substring("/api/".length()), "{}");
    assertThat(posted.statusCode()).isEqualTo(405);
    assertThat(posted.headers().firstValue("Allow")).hasValue("GET, HEAD");
    assertThat(posted.body()).contains("method_not_allowed");
  }
}
