package dev.sluice.it;

import static dev.sluice.it.StreamablePeer.call;
import static dev.sluice.it.StreamablePeer.message;
import static dev.sluice.it.StreamablePeer.object;
import static dev.sluice.it.StreamablePeer.text;
import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import jakarta.json.JsonObject;
import java.net.http.HttpResponse;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** Sessions over Streamable HTTP with a server that does all that a server may. */
class StreamableIT extends RestTest {

  private static final String NAME = "it-streamable";

  @BeforeEach
  void register() throws Exception {
    await("the children of the last test to be gone")
        .atMost(Duration.ofSeconds(30))
        .until(() -> children() == 0);
    create(FeatureTestServer.definition(NAME, NAME));
  }

  private static StreamablePeer peer() {
    return new StreamablePeer(HUB, NAME);
  }

  private static long children() {
    return ProcessHandle.allProcesses()
        .filter(one -> List.of(one.info().arguments().orElse(new String[0])).contains(NAME))
        .count();
  }

  @Test
  void theProgressOfACallComesOnItsStreamBeforeItsAnswerAndThenItEnds() throws Exception {
    StreamablePeer peer = peer().open();
    try (StreamablePeer.Stream stream = peer.stream(call("\"p\"", "test_tool_with_progress", ""))) {
      for (int progress : new int[] {0, 50, 100}) {
        JsonObject told = stream.next();
        assertThat(told.getString("method")).isEqualTo("notifications/progress");
        assertThat(told.getJsonObject("params").getString("progressToken")).isEqualTo("p");
        assertThat(told.getJsonObject("params").getInt("progress")).isEqualTo(progress);
      }
      assertThat(stream.next().getString("id")).isEqualTo("p");
      assertThat(stream.next()).isNull();
    }
  }

  @Test
  void whatAServerAsksWhileItWorksComesOnTheStreamOfTheCall() throws Exception {
    StreamablePeer peer = peer().open("2025-11-25", "{\"sampling\":{}}");
    try (StreamablePeer.Stream stream = peer.stream(call("1", "test_sampling", ""))) {
      JsonObject asked = stream.next();
      assertThat(asked.getString("method")).isEqualTo("sampling/createMessage");
      HttpResponse<String> taken =
          peer.post(
              "{\"jsonrpc\":\"2.0\",\"id\":"
                  + asked.get("id")
                  + ",\"result\":{\"role\":\"assistant\",\"model\":\"m\",\"content\":"
                  + "{\"type\":\"text\",\"text\":\"the sample\"}}}");
      assertThat(taken.statusCode()).isEqualTo(202);
      assertThat(taken.body()).isEmpty();
      assertThat(text(stream.next())).isEqualTo("LLM response: the sample");
      assertThat(stream.next()).isNull();
    }
  }

  @Test
  void whatASessionLogsIsToldToNoOther() throws Exception {
    StreamablePeer one = peer().open();
    StreamablePeer other = peer().open();
    try (StreamablePeer.Stream ones = one.stream(call("1", "test_tool_with_logging", "one "));
        StreamablePeer.Stream others =
            other.stream(call("1", "test_tool_with_logging", "other "))) {
      for (int i = 1; i <= 3; i++) {
        assertThat(ones.next().getJsonObject("params").getString("data")).isEqualTo("one " + i);
        assertThat(others.next().getJsonObject("params").getString("data")).isEqualTo("other " + i);
      }
      assertThat(text(ones.next())).contains("success");
      assertThat(text(others.next())).contains("success");
      assertThat(ones.next()).isNull();
      assertThat(others.next()).isNull();
    }
  }

  @Test
  void theStreamOfGetIsOneAndOfASession() throws Exception {
    assertThat(peer().send("GET").statusCode()).isEqualTo(400);
    StreamablePeer stranger = peer();
    stranger.session = "nobody";
    assertThat(stranger.send("GET").statusCode()).isEqualTo(404);
    StreamablePeer peer = peer().open();
    assertThat(peer.send("GET", "Accept", "application/json").statusCode()).isEqualTo(406);
    try (StreamablePeer.Stream first = peer.listen()) {
      peer.ask("test_trigger_tool_change", "");
      assertThat(first.status()).isEqualTo(200);
      assertThat(first.next().getString("method")).isEqualTo("notifications/tools/list_changed");
      assertThat(peer.send("GET").statusCode()).isEqualTo(409);
      peer.ask("test_trigger_tool_change", "");
      assertThat(first.next().getString("method")).isEqualTo("notifications/tools/list_changed");
    }
  }

  @Test
  void theEndOfASessionEndsItsChild() throws Exception {
    assertThat(peer().send("DELETE").statusCode()).isEqualTo(400);
    StreamablePeer peer = peer();
    peer.session = "nobody";
    HttpResponse<String> unknown = peer.send("DELETE");
    assertThat(unknown.statusCode()).isEqualTo(404);
    assertThat(object(unknown.body()).isNull("id")).isTrue();
    peer.session = "";
    peer.open();
    long pid = Long.parseLong(peer.ask("test_pid", ""));
    assertThat(peer.send("DELETE").statusCode()).isIn(200, 204);
    await()
        .atMost(Duration.ofSeconds(10))
        .until(() -> ProcessHandle.of(pid).map(child -> !child.isAlive()).orElse(true));
    assertThat(peer.send("DELETE").statusCode()).isEqualTo(404);
    assertThat(peer.post(call("1", "test_echo", "x")).statusCode()).isEqualTo(404);
  }

  @Test
  void aPageOfAnotherSiteReachesNoServer() throws Exception {
    String body = StreamablePeer.initialize("2025-11-25", "{}");
    String own = "localhost:" + HUB.getPort();
    for (String[] headers :
        new String[][] {
          {"Host: " + own, "Origin: http://evil.example"},
          {"Host: evil.example", "Origin: http://evil.example"},
          {"Host: evil.example"}
        }) {
      try (RawHttp http = new RawHttp(HUB)) {
        List<String> lines = new ArrayList<>(List.of(headers));
        lines.add("Content-Type: application/json");
        lines.add("Accept: application/json, text/event-stream");
        lines.add("Content-Length: " + body.length());
        http.send("POST /mcp/" + NAME + " HTTP/1.1", lines.toArray(String[]::new));
        http.send(body.getBytes(java.nio.charset.StandardCharsets.UTF_8));
        assertThat(http.answer().status()).isBetween(400, 403);
      }
    }
    assertThat(children()).isZero();
  }

  @Test
  void aBatchOf20250326IsAnswered() throws Exception {
    StreamablePeer peer = peer().open("2025-03-26", "{}");
    String batch =
        "["
            + StreamablePeer.request("1", "ping", "{}")
            + ","
            + StreamablePeer.request("2", "ping", "{}")
            + "]";
    HttpResponse<String> answer = peer.post(batch);
    assertThat(answer.statusCode()).isEqualTo(200);
    assertThat(answer.body()).contains("\"id\":1,", "\"id\":2,").doesNotContain("error");
  }

  @ParameterizedTest
  @ValueSource(strings = {"[%s]", "  [%s]", "[ %s , %s ]", "[]"})
  void aBatchIsRefusedWhereThereIsNone(String batch) throws Exception {
    StreamablePeer peer = peer().open();
    HttpResponse<String> answer = peer.post(batch.replace("%s", call("1", "test_echo", "through")));
    assertThat(answer.statusCode()).isEqualTo(400);
    JsonObject error = object(answer.body());
    assertThat(error.getJsonObject("error").getInt("code")).isEqualTo(-32600);
    assertThat(error.isNull("id")).isTrue();
    assertThat(peer.ask("test_methods", "")).doesNotContain("tools/call,tools/call");
  }

  @ParameterizedTest
  @ValueSource(strings = {"0", "7", "42", "2.5", "\"abc\"", "-1"})
  void aSessionThatIsNotThereIsToldUnderTheIdOfTheRequest(String id) throws Exception {
    StreamablePeer peer = peer();
    peer.session = "8b0f1f2e-0000-4000-8000-000000000000";
    HttpResponse<String> answer = peer.post(call(id, "test_echo", "x"));
    assertThat(answer.statusCode()).isEqualTo(404);
    assertThat(answer.headers().firstValue("Content-Type").orElse(""))
        .startsWith("application/json");
    assertThat(object(answer.body()).get("id").toString()).isEqualTo(id);
    assertThat(object(answer.body()).getJsonObject("error").getInt("code")).isEqualTo(-32001);
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        StreamablePeer.INITIALIZED,
        "{\"jsonrpc\":\"2.0\",\"id\":1,\"result\":{}}",
        "{\"jsonrpc\":\"2.0\",\"id\":1,\"error\":{\"code\":1,\"message\":\"m\"}}"
      })
  void whatNeedsNoAnswerIsRefusedWithoutItsSessionToo(String message) throws Exception {
    StreamablePeer peer = peer();
    assertThat(peer.post(message).statusCode()).isEqualTo(400);
    peer.session = "nobody";
    assertThat(peer.post(message).statusCode()).isEqualTo(404);
  }

  @Test
  void aClientCannotChooseTheIdOfItsSession() throws Exception {
    StreamablePeer peer = peer();
    peer.session = "8b0f1f2e-0000-4000-8000-000000000000";
    assertThat(peer.post(StreamablePeer.initialize("2025-11-25", "{}")).statusCode())
        .isEqualTo(404);
    assertThat(children()).isZero();
    Set<String> ids = new java.util.HashSet<>();
    for (int i = 0; i < 3; i++) {
      StreamablePeer own = peer().open();
      assertThat(own.session).matches("[\\x21-\\x7E]{22,}");
      ids.add(own.session);
      own.send("DELETE");
    }
    assertThat(ids).hasSize(3);
  }

  @Test
  void aCancelledCallIsCancelledAtTheServer() throws Exception {
    StreamablePeer peer = peer().open();
    try (StreamablePeer.Stream stream = peer.stream(call("\"w\"", "test_tell_and_wait", ""))) {
      assertThat(stream.next().getString("method")).isEqualTo("notifications/progress");
      HttpResponse<String> taken =
          peer.post(
              "{\"jsonrpc\":\"2.0\",\"method\":\"notifications/cancelled\",\"params\":"
                  + "{\"requestId\":\"w\"}}");
      assertThat(taken.statusCode()).isEqualTo(202);
      await().until(() -> peer.ask("test_cancelled", "").equals("1"));
    }
  }

  /** As the SDKs' clients do; a session has 512 streams at most. */
  @Test
  void aClientThatLeavesTheStreamsOfItsCancelledCallsOpenGoesOn() throws Exception {
    StreamablePeer peer = peer().open();
    List<StreamablePeer.Stream> streams = new ArrayList<>();
    try {
      for (int i = 1; i <= 530; i++) {
        StreamablePeer.Stream stream =
            peer.stream(call(Integer.toString(i), "test_tell_and_wait", ""));
        streams.add(stream);
        assertThat(stream.next().getString("method")).isEqualTo("notifications/progress");
        peer.post(
            "{\"jsonrpc\":\"2.0\",\"method\":\"notifications/cancelled\",\"params\":"
                + "{\"requestId\":"
                + i
                + "}}");
      }
      assertThat(peer.ask("test_echo", "goes on")).isEqualTo("goes on");
      assertThat(streams.get(0).next().getInt("id")).isEqualTo(1);
      assertThat(streams.get(0).next()).isNull();
    } finally {
      streams.forEach(StreamablePeer.Stream::close);
    }
  }

  @Test
  void aCallWithoutAnAnswerInTimeIsToldAndCancelledAtTheServer() throws Exception {
    create(FeatureTestServer.definition("it-streamable-hasty").add("callTimeoutSeconds", 1));
    StreamablePeer peer = new StreamablePeer(HUB, "it-streamable-hasty").open();
    JsonObject answer = message(peer.post(call("\"slow\"", "test_wait", "")));
    assertThat(answer.getString("id")).isEqualTo("slow");
    assertThat(answer.getJsonObject("error").getInt("code")).isEqualTo(-32001);
    await().until(() -> peer.ask("test_cancelled", "").equals("1"));
  }

  @Test
  void answersThatNobodyWaitsForAreDropped() throws Exception {
    StreamablePeer peer = peer().open();
    try (StreamablePeer.Stream stream = peer.stream(call("1", "test_stray", "own"))) {
      assertThat(text(stream.next())).isEqualTo("own");
      assertThat(stream.next()).isNull();
    }
  }

  @ParameterizedTest
  @CsvSource({"'\u00a0\u3000 👩‍👩‍👧 \ufeff é'", "'event: endpoint data: /messages'"})
  void anyTextComesBackAsItWas(String text) throws Exception {
    assertThat(peer().open().ask("test_echo", text)).isEqualTo(text);
  }

  @Test
  void aSubscriptionThatTheServerRefusesIsRefusedAgain() throws Exception {
    StreamablePeer peer = peer().open();
    String subscribe =
        StreamablePeer.request("1", "resources/subscribe", "{\"uri\":\"test://forbidden\"}");
    for (int i = 0; i < 2; i++) {
      assertThat(message(peer.post(subscribe)).getJsonObject("error").getInt("code"))
          .isEqualTo(-32601);
    }
    assertThat(peer.ask("test_methods", "")).contains("resources/subscribe,resources/subscribe");
  }
}
