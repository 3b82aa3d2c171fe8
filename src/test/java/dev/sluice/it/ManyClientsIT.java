package dev.sluice.it;

import static dev.sluice.it.StreamablePeer.call;
import static dev.sluice.it.StreamablePeer.text;
import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import jakarta.json.JsonObject;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.WebSocket;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.Callable;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Many clients of one server: what one does or leaves undone is no matter of the others. */
class ManyClientsIT extends RestTest {

  private static final String NAME = "it-many-clients";
  private static final int CLIENTS = 10;
  private static final Duration LOAD = Duration.ofSeconds(5);

  private final ExecutorService threads = Executors.newFixedThreadPool(CLIENTS);

  @AfterEach
  void end() {
    threads.shutdownNow();
  }

  private void register(String sharing, String... arguments) throws Exception {
    await("the children of the last test to be gone")
        .atMost(Duration.ofSeconds(30))
        .until(() -> children() == 0);
    List<String> all = new ArrayList<>(List.of(arguments));
    all.add(NAME);
    create(FeatureTestServer.definition(NAME, all.toArray(String[]::new)).add("sharing", sharing));
  }

  private static StreamablePeer peer() {
    return new StreamablePeer(HUB, NAME);
  }

  private static McpSocketPeer socket() throws Exception {
    return new McpSocketPeer(HUB, "/mcp/" + NAME + "/ws", "mcp");
  }

  private static String initialize() {
    return StreamablePeer.initialize("2025-11-25", "{}");
  }

  private <T> List<T> atOnce(Callable<T> task) throws Exception {
    List<Future<T>> running = new ArrayList<>();
    for (int i = 0; i < CLIENTS; i++) {
      running.add(threads.submit(task));
    }
    List<T> done = new ArrayList<>();
    for (Future<T> one : running) {
      done.add(one.get(60, TimeUnit.SECONDS));
    }
    return done;
  }

  private static long children() {
    return ProcessHandle.allProcesses()
        .filter(one -> List.of(one.info().arguments().orElse(new String[0])).contains(NAME))
        .count();
  }

  @Test
  void theyOpenASharedChildAtOnceAndItIsInitializedOnce() throws Exception {
    register("shared");
    List<StreamablePeer> peers = atOnce(() -> peer().open());
    assertThat(peers.stream().map(peer -> peer.session).distinct()).hasSize(CLIENTS);
    assertThat(children()).isEqualTo(1);
    List<String> methods = List.of(peers.get(0).ask("test_methods", "").split(","));
    assertThat(methods).startsWith("initialize", "notifications/initialized");
    assertThat(methods.stream().filter(one -> one.contains("initialize"))).hasSize(2);
  }

  @Test
  void aChildThatCouldNotBeInitializedIsTriedAgainForTheNext(@TempDir Path directory)
      throws Exception {
    register("shared", "fails-once=" + directory.resolve("failed"));
    try (McpSocketPeer first = socket()) {
      JsonObject answer = first.send(initialize()).next();
      assertThat(answer.getJsonObject("error").getInt("code")).isEqualTo(-32603);
    }
    assertThat(peer().open().ask("test_echo", "the second")).isEqualTo("the second");
  }

  @Test
  void theFirstThatLeavesWhileTheChildIsOpenedTakesNobodyWithIt() throws Exception {
    register("shared", "slow-start");
    McpSocketPeer first = socket().send(initialize());
    await().atMost(Duration.ofSeconds(20)).until(() -> children() == 1);
    try (McpSocketPeer second = socket()) {
      second.send(initialize());
      first.close();
      assertThat(second.next().getJsonObject("result").getString("protocolVersion"))
          .isEqualTo("2025-11-25");
      assertThat(text(second.send(call("1", "test_echo", "here")).next())).isEqualTo("here");
    }
  }

  @Test
  void theyComeAndGoForSecondsAndNoneMeetsAnError() throws Exception {
    register("shared");
    try (McpSocketPeer stays = socket()) {
      stays.send(initialize()).next();
      long end = System.nanoTime() + LOAD.toNanos();
      AtomicInteger visits = new AtomicInteger();
      List<Integer> each =
          atOnce(
              () -> {
                int own = 0;
                while (System.nanoTime() < end) {
                  String words = "visit " + visits.incrementAndGet();
                  if (own++ % 2 == 0) {
                    StreamablePeer peer = peer().open();
                    assertThat(peer.ask("test_echo", words)).isEqualTo(words);
                    assertThat(peer.send("DELETE").statusCode()).isIn(200, 204);
                  } else {
                    try (McpSocketPeer peer = socket()) {
                      peer.send(initialize()).next();
                      JsonObject answer = peer.send(call("1", "test_echo", words)).next();
                      assertThat(text(answer)).isEqualTo(words);
                    }
                  }
                }
                return own;
              });
      assertThat(each).allMatch(own -> own > 2);
      stays.send(call("1", "test_echo", "still here"));
      assertThat(text(stays.next())).isEqualTo("still here");
    }
    await().atMost(Duration.ofSeconds(20)).until(() -> children() == 0);
  }

  /** Takes nothing from its socket. */
  private static final class Deaf implements WebSocket.Listener {
    @Override
    public void onOpen(WebSocket socket) {
      // asks for no message
    }
  }

  @Test
  void oneThatReadsNothingIsLetGoAndDelaysNobody() throws Exception {
    register("isolated");
    String large = "x".repeat(1 << 20);
    WebSocket deaf =
        HttpClient.newBuilder()
            .version(HttpClient.Version.HTTP_1_1)
            .build()
            .newWebSocketBuilder()
            .buildAsync(
                URI.create("ws://localhost:" + HUB.getPort() + "/mcp/" + NAME + "/ws"), new Deaf())
            .get(20, TimeUnit.SECONDS);
    try (McpSocketPeer other = socket()) {
      other.send(initialize()).next();
      deaf.sendText(initialize(), true).join();
      await().atMost(Duration.ofSeconds(20)).until(() -> children() == 2);
      // its socket and the hub hold a few of them, then it is too slow
      for (int i = 1; i <= 60 && children() == 2; i++) {
        deaf.sendText(call(Integer.toString(i), "test_echo", large), true)
            .orTimeout(20, TimeUnit.SECONDS)
            .exceptionally(closed -> deaf)
            .join();
        long begin = System.nanoTime();
        other.send(call("1", "test_echo", "quick"));
        assertThat(text(other.next())).isEqualTo("quick");
        assertThat(Duration.ofNanos(System.nanoTime() - begin)).isLessThan(Duration.ofSeconds(5));
      }
      await().atMost(Duration.ofSeconds(20)).until(() -> children() == 1);
      assertThat(text(other.send(call("2", "test_echo", "alone")).next())).isEqualTo("alone");
    } finally {
      deaf.abort();
    }
  }
}
