package dev.sluice.it;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import jakarta.json.Json;
import jakarta.json.JsonObject;
import java.io.IOException;
import java.io.StringReader;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpRequest.BodyPublishers;
import java.net.http.HttpResponse;
import java.net.http.HttpResponse.BodyHandlers;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CyclicBarrier;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/**
 * The limit of subscribers, WebSocket and SSE together, on the wire: who is over it is told so, who
 * was there before does not notice, and a place that becomes free is given away.
 */
class SubscriberLimitIT {

  private static final int LIMIT = 3;
  private static final Duration SOON = Duration.ofSeconds(20);
  private static final HttpClient HTTP =
      HttpClient.newBuilder().version(HttpClient.Version.HTTP_1_1).build();

  private static HubProcess hub;

  @BeforeAll
  static void start() {
    hub =
        HubProcess.start(
            Path.of(System.getProperty("sluice.test.dir"), "limit"),
            Map.of(
                "sluice.events.subscribers",
                Integer.toString(LIMIT),
                // a stream whose reader has left is noticed with the next write
                "sluice.events.ping.seconds",
                "1"));
  }

  @AfterAll
  static void stop() {
    if (hub != null) {
      hub.close();
    }
  }

  @BeforeEach
  void everybodyHasLeft() {
    await().atMost(SOON).until(() -> metric("sluice_stream_subscribers") == 0);
  }

  @Test
  void whoIsOverTheLimitIsToldSoAndNobodyElseNotices() throws Exception {
    try (WebSocketPeer first = WebSocketPeer.open(hub.base(), "?since=live");
        WebSocketPeer second = WebSocketPeer.open(hub.base(), "?since=live");
        SsePeer third = SsePeer.open(hub.base(), "?since=live")) {
      assertThat(first.next().getString("type")).isEqualTo("subscribed");
      assertThat(second.next().getString("type")).isEqualTo("subscribed");
      assertThat(third.next().name()).isEqualTo("subscribed");
      double refused = metric("sluice_stream_refused_total");

      for (int i = 0; i < 3; i++) {
        assertSocketIsRefused();
        assertStreamIsRefused();
      }
      assertThat(metric("sluice_stream_refused_total")).isEqualTo(refused + 6);
      assertThat(metric("sluice_stream_subscribers")).isEqualTo(LIMIT);
      assertThat(metric("sluice_stream_max_subscribers")).isEqualTo(LIMIT);
      assertThat(hub.isReady()).as("a hub that takes no more readers is not ready").isFalse();

      register("limit-event");
      JsonObject event = first.next();
      assertThat(event.getString("event_type")).isEqualTo("ProviderRegistered");
      assertThat(event.getString("mcp_server_id", event.toString())).isEqualTo("limit-event");
      assertThat(second.next()).isEqualTo(event);
      assertThat(third.next().json()).isEqualTo(event);
    }
  }

  @Test
  void aPlaceThatBecomesFreeIsGivenToTheNextOfEitherKind() throws Exception {
    try (WebSocketPeer stays = WebSocketPeer.open(hub.base(), "?since=live");
        WebSocketPeer socket = WebSocketPeer.open(hub.base(), "?since=live")) {
      stays.next();
      socket.next();
      try (SsePeer stream = SsePeer.open(hub.base(), "")) {
        stream.next();
        assertStreamIsRefused();

        socket.frame(8, new byte[] {3, (byte) 0xe8});
        socket.closed();
        try (SsePeer next = taken(() -> SsePeer.open(hub.base(), ""))) {
          assertThat(next.next().name()).isEqualTo("subscribed");
          assertSocketIsRefused();
        }
      }
      try (WebSocketPeer last = taken(() -> WebSocketPeer.open(hub.base(), "?since=live"))) {
        assertThat(last.next().getString("type")).isEqualTo("subscribed");
        register("limit-place");
        assertThat(stays.next().getString("event_type")).isEqualTo("ProviderRegistered");
        assertThat(last.next().getString("event_type")).isEqualTo("ProviderRegistered");
      }
    }
  }

  @Test
  void ofManyThatComeAtOnceAsManyAreTakenAsThereArePlacesAndAllOthersAreToldWhy() throws Exception {
    int callers = 24;
    ExecutorService threads = Executors.newFixedThreadPool(callers);
    try {
      for (int round = 0; round < 5; round++) {
        everybodyHasLeft();
        CyclicBarrier together = new CyclicBarrier(callers);
        List<Future<AutoCloseable>> calls = new ArrayList<>();
        for (int i = 0; i < callers; i++) {
          boolean socket = i % 2 == 0;
          calls.add(
              threads.submit(
                  () -> {
                    together.await(20, TimeUnit.SECONDS);
                    return socket ? socketOrRefusal() : streamOrRefusal();
                  }));
        }
        List<AutoCloseable> taken = new ArrayList<>();
        try {
          for (Future<AutoCloseable> call : calls) {
            AutoCloseable peer = call.get(60, TimeUnit.SECONDS);
            if (peer != null) {
              taken.add(peer);
            }
          }
          assertThat(taken).hasSize(LIMIT);
          assertThat(metric("sluice_stream_subscribers")).isEqualTo(LIMIT);
        } finally {
          for (AutoCloseable peer : taken) {
            peer.close();
          }
        }
      }
    } finally {
      threads.shutdownNow();
    }
  }

  /** A socket that was taken, or null after a refusal in good form. */
  private static AutoCloseable socketOrRefusal() throws IOException {
    WebSocketPeer peer = WebSocketPeer.open(hub.base(), "?since=live");
    JsonObject first = peer.next();
    if (first != null) {
      assertThat(first.getString("type")).isEqualTo("subscribed");
      return peer;
    }
    assertThat(peer.closed().code()).as(peer.closed().reason()).isEqualTo(1013);
    peer.close();
    return null;
  }

  /** A stream that was taken, or null after a refusal in good form. */
  private static AutoCloseable streamOrRefusal() throws Exception {
    HttpResponse<java.io.InputStream> answer =
        HTTP.send(
            HttpRequest.newBuilder(hub.base().resolve("/api/events"))
                .timeout(Duration.ofSeconds(30))
                .build(),
            BodyHandlers.ofInputStream());
    if (answer.statusCode() == 200) {
      return answer.body();
    }
    try (var body = answer.body()) {
      assertIsRefusal(answer, new String(body.readAllBytes(), StandardCharsets.UTF_8));
    }
    return null;
  }

  private static void assertSocketIsRefused() throws IOException {
    try (WebSocketPeer late = WebSocketPeer.open(hub.base(), "?since=live")) {
      assertThat(late.next()).isNull();
      assertThat(late.closed().code()).isEqualTo(1013);
      assertThat(late.closed().reason()).contains(LIMIT + " subscribers");
    }
  }

  private static void assertStreamIsRefused() throws Exception {
    HttpResponse<String> answer = send("GET", "/api/events", "");
    assertIsRefusal(answer, answer.body());
  }

  private static void assertIsRefusal(HttpResponse<?> answer, String body) {
    assertThat(answer.statusCode()).as(body).isEqualTo(503);
    assertThat(answer.headers().firstValue("Content-Type").orElse(""))
        .startsWith("application/json");
    assertThat(answer.headers().firstValue("Retry-After").map(Integer::parseInt))
        .hasValueSatisfying(seconds -> assertThat(seconds).isBetween(1, 60));
    try (var in = Json.createReader(new StringReader(body))) {
      JsonObject error = in.readObject().getJsonObject("error");
      assertThat(error.getString("code")).isEqualTo("too_many_subscribers");
      assertThat(error.getString("message"))
          .contains(LIMIT + " subscribers", "sluice.events.subscribers");
      assertThat(error).containsKey("details");
    }
  }

  private interface Opening<T> {
    T open() throws Exception;
  }

  /** Opens it once there is a place; who is refused before that is let go. */
  private static <T extends AutoCloseable> T taken(Opening<T> opening) {
    await().atMost(SOON).until(() -> metric("sluice_stream_subscribers") < LIMIT);
    try {
      return opening.open();
    } catch (Exception refused) {
      throw new AssertionError("there was a place", refused);
    }
  }

  private static void register(String id) throws Exception {
    HttpResponse<String> answer =
        send(
            "POST",
            "/api/mcp_servers",
            "{\"mcp_server_id\":\"" + id + "\",\"command\":\"never-started\"}");
    assertThat(answer.statusCode()).as(answer.body()).isEqualTo(201);
  }

  private static HttpResponse<String> send(String method, String path, String body)
      throws Exception {
    URI uri = hub.base().resolve(path);
    return HTTP.send(
        HttpRequest.newBuilder(uri)
            .timeout(Duration.ofSeconds(20))
            .header("Content-Type", "application/json")
            .method(method, BodyPublishers.ofString(body))
            .build(),
        BodyHandlers.ofString());
  }

  private static double metric(String name) throws IOException {
    return ManagementIT.metrics(hub.base()).get(name);
  }
}
