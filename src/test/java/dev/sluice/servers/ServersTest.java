package dev.sluice.servers;

import static dev.sluice.servers.ServersRig.json;
import static dev.sluice.servers.ServersRig.sample;
import static dev.sluice.servers.ServersRig.sampleIf;
import static dev.sluice.servers.ServersRig.shell;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.awaitility.Awaitility.await;

import dev.sluice.events.DomainEvent.CircuitBreakerStateChanged;
import dev.sluice.events.DomainEvent.HealthCheckPassed;
import dev.sluice.events.DomainEvent.McpServerDegraded;
import dev.sluice.events.DomainEvent.McpServerStarted;
import dev.sluice.events.DomainEvent.McpServerStateChanged;
import dev.sluice.events.DomainEvent.McpServerStopped;
import dev.sluice.events.DomainEvent.McpServerUpdated;
import dev.sluice.events.DomainEvent.ToolInvocationCompleted;
import dev.sluice.events.DomainEvent.ToolInvocationFailed;
import dev.sluice.events.DomainEvent.ToolInvocationRequested;
import dev.sluice.rest.ApiException;
import jakarta.json.JsonObject;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.atomic.AtomicReference;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

@Timeout(90)
class ServersTest {

  private static final JsonObject HELLO = json("{\"message\":\"hello\",\"text\":\"hello\"}");

  private final ServersRig rig = new ServersRig();

  @AfterEach
  void close() throws Exception {
    rig.close();
  }

  @Test
  void tenConcurrentCallsToAColdServerStartItOnceAndAreAllAnswered() throws Exception {
    McpServer server = rig.add("math", sample());
    List<CompletableFuture<ToolCalls.Result>> calls = new ArrayList<>();
    for (int i = 0; i < 10; i++) {
      calls.add(rig.servers.call(server, "echo", HELLO));
    }
    for (CompletableFuture<ToolCalls.Result> call : calls) {
      assertThat(call.get(40, TimeUnit.SECONDS).text()).contains("hello");
    }
    assertThat(rig.of(McpServerStarted.class)).hasSize(1);
    assertThat(rig.changes("math")).containsExactly("cold>initializing", "initializing>ready");
    await().until(() -> rig.of(ToolInvocationCompleted.class).size() == 10);
    assertThat(server.view().calls().inFlight()).isZero();
  }

  @Test
  void aStartIsToldAsTwoChangesAndThenStarted() throws Exception {
    McpServer server = rig.add("math", sample());
    server.start("test").get(40, TimeUnit.SECONDS);
    assertThat(rig.types())
        .containsExactly(
            "ProviderRegistered",
            "McpServerStateChanged",
            "McpServerStateChanged",
            "McpServerStarted");
    McpServerStarted started = rig.of(McpServerStarted.class).get(0);
    assertThat(started.mode()).isEqualTo("stdio");
    assertThat(started.toolsCount()).isPositive();
    assertThat(started.startupDurationMs()).isPositive();
  }

  @Test
  void aStopTellsTheCallersReasonAndAStopOfAColdServerNothing() throws Exception {
    McpServer server = rig.add("math", sample());
    server.start("test").get(40, TimeUnit.SECONDS);
    long pid = server.view().connection().orElseThrow().client().pid().orElseThrow();
    assertThat(server.stop("maintenance", Duration.ZERO).get(20, TimeUnit.SECONDS)).isTrue();
    assertThat(ProcessHandle.of(pid).filter(ProcessHandle::isAlive)).isEmpty();
    assertThat(rig.of(McpServerStopped.class))
        .containsExactly(new McpServerStopped("math", "maintenance"));
    assertThat(rig.of(McpServerStateChanged.class))
        .last()
        .isEqualTo(new McpServerStateChanged("math", "ready", "cold", "maintenance"));
    int before = rig.published.size();
    assertThat(server.stop("again", Duration.ZERO).get(20, TimeUnit.SECONDS)).isFalse();
    assertThat(rig.published).hasSize(before);
  }

  @Test
  void threeFailedStartsDegradeItAndItRecoversByItself(@TempDir Path dir) throws Exception {
    Path switchedOn = dir.resolve("on");
    McpServer server = rig.add("flaky", sampleIf(switchedOn));
    for (int i = 0; i < 3; i++) {
      assertThatThrownBy(() -> server.start("test").join())
          .cause()
          .isInstanceOfSatisfying(
              ApiException.class,
              e -> {
                assertThat(e.refusal().code()).isEqualTo("server_start_failed");
                assertThat(e.refusal().body().toString()).contains("no such luck").contains("3");
              });
    }
    assertThat(rig.changes("flaky"))
        .containsExactly(
            "cold>initializing",
            "initializing>dead",
            "dead>initializing",
            "initializing>dead",
            "dead>initializing",
            "initializing>degraded");
    assertThat(rig.of(McpServerDegraded.class)).hasSize(1);
    assertThat(rig.of(McpServerDegraded.class).get(0).consecutiveFailures()).isEqualTo(3);
    assertThatThrownBy(() -> server.start("too early"))
        .isInstanceOfSatisfying(
            ApiException.class,
            e -> assertThat(e.refusal().headers().get("Retry-After")).isIn("7", "8"));
    Files.createFile(switchedOn);
    await().atMost(Duration.ofSeconds(20)).until(() -> server.view().state() == ServerState.READY);
    assertThat(rig.call(server, "echo", HELLO).toString()).contains("hello");
    assertThat(server.view().consecutiveFailures()).isZero();
  }

  @Test
  void aKilledChildIsDeadWithinASecondAndStartsAgain() throws Exception {
    McpServer server = rig.add("math", sample());
    server.start("test").get(40, TimeUnit.SECONDS);
    long pid = server.view().connection().orElseThrow().client().pid().orElseThrow();
    ProcessHandle.of(pid).orElseThrow().destroyForcibly();
    await().atMost(Duration.ofSeconds(1)).until(() -> rig.changes("math").contains("ready>dead"));
    McpServerStateChanged crash =
        rig.of(McpServerStateChanged.class).stream()
            .filter(e -> e.newState().equals("dead"))
            .findFirst()
            .orElseThrow();
    assertThat(crash.reason()).startsWith("crashed: ");
    await().atMost(Duration.ofSeconds(15)).until(() -> rig.of(McpServerStarted.class).size() == 2);
    assertThat(server.view().state()).isEqualTo(ServerState.READY);
  }

  @Test
  void anIdleServerStopsWithinASecondAfterItsTimeAndStartsAgainWhenCalled() throws Exception {
    McpServer server = rig.add("math", sample("\"idleTtlSeconds\":1"));
    server.start("test").get(40, TimeUnit.SECONDS);
    await().atMost(Duration.ofMillis(2000)).until(() -> rig.of(McpServerStopped.class).size() == 1);
    assertThat(rig.types())
        .endsWith("McpServerIdleDetected", "McpServerStateChanged", "McpServerStopped");
    assertThat(rig.of(McpServerStopped.class).get(0).reason()).isEqualTo("idle");
    assertThat(rig.call(server, "echo", HELLO).toString()).contains("hello");
  }

  @Test
  void aCallInFlightEndsBeforeAChangedServerIsStartedAnew() throws Exception {
    McpServer server = rig.add("math", sample());
    server.start("test").get(40, TimeUnit.SECONDS);
    CompletableFuture<ToolCalls.Result> slow =
        rig.servers.call(
            server, "sleep", json("{\"ms\":1500,\"milliseconds\":1500,\"seconds\":1.5}"));
    await().until(() -> server.view().connection().orElseThrow().calls == 1);
    rig.servers.replace(
        server, ServersRig.read("math", sample("\"env\":{\"CHANGED\":\"1\"}")), "api");
    assertThat(slow.get(20, TimeUnit.SECONDS).isError()).isFalse();
    await().atMost(Duration.ofSeconds(20)).until(() -> rig.of(McpServerStarted.class).size() == 2);
    assertThat(rig.of(ToolInvocationFailed.class)).isEmpty();
  }

  @Test
  void aChangeThatNeedsNoRestartLeavesTheProcessRunning() throws Exception {
    McpServer server = rig.add("math", sample());
    server.start("test").get(40, TimeUnit.SECONDS);
    rig.servers.replace(
        server, ServersRig.read("math", sample("\"description\":\"other\"")), "api");
    assertThat(server.view().state()).isEqualTo(ServerState.READY);
    assertThat(rig.of(McpServerStarted.class)).hasSize(1);
  }

  @Test
  void theCircuitOpensAfterTimeoutsInARowAndClosesAfterOneGoodProbe() throws Exception {
    McpServer server =
        rig.add(
            "math",
            sample(
                "\"callTimeoutSeconds\":1",
                "\"circuitBreaker\":{\"failureThreshold\":2,\"resetTimeoutSeconds\":1}"));
    server.start("test").get(40, TimeUnit.SECONDS);
    for (int i = 0; i < 2; i++) {
      assertThatThrownBy(
              () ->
                  rig.servers
                      .call(
                          server,
                          "sleep",
                          json("{\"ms\":5000,\"milliseconds\":5000,\"seconds\":5}"))
                      .join())
          .isInstanceOf(CompletionException.class)
          .cause()
          .isInstanceOfSatisfying(
              ApiException.class, e -> assertThat(e.refusal().status()).isEqualTo(504));
    }
    assertThatThrownBy(() -> rig.servers.call(server, "echo", HELLO))
        .isInstanceOfSatisfying(
            ApiException.class, e -> assertThat(e.refusal().code()).isEqualTo("circuit_open"));
    await()
        .atMost(Duration.ofSeconds(3))
        .until(() -> server.view().calls().breaker() == CircuitBreaker.State.HALF_OPEN);
    assertThat(rig.call(server, "echo", HELLO).toString()).contains("hello");
    assertThat(rig.of(CircuitBreakerStateChanged.class))
        .extracting(e -> e.oldState() + ">" + e.newState())
        .containsExactly("closed>open", "open>half_open", "half_open>closed");
  }

  @Test
  void aBlockedServerRefusesStartsAndCallsUntilUnblocked() throws Exception {
    McpServer server = rig.add("math", sample());
    server.start("test").get(40, TimeUnit.SECONDS);
    server.block("suspicious").get(20, TimeUnit.SECONDS);
    assertThatThrownBy(() -> server.start("test")).hasMessageContaining("suspicious");
    assertThatThrownBy(() -> rig.servers.call(server, "echo", HELLO))
        .hasMessageContaining("suspicious");
    assertThat(server.unblock()).isTrue();
    assertThat(rig.call(server, "echo", HELLO).toString()).contains("hello");
  }

  @Test
  void eachChangeOfABlockIsToldOnceAlsoWhileTheServerIsCold() throws Exception {
    McpServer server = rig.add("math", sample());
    server.block("suspicious").get(20, TimeUnit.SECONDS);
    server.block("suspicious").get(20, TimeUnit.SECONDS);
    assertThat(rig.of(McpServerUpdated.class)).containsExactly(new McpServerUpdated("math", "api"));
    server.block("worse").get(20, TimeUnit.SECONDS);
    assertThat(rig.of(McpServerUpdated.class)).hasSize(2);
    assertThat(server.unblock()).isTrue();
    assertThat(server.unblock()).isFalse();
    assertThat(rig.of(McpServerUpdated.class)).hasSize(3);
    assertThat(rig.changes("math")).isEmpty();
  }

  @Test
  void callsBeyondTheLimitAreRefusedWith429() throws Exception {
    McpServer server = rig.add("math", sample("\"maxConcurrentCalls\":2"));
    CompletableFuture<ToolCalls.Result> one = rig.servers.call(server, "echo", HELLO);
    CompletableFuture<ToolCalls.Result> two = rig.servers.call(server, "echo", HELLO);
    assertThatThrownBy(() -> rig.servers.call(server, "echo", HELLO))
        .isInstanceOfSatisfying(
            ApiException.class,
            e -> {
              assertThat(e.refusal().status()).isEqualTo(429);
              assertThat(e.refusal().headers()).containsKey("Retry-After");
            });
    assertThat(one.get(40, TimeUnit.SECONDS).isError()).isFalse();
    assertThat(two.get(40, TimeUnit.SECONDS).isError()).isFalse();
  }

  @Test
  void everyRequestedCallIsToldOnceToBeOverAndItsSecretsAreMasked() throws Exception {
    McpServer server = rig.add("math", sample());
    rig.call(server, "echo", json("{\"message\":\"m\",\"text\":\"m\",\"password\":\"hunter2\"}"));
    assertThatThrownBy(() -> rig.servers.call(server, "ecco", HELLO).join())
        .hasMessageContaining("did you mean \"echo\"?");
    assertThat(rig.of(ToolInvocationRequested.class)).hasSize(2);
    assertThat(rig.of(ToolInvocationRequested.class).get(0).arguments().text())
        .contains("***")
        .doesNotContain("hunter2");
    assertThat(rig.of(ToolInvocationCompleted.class)).hasSize(1);
    assertThat(rig.of(ToolInvocationFailed.class))
        .singleElement()
        .satisfies(e -> assertThat(e.errorType()).isEqualTo("tool_not_found"));
    assertThat(server.history().total()).isEqualTo(2);
  }

  @Test
  void probesRunAtTheServersOwnInterval() throws Exception {
    McpServer server = rig.add("math", sample("\"healthCheckIntervalSeconds\":1"));
    server.start("test").get(40, TimeUnit.SECONDS);
    await().atMost(Duration.ofSeconds(6)).until(() -> rig.of(HealthCheckPassed.class).size() >= 2);
  }

  @Test
  void aStopDuringTheStartEndsTheAttempt() throws Exception {
    McpServer server = rig.add("slow", shell("exec sleep 60"));
    CompletableFuture<Connection> start = server.start("test");
    await().until(() -> rig.changes("slow").size() == 1);
    server.stop("changed my mind", Duration.ZERO).get(20, TimeUnit.SECONDS);
    assertThatThrownBy(start::join).hasMessageContaining("changed my mind");
    assertThat(rig.changes("slow")).containsExactly("cold>initializing", "initializing>cold");
    assertThat(rig.of(McpServerStopped.class)).isEmpty();
  }

  @Test
  void aStopBetweenReadyAndItsTellingEndsTheChildAndLaterStartsSucceed() throws Exception {
    McpServer server = rig.add("math", sample());
    AtomicReference<CompletableFuture<Boolean>> stopped = new AtomicReference<>();
    AtomicLong pid = new AtomicLong();
    rig.beforeSchedule =
        () -> {
          if (stopped.get() == null && server.view().state() == ServerState.READY) {
            pid.set(server.view().connection().orElseThrow().client().pid().orElseThrow());
            stopped.set(server.stop("at once", Duration.ZERO));
          }
        };
    CompletableFuture<Connection> start = server.start("test");
    await().atMost(Duration.ofSeconds(20)).until(start::isDone);
    rig.beforeSchedule = () -> {};
    assertThat(stopped.get().get(20, TimeUnit.SECONDS)).isTrue();
    assertThat(ProcessHandle.of(pid.get()).filter(ProcessHandle::isAlive)).isEmpty();
    assertThat(rig.of(McpServerStopped.class)).hasSize(1);
    assertThat(rig.call(server, "echo", HELLO).toString()).contains("hello");
  }

  private static JsonObject seconds(int n) {
    return json("{\"ms\":" + n + "000,\"milliseconds\":" + n + "000,\"seconds\":" + n + "}");
  }

  private CompletableFuture<ToolCalls.Result> longCall(McpServer server) {
    CompletableFuture<ToolCalls.Result> call = rig.servers.call(server, "sleep", seconds(20));
    await()
        .atMost(Duration.ofSeconds(20))
        .until(() -> server.view().connection().map(c -> c.calls).orElse(0) == 1);
    return call;
  }

  @Test
  void stopsOfTheHubItselfDoNotOpenTheCircuit() throws Exception {
    McpServer server = rig.add("math", sample("\"circuitBreaker\":{\"failureThreshold\":1}"));
    CompletableFuture<ToolCalls.Result> call = longCall(server);
    server.stop("maintenance", Duration.ZERO).get(20, TimeUnit.SECONDS);
    assertThatThrownBy(() -> call.get(20, TimeUnit.SECONDS)).hasMessageContaining("math");
    await().until(() -> server.view().calls().inFlight() == 0);
    assertThat(server.view().calls().breaker()).isEqualTo(CircuitBreaker.State.CLOSED);
    assertThat(rig.of(CircuitBreakerStateChanged.class)).isEmpty();
  }

  @Test
  void aStopDuringTheDrainOfAChangedServerEndsTheDrain() throws Exception {
    McpServer server = rig.add("math", sample());
    CompletableFuture<ToolCalls.Result> call = longCall(server);
    long pid = server.view().connection().orElseThrow().client().pid().orElseThrow();
    rig.servers.replace(
        server, ServersRig.read("math", sample("\"env\":{\"CHANGED\":\"1\"}")), "api");
    assertThat(call).isNotDone();
    server.stop("now", Duration.ZERO).get(10, TimeUnit.SECONDS);
    assertThat(ProcessHandle.of(pid).filter(ProcessHandle::isAlive)).isEmpty();
    assertThatThrownBy(() -> call.get(5, TimeUnit.SECONDS)).hasMessageContaining("math");
    assertThat(server.view().state()).isEqualTo(ServerState.COLD);
  }

  @Test
  void aNewCallTimeoutDoesNotShortenTheDrainOfTheOldDefinition() throws Exception {
    McpServer server = rig.add("math", sample("\"callTimeoutSeconds\":20"));
    server.start("test").get(40, TimeUnit.SECONDS);
    CompletableFuture<ToolCalls.Result> call = rig.servers.call(server, "sleep", seconds(3));
    await().until(() -> server.view().connection().orElseThrow().calls == 1);
    rig.servers.replace(
        server,
        ServersRig.read("math", sample("\"callTimeoutSeconds\":1", "\"env\":{\"CHANGED\":\"1\"}")),
        "api");
    assertThat(call.get(20, TimeUnit.SECONDS).isError()).isFalse();
  }

  @Test
  void aChangedDescriptionLeavesAStartUnderWay() throws Exception {
    McpServer server = rig.add("slow", shell("exec sleep 60"));
    CompletableFuture<Connection> start = server.start("test");
    rig.servers.replace(
        server,
        ServersRig.read("slow", shell("exec sleep 60", "\"description\":\"other\"")),
        "api");
    assertThat(start).isNotDone();
    assertThat(rig.changes("slow")).containsExactly("cold>initializing");
    server.stop("over", Duration.ZERO).get(20, TimeUnit.SECONDS);
  }

  @Test
  void aServerThatStartsWithTheHubIsStartedWhenItIsEnabled() throws Exception {
    McpServer server = rig.add("math", sample("\"enabled\":false", "\"autoStart\":true"));
    assertThat(server.view().state()).isEqualTo(ServerState.COLD);
    rig.servers.replace(server, ServersRig.read("math", sample("\"autoStart\":true")), "api");
    await().atMost(Duration.ofSeconds(20)).until(() -> server.view().state() == ServerState.READY);
  }

  @Test
  void aRetiredConnectionHasNoTimersLeft() throws Exception {
    McpServer server = rig.add("math", sample());
    Connection connection = server.start("test").get(40, TimeUnit.SECONDS);
    await().untilAsserted(() -> assertThat(connection.pendingTimers()).isEqualTo(2));
    server.stop("over", Duration.ZERO).get(20, TimeUnit.SECONDS);
    assertThat(connection.pendingTimers()).isZero();
  }

  @Test
  void aServerThatGrewTooOldIsReplacedAndThatIsNoFailure() throws Exception {
    McpServer server = rig.add("math", sample("\"budget\":{\"maxAgeSeconds\":1}"));
    server.start("test").get(40, TimeUnit.SECONDS);
    await().atMost(Duration.ofSeconds(30)).until(() -> rig.of(McpServerStarted.class).size() >= 2);
    assertThat(rig.changes("math"))
        .startsWith(
            "cold>initializing",
            "initializing>ready",
            "ready>cold",
            "cold>initializing",
            "initializing>ready")
        .doesNotContain("ready>dead");
    assertThat(server.view().totalFailures()).isZero();
  }
}
