package dev.sluice.servers;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import dev.sluice.jsonrpc.Envelope;
import dev.sluice.rest.ApiException;
import dev.sluice.servers.upstream.UpstreamListener;
import dev.sluice.servers.upstream.UpstreamPipe;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Children that are started for clients: real ones, that fail, grow, and get old. */
class ChildStartsTest {

  private static final Duration SOON = Duration.ofSeconds(30);

  @TempDir private Path directory;
  private final ServersRig rig = new ServersRig();

  @AfterEach
  void close() {
    rig.close();
  }

  /** One client's side of a child. */
  private static final class Client implements UpstreamPipe.Receiver {
    final List<Envelope> messages = new CopyOnWriteArrayList<>();
    final List<String> ends = new CopyOnWriteArrayList<>();
    volatile int inFlight;

    @Override
    public void received(Envelope message) {
      messages.add(message);
    }

    @Override
    public int inFlight() {
      return inFlight;
    }

    @Override
    public void ended(String reason) {
      ends.add(reason);
    }
  }

  private Client connect(McpServer server) throws Exception {
    Client client = new Client();
    UpstreamPipe unused =
        new RelayedServer(server, rig.supervision).connect(client).get(30, TimeUnit.SECONDS);
    return client;
  }

  private ApiException refusal(McpServer server) throws Exception {
    try {
      connect(server);
    } catch (ExecutionException failed) {
      return (ApiException) failed.getCause();
    }
    throw new AssertionError("a child was started");
  }

  @Test
  void areRefusedWhileTheyBackOffAndLetInAfterwards() throws Exception {
    Path starts = directory.resolve("starts");
    McpServer server =
        rig.add(
            "brief",
            ServersRig.shell("echo x >> '" + starts + "'; exit 3", "\"maxConsecutiveFailures\":2"));
    for (int i = 0; i < 2; i++) {
      Client client = connect(server);
      await().atMost(SOON).until(() -> client.ends.equals(List.of("exited with code 3")));
    }
    ApiException refused = refusal(server);
    assertThat(refused.refusal().code()).isEqualTo("server_backing_off");
    assertThat(refused).hasMessageContaining("failed 2 times in a row; it may start again in ");
    assertThat(Files.readAllLines(starts)).hasSize(2);
    await() // min(60, 2^2) seconds later
        .atMost(SOON)
        .ignoreExceptions()
        .until(() -> connect(server) != null);
    await().atMost(SOON).until(() -> Files.readAllLines(starts).size() == 3);
  }

  @Test
  void areCountedApartFromTheHubsOwnChild() throws Exception {
    McpServer server = rig.add("gone", ServersRig.shell("exit 3", "\"maxConsecutiveFailures\":1"));
    Client client = connect(server);
    await().atMost(SOON).until(() -> !client.ends.isEmpty());
    assertThat(refusal(server)).hasMessageContaining("failed 1 times in a row");
    assertThat(server.view().state()).isEqualTo(ServerState.COLD);
    assertThat(server.view().consecutiveFailures()).isZero();
  }

  @Test
  void beginAnewWithAnotherDefinition() throws Exception {
    McpServer server =
        rig.add("mended", ServersRig.shell("exit 3", "\"maxConsecutiveFailures\":1"));
    Client client = connect(server);
    await().atMost(SOON).until(() -> !client.ends.isEmpty());
    assertThat(refusal(server).refusal().code()).isEqualTo("server_backing_off");
    rig.servers.replace(server, ServersRig.read("mended", ServersRig.shell("cat")), "api");
    assertThat(connect(server).ends).isEmpty();
  }

  @Test
  void areEndedWithTheReasonWhenTheyGrowTooManyProcesses() throws Exception {
    McpServer server =
        rig.add(
            "grown",
            ServersRig.shell("sleep 300 & sleep 300 & cat", "\"budget\":{\"maxProcesses\":2}"));
    Client client = connect(server);
    await().atMost(SOON).until(() -> !client.ends.isEmpty());
    assertThat(client.ends.get(0)).matches(UpstreamListener.BUDGET + "[34] processes of at most 2");
  }

  @Test
  void areTooOldOnlyWhenNothingWaitsAndThatIsNoFailure() throws Exception {
    McpServer server =
        rig.add(
            "aged",
            ServersRig.shell(
                "cat", "\"budget\":{\"maxAgeSeconds\":1}", "\"maxConsecutiveFailures\":1"));
    Client busy = connect(server);
    busy.inFlight = 1;
    Client idle = connect(server);
    await().atMost(SOON).until(() -> idle.ends.equals(List.of("budget: age over 1 s")));
    assertThat(busy.ends).isEmpty();
    busy.inFlight = 0;
    await().atMost(SOON).until(() -> busy.ends.equals(List.of("budget: age over 1 s")));
    assertThat(connect(server).ends).isEmpty();
  }
}
