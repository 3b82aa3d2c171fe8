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
import java.time.Duration;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** The client over Streamable HTTP and HTTP+SSE, against a real HTTP server. */
@Timeout(60)
class HttpTest {

  private static final String CHANGED =
      "{\"jsonrpc\":\"2.0\",\"method\":\"notifications/tools/list_changed\"}";

  private final Rig rig = new Rig();
  private final Heard heard = new Heard();
  private final HttpTestServer server;

  HttpTest() throws Exception {
    server = new HttpTestServer();
  }

  @AfterEach
  void end() {
    rig.close();
    server.close();
  }

  private ServerDefinition http(String path) {
    return Rig.definition(
        new Transport.Http(server.url(path), Map.of("Authorization", "Bearer s3cret-token")));
  }

  private ServerDefinition sse() {
    return Rig.definition(new Transport.Sse(server.url("/sse"), Map.of()));
  }

  private static UpstreamException failure(CompletableFuture<?> call) throws Exception {
    try {
      call.get(20, TimeUnit.SECONDS);
    } catch (ExecutionException failed) {
      return (UpstreamException) failed.getCause();
    }
    throw new AssertionError("the call did not fail");
  }

  private UpstreamException failure(UpstreamClient client, String tool) throws Exception {
    return failure(client.callTool(tool, Rig.json("{}"), Rig.SOON));
  }

  private StartFailure refusal(ServerDefinition definition) {
    return catchThrowableOfType(StartFailure.class, () -> rig.connect(definition, heard));
  }

  @ParameterizedTest
  @ValueSource(strings = {"json", "stream"})
  void shakesHandsAndCallsWhetherAnsweredByJsonOrByAStream(String fault) throws Exception {
    server.faults.add(fault);
    UpstreamClient client = rig.connect(http("/mcp"), heard);
    assertThat(client.catalogue().tools()).hasSize(1);
    assertThat(Rig.call(client, "x").getString("tool")).isEqualTo("x");
    assertThat(client.ping(Rig.SOON).get(20, TimeUnit.SECONDS)).isPositive();
    assertThat(server.log.get(0)).isEqualTo("initialize null Bearer s3cret-token");
    assertThat(server.log).contains("notifications/initialized 2025-11-25 Bearer s3cret-token");
    client.close();
    assertThat(server.log).contains("DELETE true");
    assertThat(heard.ends).containsExactly("closed by the hub");
  }

  @Test
  void readsEventsOfSeveralLinesWithAnyLineEndAndBatches() throws Exception {
    UpstreamClient client = rig.connect(http("/mcp"), heard);
    assertThat(Rig.call(client, "lines").getString("tool")).isEqualTo("lines");
    assertThat(Rig.call(client, "batch").getString("tool")).isEqualTo("batch");
  }

  @Test
  void resumesAStreamThatDroppedBeforeTheAnswer() throws Exception {
    UpstreamClient client = rig.connect(http("/mcp"), heard);
    assertThat(Rig.call(client, "drop").getString("tool")).isEqualTo("drop");
    assertThat(server.log).contains("resume e1");
  }

  @Test
  void failsACallWhoseAnswerCanNoLongerCome() throws Exception {
    UpstreamClient client = rig.connect(http("/mcp"), heard);
    assertThat(failure(client, "drop-for-good")).hasMessageContaining("before the answer");
    assertThat(failure(client, "garbage").kind()).isEqualTo(Kind.PROTOCOL);
    assertThat(failure(client, "accepted")).hasMessageContaining("202");
    assertThat(failure(client, "500")).hasMessageContaining("500");
    assertThat(failure(client, "too-large")).hasMessageContaining("longer than 16777216");
    UpstreamException bad = failure(client, "bad-request");
    assertThat(bad.kind()).isEqualTo(Kind.ERROR_RESPONSE);
    assertThat(bad.code()).hasValue(-32602);
    assertThat(Rig.call(client, "still-works").getString("tool")).isEqualTo("still-works");
    assertThat(client.inFlight()).isZero();
  }

  @Test
  void opensANewSessionOnceWhenTheServerForgotItsOwn() throws Exception {
    UpstreamClient client = rig.connect(http("/mcp"), heard);
    server.sessions.clear();
    CompletableFuture<JsonObject> one = client.callTool("one", Rig.json("{}"), Rig.SOON);
    CompletableFuture<JsonObject> two = client.callTool("two", Rig.json("{}"), Rig.SOON);
    assertThat(one.get(20, TimeUnit.SECONDS).getString("tool")).isEqualTo("one");
    assertThat(two.get(20, TimeUnit.SECONDS).getString("tool")).isEqualTo("two");
    assertThat(server.initialized).hasValue(2);
    assertThat(heard.ends).isEmpty();
  }

  @Test
  void tellsTheServerOfADeadline() throws Exception {
    UpstreamClient client = rig.connect(http("/mcp"), heard);
    UpstreamException late =
        failure(client.callTool("never", Rig.json("{}"), Duration.ofMillis(200)));
    assertThat(late.kind()).isEqualTo(Kind.TIMEOUT);
    await()
        .atMost(Rig.SOON)
        .until(() -> server.log.stream().anyMatch(l -> l.startsWith("notifications/cancelled")));
  }

  @Test
  void hearsChangesOnTheGetStreamAlsoAfterItDropped() throws Exception {
    UpstreamClient client = rig.connect(http("/mcp"), heard);
    await().atMost(Rig.SOON).until(() -> server.log.contains("GET true"));
    server.faults.add("more");
    server.push.add(CHANGED);
    await().atMost(Rig.SOON).until(() -> client.catalogue().tools().size() == 2);
    server.faults.remove("more");
    server.push.add("drop");
    await().atMost(Rig.SOON).until(() -> server.log.contains("resume g1"));
    server.push.add(CHANGED);
    await().atMost(Rig.SOON).until(() -> client.catalogue().tools().size() == 1);
  }

  @Test
  void asksNothingBeforeItHearsWhatTheServerAsksMeanwhile() throws Exception {
    server.faults.add("late-get");
    rig.connect(http("/mcp"), heard);
    assertThat(server.log)
        .containsSubsequence("GET true", "tools/list 2025-11-25 Bearer s3cret-token");
  }

  @Test
  void doesNotWaitForLongForAGetStreamThatIsNotAnswered() throws Exception {
    server.faults.add("silent-get");
    UpstreamClient client = rig.connect(http("/mcp"), heard);
    assertThat(Rig.call(client, "x").getString("tool")).isEqualTo("x");
  }

  @Test
  void doesWithoutAGetStream() throws Exception {
    server.faults.add("no-get");
    UpstreamClient client = rig.connect(http("/mcp"), heard);
    assertThat(Rig.call(client, "x").getString("tool")).isEqualTo("x");
  }

  @Test
  void followsRedirectsOnlyWithinTheOrigin() throws Exception {
    UpstreamClient client = rig.connect(http("/moved"), heard);
    assertThat(Rig.call(client, "x").getString("tool")).isEqualTo("x");
    assertThat(refusal(http("/away"))).hasMessageContaining("another origin");
  }

  @Test
  void namesTheCauseWhenItCannotConnect() {
    assertThat(refusal(http("/nowhere"))).hasMessageContaining("404");
    server.faults.add("401");
    assertThat(refusal(http("/mcp"))).hasMessageContaining("credentials");
    assertThat(
            refusal(
                Rig.definition(new Transport.Http(URI.create("http://127.0.0.1:9/mcp"), Map.of()))))
        .hasMessageContaining("nothing answers");
    assertThat(refusal(Rig.definition(new Transport.Http(server.url("/mcp"), Map.of("Host", "x")))))
        .hasMessageContaining("Host");
  }

  @Test
  void speaksTheOlderTransportOverAnEventStream() throws Exception {
    UpstreamClient client = rig.connect(sse(), heard);
    assertThat(client.catalogue().tools()).hasSize(1);
    assertThat(Rig.call(client, "x").getString("tool")).isEqualTo("x");
    assertThat(client.ping(Rig.SOON).get(20, TimeUnit.SECONDS)).isPositive();
    server.faults.add("more");
    server.pushSse(CHANGED);
    await().atMost(Rig.SOON).until(() -> client.catalogue().tools().size() == 2);
    failure(client.callTool("never", Rig.json("{}"), Duration.ofMillis(100)));
    await()
        .atMost(Rig.SOON)
        .until(() -> server.log.stream().anyMatch(l -> l.matches("notifications/cancelled \\d+")));
    CompletableFuture<JsonObject> waiting = client.callTool("never", Rig.json("{}"), Rig.SOON);
    server.pushSse("not json");
    server.pushSse("drop");
    await().atMost(Rig.SOON).until(() -> !heard.ends.isEmpty());
    assertThat(heard.ends).containsExactly("the event stream ended");
    assertThat(failure(waiting).kind()).isEqualTo(Kind.DISCONNECTED);
    assertThat(heard.text("sse")).anySatisfy(l -> assertThat(l).contains("not json"));
  }

  @Test
  void postsNothingToAnotherOriginThanTheStreamsOwn() {
    server.faults.add("foreign");
    assertThat(refusal(sse())).hasMessageContaining("another origin");
    server.faults.clear();
    server.faults.add("404");
    assertThat(refusal(sse())).hasMessageContaining("404");
  }

  private ServerDefinition impatient(Duration startTimeout) {
    return Rig.definition(
        new Transport.Http(server.url("/mcp"), Map.of()),
        startTimeout,
        ServerDefinition.Budget.UNLIMITED);
  }

  @Test
  void failsTheStartOfAServerThatNeverTakesTheFirstNotification() {
    server.faults.add("deaf");
    StartFailure failure = refusal(impatient(Duration.ofMillis(500)));
    assertThat(failure).hasMessageContaining("notifications/initialized");
    assertThat(failure.suggestion()).contains("startTimeoutSeconds");
    assertThat(rig.upstreams.gauges().connections()).isZero();
  }

  @Test
  void readsListsAndRenewsSessionsWithoutHoldingTheOnlyThread() throws Exception {
    try (Rig narrow = new Rig(ChildProcess.Patience.DEFAULT, 1, Posts.Limits.DEFAULT)) {
      UpstreamClient client = narrow.connect(http("/mcp"), heard);
      await().atMost(Rig.SOON).until(() -> server.log.contains("GET true"));
      server.faults.add("more");
      server.push.add(CHANGED);
      await().atMost(Rig.SOON).until(() -> client.catalogue().tools().size() == 2);
      server.sessions.clear();
      assertThat(Rig.call(client, "x").getString("tool")).isEqualTo("x");
      assertThat(server.initialized).hasValue(2);
    }
  }

  @Test
  void neverSendsACallAgainThatTheServerHadTaken() throws Exception {
    UpstreamClient client = rig.connect(http("/mcp"), heard);
    UpstreamException failure = failure(client, "drop-then-forget");
    assertThat(failure.kind()).isEqualTo(Kind.DISCONNECTED);
    assertThat(failure).hasMessageContaining("no longer knew the session");
    assertThat(server.log).filteredOn(line -> line.startsWith("tools/call")).hasSize(1);
  }

  @Test
  void resumesAfterTheLastWholeEventWhenOneWasCutOff() throws Exception {
    UpstreamClient client = rig.connect(http("/mcp"), heard);
    assertThat(Rig.call(client, "drop-in-an-event").getString("tool"))
        .isEqualTo("drop-in-an-event");
    assertThat(server.log).contains("resume e1").doesNotContain("resume e7");
    assertThat(heard.text("http")).isEmpty();
  }

  @Test
  void closesAStreamThatTheServerLeavesOpenAfterItsAnswer() throws Exception {
    Posts.Limits brief = new Posts.Limits(8, Rig.SOON, Duration.ofMillis(200));
    try (Rig narrow = new Rig(ChildProcess.Patience.DEFAULT, 4, brief)) {
      UpstreamClient client = narrow.connect(http("/mcp"), heard);
      for (int i = 0; i < 3; i++) {
        assertThat(Rig.call(client, "stays-open").getString("tool")).isEqualTo("stays-open");
      }
      await()
          .atMost(Rig.SOON)
          .until(() -> server.log.stream().filter("stream closed"::equals).count() == 3);
      assertThat(Rig.call(client, "x").getString("tool")).isEqualTo("x");
    }
  }

  @Test
  void closesAnsweredStreamsWhenItIsClosed() throws Exception {
    UpstreamClient client = rig.connect(http("/mcp"), heard);
    assertThat(Rig.call(client, "stays-open").getString("tool")).isEqualTo("stays-open");
    client.close();
    await().atMost(Duration.ofSeconds(3)).until(() -> server.log.contains("stream closed"));
  }

  @Test
  void boundsThePostsOfAServerThatNeverAnswersThemAndFreesTheirPlaces() throws Exception {
    Posts.Limits few = new Posts.Limits(8, Duration.ofSeconds(3), Rig.SOON);
    try (Rig narrow = new Rig(ChildProcess.Patience.DEFAULT, 4, few)) {
      UpstreamClient client = narrow.connect(http("/mcp"), heard);
      server.faults.add("deaf");
      Envelope note = Envelope.notification("notifications/x", null);
      CompletableFuture<?>[] sent = new CompletableFuture<?>[9];
      for (int i = 0; i < sent.length; i++) {
        sent[i] = client.send(note);
      }
      assertThat(failure(sent[8]).kind()).isEqualTo(Kind.BUSY);
      await().atMost(Rig.SOON).untilAsserted(() -> assertThat(server.deafTo).hasValue(8));
      assertThat(failure(sent[0]).kind()).isEqualTo(Kind.TIMEOUT);
      assertThat(narrow.upstreams.gauges().messagesQueued()).isLessThanOrEqualTo(8);
      for (int i = 1; i < 8; i++) {
        assertThat(failure(sent[i]).kind()).isEqualTo(Kind.TIMEOUT);
      }
      await()
          .atMost(Rig.SOON)
          .untilAsserted(() -> assertThat(narrow.upstreams.gauges().messagesQueued()).isZero());
      server.faults.clear();
      assertThat(Rig.call(client, "x").getString("tool")).isEqualTo("x");
    }
  }

  @Test
  void opensNoThirdSessionForACallThatTheFirstOneRefusedLate() throws Exception {
    UpstreamClient client = rig.connect(http("/mcp"), heard);
    CompletableFuture<JsonObject> late = client.callTool("late-404", Rig.json("{}"), Rig.SOON);
    await()
        .atMost(Rig.SOON)
        .until(() -> server.log.stream().anyMatch(line -> line.startsWith("tools/call")));
    server.sessions.clear();
    assertThat(Rig.call(client, "x").getString("tool")).isEqualTo("x");
    server.reopened.countDown();
    assertThat(failure(late)).hasMessageContaining("no longer knows the session");
    assertThat(server.initialized).hasValue(2);
  }

  @Test
  void letsCallsWaitWhileANewSessionIsOpened() throws Exception {
    UpstreamClient client = rig.connect(http("/mcp"), heard);
    server.sessions.clear();
    server.faults.add("hold-initialize");
    CompletableFuture<JsonObject> one = client.callTool("one", Rig.json("{}"), Rig.SOON);
    await()
        .atMost(Rig.SOON)
        .until(
            () -> server.log.stream().filter(line -> line.startsWith("initialize")).count() == 2);
    CompletableFuture<JsonObject> two = client.callTool("two", Rig.json("{}"), Rig.SOON);
    server.reopened.countDown();
    assertThat(two.get(20, TimeUnit.SECONDS).getString("tool")).isEqualTo("two");
    assertThat(one.get(20, TimeUnit.SECONDS).getString("tool")).isEqualTo("one");
    assertThat(server.initialized).hasValue(2);
    assertThat(server.log).filteredOn(line -> line.startsWith("tools/call")).hasSize(3);
  }

  @Test
  void triesTheGetStreamAgainAfterAPassingRefusal() throws Exception {
    server.refuseGets.set(1);
    UpstreamClient client = rig.connect(http("/mcp"), heard);
    await().atMost(Rig.SOON).until(() -> server.log.contains("GET true"));
    assertThat(server.log).contains("GET refused");
    server.faults.add("more");
    server.push.add(CHANGED);
    await().atMost(Rig.SOON).until(() -> client.catalogue().tools().size() == 2);
  }

  @Test
  void masksSecretsInErrorsOfTheServerAndCutsThem() throws Exception {
    UpstreamClient client = rig.connect(http("/mcp"), heard);
    UpstreamException failure = failure(client, "secret");
    assertThat(failure.getMessage())
        .startsWith("you sent ***; long")
        .hasSize(UpstreamException.MAX_MESSAGE);
  }
}
