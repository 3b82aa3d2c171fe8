package dev.sluice.it;

import static dev.sluice.it.Publishing.publish;
import static org.assertj.core.api.Assertions.assertThat;

import jakarta.json.JsonObject;
import java.io.IOException;
import java.net.http.HttpClient;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** {@code /api/events} and {@code /api/events/history}: the stream contract over HTTP. */
class EventSseIT extends HubTest {

  private static final String HOST = "Host: localhost:" + HUB.getPort();

  @Test
  void bothTransportsGiveTheSameEventsInTheSameOrderWithTheSameIds() throws Exception {
    try (WebSocketPeer socket = WebSocketPeer.open(HUB, "?since=live&mcp_server_ids=sse-twin");
        SsePeer stream = SsePeer.open(HUB, "?mcp_server_ids=sse-twin")) {
      socket.next();
      assertThat(stream.next().name()).isEqualTo("subscribed");
      publish(HUB, 200, "sse-twin", "&types=McpServerStateChanged,McpServerStopped");
      for (int i = 0; i < 200; i++) {
        JsonObject frame = socket.next();
        SsePeer.Event event = stream.next();
        assertThat(event.name()).isEmpty();
        assertThat(event.id()).isEqualTo(frame.getString("event_id"));
        assertThat(event.json()).isEqualTo(frame);
      }
    }
  }

  @Test
  void theStreamStartsAtOnceWithHeadersThatProxiesRespect() throws Exception {
    try (SsePeer stream = SsePeer.open(HUB, "")) {
      assertThat(stream.headers().firstValue("Cache-Control")).hasValue("no-cache, no-transform");
      assertThat(stream.headers().firstValue("X-Accel-Buffering")).hasValue("no");
      assertThat(stream.headers().firstValue("Content-Type").orElse(""))
          .startsWith("text/event-stream");
      assertThat(stream.next().json().getString("type")).isEqualTo("subscribed");
    }
  }

  @Test
  void eachEventArrivesAtOnceAlsoWhenTheClientOffersToUpgradeToHttp2() throws Exception {
    HttpClient offersUpgrade = HttpClient.newHttpClient();
    try (SsePeer stream = SsePeer.open(offersUpgrade, HUB, "?mcp_server_ids=sse-h2c")) {
      assertThat(stream.version()).isEqualTo(HttpClient.Version.HTTP_2);
      assertThat(stream.next().name()).isEqualTo("subscribed");
      int slow = 0;
      for (int round = 0; round < 50; round++) {
        // A round at a time: an event that waited in a buffer for the next one would not come.
        long begin = System.nanoTime();
        publish(HUB, round % 3 + 1, "sse-h2c", "&types=McpServerStopped,ToolInvocationCompleted");
        for (int i = 0; i <= round % 3; i++) {
          assertThat(stream.next().json().getString("mcp_server_id")).isEqualTo("sse-h2c");
        }
        // The hub under test pings every two seconds, which would push out what was stuck.
        slow += System.nanoTime() - begin > 1_000_000_000L ? 1 : 0;
      }
      assertThat(slow).as("rounds of 50 that took over a second").isZero();
    }
  }

  @ParameterizedTest
  @CsvSource({"header", "parameter", "since"})
  void aReconnectWithTheLastIdGetsWhatWasMissed(String way) throws Exception {
    String server = "sse-resume-" + way;
    String types = "&types=McpServerStateChanged";
    String last = publish(HUB, 1, server, types).get("last");
    publish(HUB, 3, server, types);
    String query = "?mcp_server_ids=" + server;
    try (SsePeer stream =
        switch (way) {
          case "header" -> SsePeer.open(HUB, query, "Last-Event-ID", last);
          case "parameter" -> SsePeer.open(HUB, query + "&lastEventId=" + last);
          default -> SsePeer.open(HUB, query + "&since=" + last);
        }) {
      assertThat(stream.next().json().getString("resumed")).isEqualTo("full");
      String before = last;
      for (int i = 0; i < 3; i++) {
        SsePeer.Event event = stream.next();
        assertThat(event.json().getString("mcp_server_id")).isEqualTo(server);
        assertThat(event.id()).isNotEqualTo(before);
        before = event.id();
      }
    }
  }

  @Test
  void filtersMayBeRepeatedOrSeparatedByCommas() throws Exception {
    try (SsePeer stream =
        SsePeer.open(
            HUB, "?mcp_server_ids=sse-a,sse-b&mcp_server_ids=sse-c&event_types=McpServerStopped")) {
      assertThat(stream.next().json().getJsonArray("mcp_server_ids")).hasSize(3);
      publish(HUB, 1, "sse-d", "&types=McpServerStopped");
      publish(HUB, 1, "sse-c", "&types=McpServerStateChanged");
      publish(HUB, 1, "sse-b", "&types=McpServerStopped");
      assertThat(stream.next().json().getString("mcp_server_id")).isEqualTo("sse-b");
    }
  }

  @ParameterizedTest
  @CsvSource({
    "since=yesterday, since",
    "policy=best, policy",
    "queue_size=0, queue_size",
    "queue_size=99999999999, queue_size",
    "queue_size=1&queue_size=2, queue_size",
    "lastEventId=x, since"
  })
  void aParameterThatCannotBeUsedIs400AndNamed(String query, String field) throws IOException {
    RawHttp.Answer answer = RawHttp.get(HUB, "/api/events?" + query, HOST);
    assertThat(answer.status()).isEqualTo(400);
    assertThat(answer.error().getString("code")).isEqualTo("invalid_parameter");
    assertThat(answer.error().getString("message")).contains(field);
  }

  @Test
  void historyPagesThroughWhatIsRetainedWithoutHolesOrDuplicates() throws IOException {
    String types = "&types=McpServerStateChanged";
    String first = publish(HUB, 25, "sse-history", types).get("first");
    publish(HUB, 1, "sse-other", types);
    String next = "";
    int count = 0;
    String before = "";
    for (int page = 0; page < 4; page++) {
      JsonObject body =
          history(
              "?mcp_server_ids=sse-history&limit=10" + (next.isEmpty() ? "" : "&since=" + next));
      assertThat(body.containsKey("gap")).isFalse();
      for (JsonObject event : body.getJsonArray("events").getValuesAs(JsonObject.class)) {
        if (count == 0) {
          assertThat(event.getString("event_id")).isEqualTo(first);
        }
        assertThat(event.getString("event_id")).isNotEqualTo(before);
        before = event.getString("event_id");
        count++;
      }
      next = body.getString("next");
    }
    assertThat(count).isEqualTo(25);
    assertThat(history("?mcp_server_ids=sse-history&until=" + first).getJsonArray("events"))
        .hasSize(1);
  }

  @Test
  void historyTellsWhatItNoLongerHas() throws IOException {
    assertThat(history("?since=gone:7&limit=1").containsKey("gap")).isTrue();
    assertThat(RawHttp.get(HUB, "/api/events/history?limit=0", HOST).status()).isEqualTo(400);
    assertThat(RawHttp.get(HUB, "/api/events/history?until=x", HOST).status()).isEqualTo(400);
  }

  private static JsonObject history(String query) throws IOException {
    RawHttp.Answer answer = RawHttp.get(HUB, "/api/events/history" + query, HOST);
    assertThat(answer.status()).as(answer.body()).isEqualTo(200);
    return answer.json();
  }
}
