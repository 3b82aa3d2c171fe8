package dev.sluice.it;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import jakarta.json.Json;
import jakarta.json.JsonObject;
import jakarta.json.JsonObjectBuilder;
import java.io.IOException;
import java.net.Socket;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;

/**
 * Two thousand sessions over all transports are dropped in every rude way; then the hub holds what
 * it held before. The bounds are such that one session in a hundred that leaves something behind
 * breaks them. Every tenth session has a child of its own, which is a shell: 2 000 real servers
 * would measure the machine.
 */
class RudeClientsIT {

  private static final int SESSIONS = 2_000;
  private static final int WARM_UP = 360;

  /** One per cent of the sessions would leave 20. */
  private static final int BOUND = 15;

  /** Answers {@code initialize}, the id of which is 1 here, and nothing else. */
  private static final String CHILD =
      "while IFS= read -r line; do case \"$line\" in *'\"initialize\"'*) echo '{\"jsonrpc\":"
          + "\"2.0\",\"id\":1,\"result\":{\"protocolVersion\":\"2025-11-25\",\"capabilities\":"
          + "{\"tools\":{}},\"serverInfo\":{\"name\":\"sh\",\"version\":\"1\"}}}';; esac; done";

  private static final Path WORK = Path.of(System.getProperty("sluice.test.dir"), "rude");
  private static final List<String> SERVERS = List.of("shared", "http", "shared", "sse", "ws");

  private static RawEchoSockets sockets;
  private static HubProcess hub;
  private static Footprint.Gauge gauge;

  @BeforeAll
  static void start() throws Exception {
    Files.createDirectories(WORK);
    sockets = new RawEchoSockets();
    JsonObject servers =
        Json.createObjectBuilder()
            .add("shared", child().add("sharing", "shared"))
            .add("isolated", child().add("sharing", "isolated"))
            .add("http", remote("http"))
            .add("sse", remote("sse"))
            .add("ws", remote("ws"))
            .build();
    Path file =
        Files.writeString(
            WORK.resolve("mcp.json"),
            Json.createObjectBuilder().add("mcpServers", servers).build().toString());
    hub =
        HubProcess.start(
            WORK,
            Map.of(
                "sluice.servers.file",
                file.toString(),
                "sluice.relay.session.idle.seconds",
                "10",
                "sluice.events.retention.count",
                "200"));
    gauge = new Footprint.Gauge(hub.handle());
  }

  @AfterAll
  static void stop() throws Exception {
    gauge.close();
    hub.close();
    sockets.close();
  }

  private static JsonObjectBuilder limits(JsonObjectBuilder definition) {
    return definition
        .add("callTimeoutSeconds", 5)
        .add("maxConcurrentCalls", 1_024)
        .add("circuitBreaker", Json.createObjectBuilder().add("resetTimeoutSeconds", 1));
  }

  private static JsonObjectBuilder child() {
    return limits(Json.createObjectBuilder())
        .add("command", "/bin/sh")
        .add("args", Json.createArrayBuilder().add("-c").add(CHILD));
  }

  private static JsonObjectBuilder remote(String kind) {
    return limits(Json.createObjectBuilder()).add("type", kind).add("url", sockets.url(kind));
  }

  /** Opens and drops sessions, twenty at a time. */
  private static void drop(int sessions) throws Exception {
    Set<Socket> kept = ConcurrentHashMap.newKeySet();
    ExecutorService threads = Executors.newFixedThreadPool(20);
    try {
      List<Future<?>> running = new ArrayList<>();
      RudeClient.Way[] ways = RudeClient.Way.values();
      for (int i = 0; i < sessions; i++) {
        // By turns, so that each way meets each server: 18 ways and 10 places have no common turn
        // before 90.
        RudeClient.Way way = ways[(i + i / 90) % ways.length];
        String server = i % 10 == 0 ? "isolated" : SERVERS.get(i % SERVERS.size());
        RudeClient client = new RudeClient(hub.base(), server, kept);
        running.add(
            threads.submit(
                () -> {
                  try {
                    client.run(way);
                  } catch (IOException failed) {
                    throw new AssertionError(way + " with " + server, failed);
                  }
                  return null;
                }));
      }
      for (Future<?> one : running) {
        one.get(2, TimeUnit.MINUTES);
      }
    } finally {
      threads.shutdownNow();
      for (Socket socket : kept) {
        RudeClient.reset(socket);
      }
    }
  }

  private static boolean isQuiet() {
    return hub.handle().descendants().findAny().isEmpty()
        && sockets.sessions() == 0
        && sockets.connections() == 0;
  }

  @Test
  void twoThousandSessionsDroppedInEveryRudeWayLeaveNothingBehind() throws Exception {
    drop(WARM_UP);
    await().atMost(Duration.ofSeconds(60)).until(RudeClientsIT::isQuiet);
    Footprint before = gauge.read();
    drop(SESSIONS);
    await()
        .alias("processes and upstream sessions")
        .atMost(Duration.ofSeconds(60))
        .until(RudeClientsIT::isQuiet);
    await()
        .atMost(Duration.ofSeconds(60))
        .pollInterval(Duration.ofSeconds(3))
        .untilAsserted(() -> assertIsBack(before, gauge.read()));
    assertThat(hub.isReady()).isTrue();
  }

  private static void assertIsBack(Footprint before, Footprint after) {
    assertThat(after.processes).as("processes").isEqualTo(before.processes);
    assertThat(after.descriptors).as("descriptors").isLessThanOrEqualTo(before.descriptors + BOUND);
    assertThat(Footprint.grown(before.threads, after.threads, BOUND)).as("threads").isEmpty();
    Map<String, Long> objects = Footprint.grown(before.objects, after.objects, BOUND);
    objects.keySet().removeIf(name -> !name.startsWith("dev.sluice."));
    assertThat(objects).as("objects of %s bytes", after.heap).isEmpty();
    assertThat(after.heap).as("heap").isLessThan(before.heap + (2 << 20));
  }
}
