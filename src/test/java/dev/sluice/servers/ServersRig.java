package dev.sluice.servers;

import dev.sluice.events.DomainEvent;
import dev.sluice.events.EventId;
import dev.sluice.events.RecordedEvent;
import dev.sluice.servers.upstream.RealUpstreams;
import dev.sluice.servers.upstream.Upstreams;
import jakarta.json.Json;
import jakarta.json.JsonObject;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.time.Instant;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.ScheduledFuture;
import java.util.concurrent.ScheduledThreadPoolExecutor;
import java.util.concurrent.TimeUnit;
import java.util.function.Consumer;

/** A registry with real child processes and a list of what it published. */
final class ServersRig implements AutoCloseable {

  static final String JAVA = Path.of(System.getProperty("java.home"), "bin", "java").toString();
  static final Path SAMPLE =
      Path.of("server-config", "samples", "SampleServer.java").toAbsolutePath();

  /** Sees each event where it is published, possibly under a lock. */
  volatile Consumer<DomainEvent> onPublish = e -> {};

  final List<DomainEvent> published = new CopyOnWriteArrayList<>();
  private final ExecutorService reactions = Executors.newSingleThreadExecutor();
  final ExecutorService work = Executors.newFixedThreadPool(24);

  /** Runs whenever something is scheduled, before it is, on the thread that does it. */
  volatile Runnable beforeSchedule = () -> {};

  final ScheduledExecutorService timer =
      new ScheduledThreadPoolExecutor(2) {
        @Override
        public ScheduledFuture<?> schedule(Runnable task, long delay, TimeUnit unit) {
          beforeSchedule.run();
          return super.schedule(task, delay, unit);
        }
      };
  final Upstreams upstreams = RealUpstreams.open(work);
  final Supervision supervision =
      new Supervision(
          upstreams,
          e -> {
            synchronized (published) {
              published.add(e);
              EventId id = new EventId("t", published.size());
              reactions.execute(() -> react(new RecordedEvent(id, Instant.now(), e)));
              onPublish.accept(e);
              return id;
            }
          },
          work,
          timer,
          new Backoff(() -> 0.5));
  final Servers servers = new Servers(supervision);
  final Groups groups = new Groups(servers, supervision);

  private void react(RecordedEvent recorded) {
    servers.on(recorded);
    groups.on(recorded);
  }

  /** Registers one server, written as in a servers file. */
  McpServer add(String id, String json) throws InvalidDefinition {
    return servers.add(read(id, json), "api");
  }

  static DefinitionReader.Read read(String id, String json) throws InvalidDefinition {
    return ServersDocument.parse(
            ("{\"mcpServers\":{\"" + id + "\":" + json + "}}").getBytes(StandardCharsets.UTF_8),
            new DefinitionReader(Variables.NONE, Optional.empty()))
        .servers()
        .get(new ServerId(id));
  }

  /** The sample server with further keys of its definition. */
  static String sample(String... keys) {
    return definition(JAVA, "[\"-XX:TieredStopAtLevel=1\",\"" + SAMPLE + "\"]", keys);
  }

  /** A shell script as a server. */
  static String shell(String script, String... keys) {
    return definition(
        "sh", Json.createArrayBuilder().add("-c").add(script).build().toString(), keys);
  }

  /** A script that becomes the sample server if the file is there and fails otherwise. */
  static String sampleIf(Path file, String... keys) {
    return shell(
        "test -f '"
            + file
            + "' || { echo 'no such luck' >&2; exit 3; }; exec '"
            + JAVA
            + "' -XX:TieredStopAtLevel=1 '"
            + SAMPLE
            + "'",
        keys);
  }

  private static String definition(String command, String args, String... keys) {
    return "{\"command\":\""
        + command
        + "\",\"args\":"
        + args
        + (keys.length == 0 ? "" : "," + String.join(",", keys))
        + "}";
  }

  JsonObject call(McpServer server, String tool, JsonObject arguments) throws Exception {
    return servers.call(server, tool, arguments).get(40, TimeUnit.SECONDS).json();
  }

  static JsonObject json(String text) {
    try (var reader = Json.createReader(new java.io.StringReader(text))) {
      return reader.readObject();
    }
  }

  /** The changes of state of a server, as {@code old>new}. */
  List<String> changes(String id) {
    return published.stream()
        .filter(DomainEvent.McpServerStateChanged.class::isInstance)
        .map(DomainEvent.McpServerStateChanged.class::cast)
        .filter(e -> e.mcpServerId().equals(id))
        .map(e -> e.oldState() + ">" + e.newState())
        .toList();
  }

  <T extends DomainEvent> List<T> of(Class<T> type) {
    return published.stream().filter(type::isInstance).map(type::cast).toList();
  }

  /** The types published, in order. */
  List<String> types() {
    return published.stream().map(DomainEvent::type).toList();
  }

  @Override
  public void close() {
    servers.shutdown().orTimeout(30, TimeUnit.SECONDS).join();
    upstreams.close();
    timer.shutdownNow();
    reactions.shutdown();
    work.shutdownNow();
  }
}
