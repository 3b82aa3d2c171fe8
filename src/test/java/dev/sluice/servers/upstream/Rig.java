package dev.sluice.servers.upstream;

import dev.sluice.servers.ServerDefinition;
import dev.sluice.servers.ServerDefinition.Budget;
import dev.sluice.servers.ServerDefinition.Transport;
import dev.sluice.servers.ServerId;
import jakarta.json.Json;
import jakarta.json.JsonObject;
import java.io.StringReader;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.TimeUnit;

/** Real connections for tests: everything the container would give, and a listener that notes. */
final class Rig implements AutoCloseable {

  static final String JAVA = Path.of(System.getProperty("java.home"), "bin", "java").toString();
  static final Duration SOON = Duration.ofSeconds(20);

  final ExecutorService work;
  final Upstreams upstreams;

  Rig() {
    this(
        new ChildProcess.Patience(
            Duration.ofMillis(1_000), Duration.ofMillis(700), Duration.ofSeconds(2)));
  }

  Rig(ChildProcess.Patience patience) {
    this(patience, 16, Posts.Limits.DEFAULT);
  }

  Rig(ChildProcess.Patience patience, int threads, Posts.Limits posts) {
    work =
        Executors.newFixedThreadPool(
            threads,
            task -> {
              Thread thread = new Thread(task, "work");
              thread.setDaemon(true);
              return thread;
            });
    upstreams = new Upstreams(work, Thread::new, patience, posts);
    upstreams.start();
  }

  /** What a listener heard. */
  static final class Heard implements UpstreamListener {
    final List<Catalogue> catalogues = new CopyOnWriteArrayList<>();
    final List<LogLine> lines = new CopyOnWriteArrayList<>();
    final List<String> messages = new CopyOnWriteArrayList<>();
    final List<String> ends = new CopyOnWriteArrayList<>();
    final CompletableFuture<Optional<Integer>> exitCode = new CompletableFuture<>();

    @Override
    public void catalogueChanged(Catalogue catalogue) {
      catalogues.add(catalogue);
    }

    @Override
    public void logLine(LogLine line) {
      lines.add(line);
    }

    @Override
    public boolean message(dev.sluice.jsonrpc.Envelope message) {
      messages.add(message.toString());
      return false;
    }

    @Override
    public void ended(String reason, Optional<Integer> code) {
      ends.add(reason);
      exitCode.complete(code);
    }

    List<String> text(String stream) {
      return lines.stream().filter(l -> l.stream().equals(stream)).map(LogLine::text).toList();
    }
  }

  static ServerDefinition definition(Transport transport, Duration startTimeout, Budget budget) {
    return new ServerDefinition(
        new ServerId("test"),
        transport,
        "",
        true,
        false,
        ServerDefinition.Sharing.AUTO,
        Duration.ZERO,
        Duration.ofMinutes(1),
        3,
        startTimeout,
        Duration.ofSeconds(30),
        budget);
  }

  static ServerDefinition definition(Transport transport) {
    return definition(transport, SOON, Budget.UNLIMITED);
  }

  static ServerDefinition java(String... flags) {
    return definition(
        new Transport.Stdio(JAVA, StdioTestServer.args(flags), Map.of(), Optional.empty()));
  }

  static ServerDefinition shell(String script) {
    return definition(
        new Transport.Stdio("sh", List.of("-c", script), Map.of(), Optional.empty()),
        Duration.ofSeconds(5),
        Budget.UNLIMITED);
  }

  UpstreamClient connect(ServerDefinition definition, Heard heard) {
    return upstreams.connect(definition, heard);
  }

  static JsonObject json(String text) {
    return Json.createReader(new StringReader(text)).readObject();
  }

  static JsonObject call(UpstreamClient client, String tool) throws Exception {
    return client.callTool(tool, json("{}"), SOON).get(SOON.toSeconds() + 5, TimeUnit.SECONDS);
  }

  @Override
  public void close() {
    upstreams.close();
    work.shutdownNow();
  }
}
