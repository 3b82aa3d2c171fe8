package dev.sluice.servers.upstream;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.catchThrowableOfType;
import static org.awaitility.Awaitility.await;

import dev.sluice.servers.ServerDefinition;
import dev.sluice.servers.ServerDefinition.Budget;
import dev.sluice.servers.ServerDefinition.Transport;
import dev.sluice.servers.upstream.Rig.Heard;
import jakarta.json.JsonObject;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.Executors;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** The client over the standard streams of real child processes. */
@Timeout(60)
class StdioTest {

  private final Rig rig = new Rig();
  private final Heard heard = new Heard();

  @AfterEach
  void end() {
    rig.close();
  }

  private static UpstreamException failure(CompletableFuture<?> call) throws Exception {
    try {
      call.get(20, TimeUnit.SECONDS);
    } catch (ExecutionException failed) {
      return (UpstreamException) failed.getCause();
    }
    throw new AssertionError("the call did not fail");
  }

  private static UpstreamException failure(UpstreamClient client, String tool) throws Exception {
    return failure(client.callTool(tool, Rig.json("{}"), Rig.SOON));
  }

  @Test
  void shakesHandsListsAllPagesAndCalls() throws Exception {
    UpstreamClient client = rig.connect(Rig.java(), heard);
    assertThat(client.info().name()).isEqualTo("test");
    assertThat(client.info().protocolVersion()).isEqualTo("2025-11-25");
    assertThat(client.catalogue().tools())
        .extracting(tool -> tool.getString("name"))
        .containsExactly("one", "two");
    assertThat(client.catalogue().resources()).hasSize(1);
    assertThat(client.catalogue().prompts()).isEmpty();
    JsonObject arguments = Rig.json("{\"text\":\"\\u00e9\uD83D\uDE00\",\"n\":0.1000}");
    JsonObject result = client.callTool("echo", arguments, Rig.SOON).get(20, TimeUnit.SECONDS);
    assertThat(result.getJsonObject("echo").getJsonObject("arguments").toString())
        .isEqualTo(arguments.toString());
    assertThat(client.ping(Rig.SOON).get(20, TimeUnit.SECONDS)).isPositive();
    assertThat(client.pid().getAsLong()).isPositive();
  }

  @Test
  void completesCallsOnTheExecutorAndNotOnTheReader() throws Exception {
    UpstreamClient client = rig.connect(Rig.java(), heard);
    CompletableFuture<String> thread = new CompletableFuture<>();
    client
        .callTool("sleep", Rig.json("{\"ms\":100}"), Rig.SOON)
        .whenComplete((r, e) -> thread.complete(Thread.currentThread().getName()));
    assertThat(thread.get(20, TimeUnit.SECONDS)).isEqualTo("work");
  }

  @Test
  void matchesAnswersThatComeOutOfOrder() throws Exception {
    UpstreamClient client = rig.connect(Rig.java(), heard);
    CompletableFuture<JsonObject> slow =
        client.callTool("sleep", Rig.json("{\"ms\":1500}"), Rig.SOON);
    CompletableFuture<JsonObject> quick = client.callTool("echo", Rig.json("{\"q\":1}"), Rig.SOON);
    assertThat(quick.get(20, TimeUnit.SECONDS)).containsKey("echo");
    assertThat(slow).isNotDone();
    assertThat(slow.get(20, TimeUnit.SECONDS)).containsKey("slept");
    assertThat(client.inFlight()).isZero();
  }

  @Test
  void answersAnErrorOfTheServerWithItsCodeAndText() throws Exception {
    UpstreamClient client = rig.connect(Rig.java(), heard);
    UpstreamException failure = failure(client, "fail");
    assertThat(failure.kind()).isEqualTo(UpstreamException.Kind.ERROR_RESPONSE);
    assertThat(failure.code()).hasValue(-32602);
    assertThat(failure).hasMessage("bad \u00e4rgument");
    assertThat(failure(client, "scalar").kind()).isEqualTo(UpstreamException.Kind.PROTOCOL);
  }

  @Test
  void tellsTheServerOfACallThatReachedItsDeadline() throws Exception {
    UpstreamClient client = rig.connect(Rig.java(), heard);
    UpstreamException late =
        failure(client.callTool("never", Rig.json("{}"), Duration.ofMillis(200)));
    assertThat(late.kind()).isEqualTo(UpstreamException.Kind.TIMEOUT);
    assertThat(late).hasMessageContaining("200 ms");
    CompletableFuture<JsonObject> givenUp = client.callTool("never", Rig.json("{}"), Rig.SOON);
    givenUp.cancel(true);
    await()
        .atMost(Rig.SOON)
        .untilAsserted(
            () -> assertThat(Rig.call(client, "cancelled").getJsonArray("ids")).hasSize(2));
    assertThat(client.inFlight()).isZero();
  }

  @Test
  void survivesGarbageAndCountsAnswersToNothing() throws Exception {
    UpstreamClient client = rig.connect(Rig.java("noisy"), heard);
    assertThat(Rig.call(client, "garbage")).containsKey("survived");
    assertThat(client.unknownAnswers()).isEqualTo(3);
    assertThat(heard.text("stdout"))
        .contains("Welcome to the test server!", "\u00e9\u00e8 not json")
        .anySatisfy(line -> assertThat(line).contains("not UTF-8"))
        .anySatisfy(line -> assertThat(line).contains("nested deeper"));
    assertThat(rig.upstreams.gauges().unknownAnswers()).isEqualTo(3);
  }

  @Test
  void skipsALineOverTheLimitAndGoesOn() throws Exception {
    UpstreamClient client = rig.connect(Rig.java(), heard);
    assertThat(Rig.call(client, "huge-line")).containsKey("survived");
    assertThat(heard.text("stdout"))
        .anySatisfy(line -> assertThat(line).contains("skipped a line of 17825792 bytes"));
    assertThat(Rig.call(client, "big").getString("big")).hasSize(8 << 20);
  }

  @Test
  void failsACallWhoseAnswerHasANumberThatNobodyCanHold() throws Exception {
    UpstreamClient client = rig.connect(Rig.java(), heard);
    for (String number : List.of("long-number", "wide-number")) {
      UpstreamException failure = failure(client, number);
      assertThat(failure.kind()).isEqualTo(UpstreamException.Kind.PROTOCOL);
      assertThat(failure).hasMessageContaining("cannot be read");
    }
    assertThat(client.inFlight()).isZero();
    assertThat(Rig.call(client, "echo")).containsKey("echo");
  }

  @Test
  void readsAMessageThatComesByteByByte() throws Exception {
    UpstreamClient client = rig.connect(Rig.java(), heard);
    assertThat(Rig.call(client, "split").getString("text")).isEqualTo("\u00e9\uD83D\uDE00\u20ac");
    assertThat(Rig.call(client, "pretty").toString())
        .isEqualTo("{\"n\":0.1000,\"big\":12345678901234567890}");
    assertThat(Rig.call(client, "batch")).containsKey("batched");
  }

  @Test
  void readsTheListsAgainOnceWhenTheyChange() throws Exception {
    UpstreamClient client = rig.connect(Rig.java(), heard);
    Rig.call(client, "change");
    await().atMost(Rig.SOON).until(() -> client.catalogue().tools().size() == 3);
    await().atMost(Rig.SOON).until(() -> !heard.catalogues.isEmpty());
    Rig.call(client, "echo");
    assertThat(heard.catalogues).hasSizeLessThanOrEqualTo(2);
  }

  @Test
  void answersPingsOfTheServerAndRefusesWhatItDoesNotOffer() throws Exception {
    UpstreamClient client = rig.connect(Rig.java(), heard);
    assertThat(Rig.call(client, "ask").getJsonArray("got").toString())
        .contains("{\"jsonrpc\":\"2.0\",\"id\":\"p\",\"result\":{}}")
        .contains("\"id\":7,\"error\":{\"code\":-32601");
    assertThat(heard.messages).anySatisfy(m -> assertThat(m).contains("roots/list"));
  }

  @Test
  void takesAnOlderVersionThatTheServerOffersOrInsistsOn() {
    assertThat(rig.connect(Rig.java("version=2024-11-05"), heard).info().protocolVersion())
        .isEqualTo("2024-11-05");
    assertThat(rig.connect(Rig.java("only=2025-03-26"), heard).info().protocolVersion())
        .isEqualTo("2025-03-26");
  }

  @Test
  void worksWithAServerThatHasNoSessions() throws Exception {
    UpstreamClient client = rig.connect(Rig.java("no-initialize"), heard);
    assertThat(client.info().protocolVersion()).isEmpty();
    assertThat(client.catalogue().tools()).hasSize(2);
    assertThat(Rig.call(client, "echo")).containsKey("echo");
  }

  @Test
  void refusesAVersionItDoesNotSpeakAndAListInCircles() {
    assertThatThrownBy(() -> rig.connect(Rig.java("version=1999-01-01"), heard))
        .isInstanceOf(StartFailure.class)
        .hasMessageContaining("1999-01-01");
    assertThatThrownBy(() -> rig.connect(Rig.java("cursor-loop"), heard))
        .isInstanceOf(StartFailure.class)
        .hasMessageContaining("circles");
    assertThat(rig.upstreams.gauges().children()).isZero();
    assertThat(heard.ends).isEmpty();
  }

  @Test
  void noticesAKilledChildWithinASecondAndFailsItsCalls() throws Exception {
    UpstreamClient client = rig.connect(Rig.java(), heard);
    CompletableFuture<JsonObject> call = client.callTool("never", Rig.json("{}"), Rig.SOON);
    ProcessHandle.of(client.pid().getAsLong()).orElseThrow().destroyForcibly();
    await().atMost(Duration.ofSeconds(1)).until(() -> !heard.ends.isEmpty());
    assertThat(heard.ends).containsExactly("ended by SIGKILL (exit code 137)");
    assertThat(heard.exitCode.get(1, TimeUnit.SECONDS)).contains(137);
    assertThat(failure(call).kind()).isEqualTo(UpstreamException.Kind.DISCONNECTED);
    assertThat(failure(client, "echo")).hasMessageContaining("SIGKILL");
    assertThat(client.isOpen()).isFalse();
    await().atMost(Rig.SOON).until(() -> rig.upstreams.gauges().connections() == 0);
  }

  @Test
  void deliversTheLastAnswerAndTheLastWordsBeforeTheEnd() throws Exception {
    UpstreamClient client = rig.connect(Rig.java(), heard);
    assertThat(Rig.call(client, "answer-and-exit")).containsKey("last");
    await().atMost(Rig.SOON).until(() -> !heard.ends.isEmpty());
    assertThat(heard.ends).containsExactly("exited with code 4");
    assertThat(heard.text("stderr")).contains("last words");
  }

  @Test
  void tellsTheEndOnceWhenClosedAndKeepsTheReason() {
    UpstreamClient client = rig.connect(Rig.java(), heard);
    client.close();
    client.close();
    assertThat(heard.ends).containsExactly("closed by the hub");
    assertThat(rig.upstreams.gauges().children()).isZero();
  }

  @Test
  void failsCallsToAChildThatDoesNotReadInsteadOfHanging() throws Exception {
    UpstreamClient client = rig.connect(Rig.java(), heard);
    long pid = client.pid().getAsLong();
    new ProcessBuilder("kill", "-STOP", Long.toString(pid)).start().waitFor();
    String ballast = "x".repeat(1 << 20);
    JsonObject arguments = Rig.json("{\"b\":\"" + ballast + "\"}");
    UpstreamException refused = null;
    for (int i = 0; i < 64 && refused == null; i++) {
      CompletableFuture<JsonObject> call =
          client.callTool("echo", arguments, Duration.ofSeconds(30));
      if (call.isCompletedExceptionally()
          || (i > 40 && rig.upstreams.gauges().messagesQueued() > 0)) {
        refused = failure(call);
      }
    }
    assertThat(refused).isNotNull();
    assertThat(refused.kind()).isEqualTo(UpstreamException.Kind.BUSY);
    assertThat(refused).hasMessageContaining("does not read");
    client.close();
    assertThat(ProcessHandle.of(pid).filter(ProcessTable::living)).isEmpty();
  }

  @Test
  void givesTheChildACleanEnvironmentItsOwnVariablesAndItsDirectory() throws Exception {
    Transport transport =
        new Transport.Stdio(
            Rig.JAVA,
            StdioTestServer.args(),
            Map.of("MY_OWN", "1"),
            Optional.of(Path.of("src").toAbsolutePath().toString()));
    UpstreamClient client = rig.connect(Rig.definition(transport), heard);
    JsonObject result = Rig.call(client, "environment");
    assertThat(result.getString("cwd")).endsWith("/src");
    List<String> names =
        result.getJsonArray("names").getValuesAs(jakarta.json.JsonString::getString);
    assertThat(names).contains("MY_OWN", "PATH", "SLUICE_CHILD");
    assertThat(
            ChildEnvironment.of(
                Map.of(
                    "DB_PASSWORD",
                    "x",
                    "JAVA_TOOL_OPTIONS",
                    "y",
                    "npm_config__authToken",
                    "z",
                    "npm_config_registry",
                    "r",
                    "PATH",
                    "p"),
                Map.of("A", "b"),
                "m"))
        .containsOnly(
            Map.entry("npm_config_registry", "r"),
            Map.entry("PATH", "p"),
            Map.entry("A", "b"),
            Map.entry("SLUICE_CHILD", "m"));
  }

  @Test
  void keepsTheNewestLinesWithinBoundsAndMasksSecrets() throws Exception {
    Transport transport =
        new Transport.Stdio(
            Rig.JAVA, StdioTestServer.args(), Map.of("MY_TOKEN", "hush-hush"), Optional.empty());
    UpstreamClient client = rig.connect(Rig.definition(transport), heard);
    Rig.call(client, "stderr");
    LogRing ring = rig.upstreams.log(Rig.definition(transport).id());
    await().atMost(Rig.SOON).until(() -> ring.newest() >= 3_001);
    List<LogLine> lines = ring.since(0, 10_000);
    assertThat(lines).hasSize(LogRing.MAX_LINES);
    assertThat(ring.bytes()).isLessThanOrEqualTo(LogRing.MAX_BYTES);
    assertThat(lines.get(0).seq()).isEqualTo(ring.oldest());
    assertThat(lines.get(0).level()).isEqualTo("warning");
    assertThat(lines).extracting(LogLine::text).noneMatch(text -> text.contains("hush-hush"));
    assertThat(lines.get(0).text()).endsWith(" ***");
    LogLine last = lines.get(lines.size() - 1);
    assertThat(last.text()).hasSizeLessThanOrEqualTo(LogRing.MAX_LINE_BYTES).contains("cut");
    assertThat(ring.since(last.seq() - 1, 10)).containsExactly(last);
    client.close();
    UpstreamClient again = rig.connect(Rig.definition(transport), heard);
    Rig.call(again, "stderr");
    await().atMost(Rig.SOON).until(() -> ring.newest() >= 6_002);
  }

  @Test
  void endsAChildOverItsMemoryBudget() throws Exception {
    UpstreamClient client =
        rig.connect(
            Rig.definition(
                Rig.java().transport(), Rig.SOON, new Budget(100L << 20, 0, Duration.ZERO)),
            heard);
    Rig.call(client, "memory");
    await().atMost(Rig.SOON).until(() -> !heard.ends.isEmpty());
    assertThat(heard.ends.get(0)).startsWith("budget: ").contains("memory");
  }

  @Test
  void failsAStartWithExitCodeLastWordsAndHint() {
    StartFailure failure =
        catchThrowableOfType(
            StartFailure.class,
            () ->
                rig.connect(
                    Rig.java(
                        "stderr=Error: listen EADDRINUSE: address already in use :::3000",
                        "exit=3"),
                    heard));
    assertThat(failure).hasMessage("exited with code 3 before it was ready");
    assertThat(failure.exitCode()).contains(3);
    assertThat(failure.stderr())
        .containsExactly("Error: listen EADDRINUSE: address already in use :::3000");
    assertThat(failure.suggestion()).contains("port");
    assertThat(heard.ends).isEmpty();
  }

  @Test
  void failsTheStartOfAServerThatNeverAnswersAndEndsIt() {
    StartFailure failure =
        catchThrowableOfType(
            StartFailure.class,
            () ->
                rig.connect(
                    Rig.definition(
                        Rig.java("silent").transport(), Duration.ofMillis(800), Budget.UNLIMITED),
                    heard));
    assertThat(failure).hasMessageContaining("no answer to initialize");
    assertThat(failure.suggestion()).contains("startTimeoutSeconds");
    assertThat(rig.upstreams.gauges().children()).isZero();
  }

  @Test
  void namesWhatIsWrongWithACommandBeforeItRunsAnything() {
    assertThat(
            start(new Transport.Stdio("no-such-command-x", List.of(), Map.of(), Optional.empty())))
        .hasMessageContaining("command not found")
        .hasMessageContaining("PATH");
    assertThat(start(new Transport.Stdio("./nope", List.of(), Map.of(), Optional.empty())))
        .hasMessageContaining("command not found");
    assertThat(start(new Transport.Stdio("./pom.xml", List.of(), Map.of(), Optional.empty())))
        .hasMessageContaining("permission denied");
    assertThat(start(new Transport.Stdio("sh", List.of(), Map.of(), Optional.of("/no/such/dir"))))
        .hasMessageContaining("working directory");
    assertThat(
            start(new Transport.Stdio("npx", List.of(), Map.of("PATH", "/none"), Optional.empty()))
                .suggestion())
        .contains("Node.js");
  }

  private StartFailure start(Transport transport) {
    return catchThrowableOfType(
        StartFailure.class, () -> rig.connect(Rig.definition(transport), heard));
  }

  @Test
  void givesAChildItsGraceWhenItsStartIsInterrupted(@TempDir Path directory) throws Exception {
    Path ready = directory.resolve("ready");
    Path end = directory.resolve("end");
    String script = ": >'" + ready + "'; cat >/dev/null; sleep 0.3; : >'" + end + "'";
    CompletableFuture<Throwable> failed = new CompletableFuture<>();
    Thread starter =
        new Thread(
            () -> {
              try {
                rig.connect(Rig.shell(script), heard);
              } catch (StartFailure failure) {
                failed.complete(failure);
              }
            });
    starter.start();
    await().atMost(Rig.SOON).until(() -> Files.exists(ready));
    starter.interrupt();
    assertThat(failed.get(20, TimeUnit.SECONDS)).hasMessageContaining("interrupted");
    assertThat(end).exists();
    assertThat(rig.upstreams.gauges().children()).isZero();
  }

  @Test
  void startsNothingAfterItsEnd() {
    rig.upstreams.close();
    StartFailure failure =
        catchThrowableOfType(StartFailure.class, () -> rig.connect(Rig.java(), heard));
    assertThat(failure).hasMessageContaining("shutting down");
    assertThat(rig.upstreams.gauges().connections()).isZero();
  }

  @Test
  void endsAChildThatOpensAfterItsClientWasClosed(@TempDir Path directory) {
    Path ran = directory.resolve("ran");
    Supervisor supervisor =
        new Supervisor(
            Thread::new,
            new ChildProcess.Patience(
                Duration.ofSeconds(1), Duration.ofSeconds(1), Duration.ofSeconds(2)));
    ServerDefinition definition = Rig.shell(": >'" + ran + "'; exec cat >/dev/null");
    ScheduledExecutorService timer = Executors.newSingleThreadScheduledExecutor();
    try {
      UpstreamClient client =
          new UpstreamClient(
              definition,
              new StdioConnection(
                  definition.id(), (Transport.Stdio) definition.transport(), supervisor),
              heard,
              new LogRing(),
              rig.work,
              rig.work,
              timer);
      client.close();
      assertThatThrownBy(client::start).isInstanceOf(StartFailure.class);
      assertThat(supervisor.children()).isEmpty();
    } finally {
      timer.shutdownNow();
    }
  }

  @Test
  void tellsTheEndOfAnAgedChildApartFromACrash() throws Exception {
    rig.connect(
        Rig.definition(Rig.java().transport(), Rig.SOON, new Budget(0, 0, Duration.ofSeconds(1))),
        heard);
    await().atMost(Rig.SOON).until(() -> !heard.ends.isEmpty());
    assertThat(heard.ends).containsExactly("budget: age over 1 s");
    assertThat(heard.ends.get(0)).startsWith(UpstreamListener.AGED);
    assertThat(heard.exitCode.get(1, TimeUnit.SECONDS)).isEmpty();
  }
}
