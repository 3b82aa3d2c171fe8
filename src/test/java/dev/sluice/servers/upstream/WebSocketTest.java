package dev.sluice.servers.upstream;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.catchThrowableOfType;
import static org.awaitility.Awaitility.await;

import dev.sluice.jsonrpc.Envelope;
import dev.sluice.servers.ServerDefinition;
import dev.sluice.servers.ServerDefinition.Transport;
import dev.sluice.servers.upstream.Rig.Heard;
import dev.sluice.servers.upstream.UpstreamException.Kind;
import jakarta.json.JsonObject;
import java.net.URI;
import java.net.http.HttpClient;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ScheduledFuture;
import java.util.concurrent.ScheduledThreadPoolExecutor;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** The client over a real WebSocket. */
@Timeout(60)
class WebSocketTest {

  private final Rig rig = new Rig();
  private final Heard heard = new Heard();
  private final WebSocketTestServer server;

  WebSocketTest() throws Exception {
    server = new WebSocketTestServer();
  }

  @AfterEach
  void end() throws Exception {
    rig.close();
    server.close();
  }

  private ServerDefinition ws() {
    return Rig.definition(new Transport.Ws(server.url(), Map.of("X-Key", "abcd")));
  }

  private static UpstreamException failure(CompletableFuture<?> call) throws Exception {
    try {
      call.get(20, TimeUnit.SECONDS);
    } catch (ExecutionException failed) {
      return (UpstreamException) failed.getCause();
    }
    throw new AssertionError("the call did not fail");
  }

  @Test
  void offersMcpShakesHandsCallsPingsAndSaysGoodBye() throws Exception {
    UpstreamClient client = rig.connect(ws(), heard);
    assertThat(server.log).contains("offered mcp", "X-Key: abcd");
    assertThat(client.catalogue().tools()).hasSize(1);
    assertThat(Rig.call(client, "x").getString("tool")).isEqualTo("\u00e9x");
    assertThat(Rig.call(client, "fragments").getString("tool")).isEqualTo("\u00e9fragments");
    assertThat(client.ping(Rig.SOON).get(20, TimeUnit.SECONDS)).isPositive();
    JsonObject large = Rig.json("{\"b\":\"" + "\u20ac".repeat(300_000) + "\"}");
    assertThat(
            client
                .callTool("echo", large, Rig.SOON)
                .get(20, TimeUnit.SECONDS)
                .getJsonObject("echo")
                .getJsonObject("arguments"))
        .isEqualTo(large);
    client.close();
    await().atMost(Rig.SOON).until(() -> server.log.contains("close 1000"));
    assertThat(heard.ends).containsExactly("closed by the hub");
  }

  @Test
  void bearsWithTheMannersOfGomcp() throws Exception {
    server.faults.add("gomcp");
    UpstreamClient client = rig.connect(ws(), heard);
    assertThat(client.info().protocolVersion()).isEqualTo("2025-03-26");
    for (int i = 0; i < 4; i++) {
      assertThat(Rig.call(client, "t" + i).getString("tool")).isEqualTo("\u00e9t" + i);
    }
    await().atMost(Rig.SOON).until(() -> !heard.catalogues.isEmpty());
  }

  @Test
  void survivesGarbageAndAnswersPingFrames() throws Exception {
    UpstreamClient client = rig.connect(ws(), heard);
    assertThat(Rig.call(client, "garbage")).containsKey("tool");
    await().atMost(Rig.SOON).until(() -> server.log.contains("pong hi"));
    assertThat(heard.text("ws")).hasSize(2);
  }

  @Test
  void sendsManyCallsAtOnceInOrder() throws Exception {
    UpstreamClient client = rig.connect(ws(), heard);
    CompletableFuture<?>[] calls = new CompletableFuture<?>[500];
    for (int i = 0; i < calls.length; i++) {
      calls[i] = client.callTool("t" + i, Rig.json("{}"), Rig.SOON);
    }
    CompletableFuture.allOf(calls).get(20, TimeUnit.SECONDS);
    assertThat(client.inFlight()).isZero();
  }

  @Test
  void tellsTheServerOfADeadline() throws Exception {
    UpstreamClient client = rig.connect(ws(), heard);
    assertThat(failure(client.callTool("never", Rig.json("{}"), Duration.ofMillis(100))).kind())
        .isEqualTo(Kind.TIMEOUT);
    await().atMost(Rig.SOON).until(() -> server.log.contains("notifications/cancelled cancels"));
  }

  @ParameterizedTest
  @CsvSource({
    "binary, binary",
    "invalid-utf8, broke",
    "huge, longer than",
    "leave, code 1012 (restart): bye",
    "cut, WebSocket"
  })
  void endsWithAReasonThatTellsTheFault(String tool, String reason) throws Exception {
    UpstreamClient client = rig.connect(ws(), heard);
    CompletableFuture<JsonObject> call = client.callTool(tool, Rig.json("{}"), Rig.SOON);
    await().atMost(Rig.SOON).until(() -> !heard.ends.isEmpty());
    assertThat(heard.ends).hasSize(1);
    assertThat(heard.ends.get(0)).contains(reason);
    assertThat(failure(call).kind()).isEqualTo(Kind.DISCONNECTED);
    assertThat(client.isOpen()).isFalse();
  }

  @Test
  void namesTheCauseWhenItCannotConnect() {
    server.faults.add("refuse");
    assertThat(catchThrowableOfType(StartFailure.class, () -> rig.connect(ws(), heard)))
        .hasMessageContaining("403");
    assertThat(
            catchThrowableOfType(
                StartFailure.class,
                () ->
                    rig.connect(
                        Rig.definition(
                            new Transport.Ws(URI.create("ws://127.0.0.1:9/ws"), Map.of())),
                        heard)))
        .hasMessageContaining("nothing answers");
  }

  @Test
  void cutsOffASocketThatOpensAfterItWasGivenUp() {
    server.faults.add("late");
    ServerDefinition impatient =
        Rig.definition(ws().transport(), Duration.ofMillis(500), ServerDefinition.Budget.UNLIMITED);
    assertThat(catchThrowableOfType(StartFailure.class, () -> rig.connect(impatient, heard)))
        .hasMessageContaining("no WebSocket within");
    server.answer.countDown();
    await().atMost(Rig.SOON).until(() -> server.log.contains("gone"));
  }

  /** A timer that runs 250 times faster: the pings go out each 100 ms. */
  private static ScheduledThreadPoolExecutor hurriedTimer() {
    return new ScheduledThreadPoolExecutor(1) {
      @Override
      public ScheduledFuture<?> scheduleWithFixedDelay(
          Runnable task, long first, long delay, TimeUnit unit) {
        return super.scheduleWithFixedDelay(
            task, unit.toMicros(first) / 250, unit.toMicros(delay) / 250, TimeUnit.MICROSECONDS);
      }
    };
  }

  /** The connection by itself, its pings in a hurry. */
  private WebSocketConnection hurried(ScheduledThreadPoolExecutor timer, List<String> ends)
      throws Exception {
    WebSocketConnection connection =
        new WebSocketConnection(
            server.url(), Map.of(), HttpClient.newHttpClient(), Rig.SOON, timer);
    connection.open(
        new Connection.Inbound() {
          @Override
          public void received(Envelope message) {}

          @Override
          public void noise(String stream, String text) {}

          @Override
          public void stderr(String line) {}

          @Override
          public void ended(String reason, Optional<Integer> exitCode) {
            ends.add(reason);
          }
        });
    return connection;
  }

  private long pings() {
    return server.log.stream().filter("ping"::equals).count();
  }

  @Test
  void aServerThatNoLongerAnswersPingsIsLetGoAfterThree() throws Exception {
    ScheduledThreadPoolExecutor timer = hurriedTimer();
    List<String> ends = new CopyOnWriteArrayList<>();
    WebSocketConnection connection = hurried(timer, ends);
    try {
      await().atMost(Rig.SOON).until(() -> pings() >= 5);
      assertThat(ends).as("while it answers").isEmpty();
      long before = pings();
      server.faults.add("mute");
      await().atMost(Rig.SOON).until(() -> !ends.isEmpty());
      assertThat(ends.get(0)).contains("no longer answers pings");
      await().atMost(Rig.SOON).until(() -> server.log.contains("gone"));
      // Three without an answer; one more may have been answered at the last moment.
      assertThat(pings() - before).isBetween(3L, 4L);
    } finally {
      connection.close();
      timer.shutdownNow();
    }
  }

  @Test
  void aServerThatNeverAnswersPingsIsKept() throws Exception {
    server.faults.add("mute");
    ScheduledThreadPoolExecutor timer = hurriedTimer();
    List<String> ends = new CopyOnWriteArrayList<>();
    WebSocketConnection connection = hurried(timer, ends);
    try {
      await().atMost(Rig.SOON).until(() -> pings() >= 10);
      assertThat(ends).isEmpty();
    } finally {
      connection.close();
      timer.shutdownNow();
    }
  }
}
