package dev.sluice.bench;

import java.io.IOException;
import java.lang.System.Logger;
import java.lang.System.Logger.Level;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;

/**
 * One run on one server: {@code Bench <payara|wildfly> <war> <payara-micro.jar> <WildFly home>
 * <work directory> <performance.md> <quick: true|false>}; system property {@code sluice.bench.jvm}
 * adds options to the server's, {@code sluice.bench.only} keeps only the parts whose names it
 * lists; {@code events} and {@code relay} are all parts of the event stream and of the relay. Of
 * the relay, {@code sluice.bench.seconds} is the time of one cell, and {@code sluice.bench.cells}
 * an expression that finds the cells to measure.
 */
public final class Bench {

  static final Logger LOG = System.getLogger("sluice.bench");

  private final String server;
  private final String[] args;
  private final Path work;
  private final boolean quick;
  private final Path document;
  private final String only = System.getProperty("sluice.bench.only", "");
  private final String jvm = System.getProperty("sluice.bench.jvm", "");

  private Bench(String[] args) {
    this.server = args[0];
    this.args = args;
    work = Path.of(args[5]);
    quick = !args[7].equals("false");
    document = quick ? work.resolve("smoke-performance.md") : Path.of(args[6]);
  }

  /** Runs all parts and writes the server's sections; ends with 1 when a measure was impossible. */
  public static void main(String[] args) throws Exception {
    if (!args[0].equals("payara") && !args[0].equals("wildfly")) {
      throw new IllegalArgumentException(
          "sluice.bench.server must be payara or wildfly, was " + args[0]);
    }
    Bench bench = new Bench(args);
    bench.events();
    bench.relay();
  }

  private ServerProcess start(String options) throws IOException, InterruptedException {
    ServerProcess process =
        ServerProcess.start(
            server,
            Path.of(args[1]),
            Path.of(server.equals("payara") ? args[2] : args[3]),
            Path.of(args[4]),
            work,
            options);
    LOG.log(Level.INFO, "{0} runs on port {1}", server, Integer.toString(process.port()));
    return process;
  }

  private void events() throws IOException, InterruptedException {
    if (!any("events", List.of("ws", "sse", "publish", "stalled", "replay", "idle"))) {
      return;
    }
    Report report = new Report(server, quick);
    long start = System.nanoTime();
    try (ServerProcess process = start(jvm);
        Load load = new Load()) {
      Measures measures = new Measures(process, load, report, quick);
      run(
          "events",
          new Part("ws", () -> measures.throughput(true)),
          new Part("sse", () -> measures.throughput(false)),
          new Part("publish", measures::publishCost),
          new Part("stalled", measures::stalledReaders),
          new Part("replay", measures::replay),
          new Part("idle", measures::idleMemory));
    }
    report.took((System.nanoTime() - start) / 1e9);
    if (isWhole("events")) {
      report.write(document);
      LOG.log(Level.INFO, "written: {0}", document);
    }
  }

  private void relay() throws IOException, InterruptedException {
    if (!any("relay", List.of("calls", "slow", "large", "sessions"))) {
      return;
    }
    String asked = System.getProperty("sluice.bench.seconds", "");
    double seconds = asked.isEmpty() ? quick ? 1 : 5 : Double.parseDouble(asked);
    String cells = System.getProperty("sluice.bench.cells", "");
    RelayReport report = new RelayReport(server.equals("wildfly"));
    Files.createDirectories(work);
    Optional<Peers> peers =
        quick
            ? Optional.empty()
            : Peers.install(Path.of(System.getProperty("sluice.bench.peers")), work);
    long start = System.nanoTime();
    try (EchoProcess echo = EchoProcess.start("http")) {
      int direct = echo.port();
      Path servers = work.toAbsolutePath().resolve("mcp.json");
      Files.writeString(servers, RelayMeasures.servers(direct));
      try (ServerProcess hub = start("-Dsluice.servers.file=" + servers + " " + jvm);
          McpLoad load = new McpLoad()) {
        RelayMeasures measures =
            new RelayMeasures(hub, load, report, quick, seconds, cells, direct, peers);
        run(
            "relay",
            new Part("calls", measures::calls),
            new Part("slow", measures::slow),
            new Part("large", measures::large),
            new Part("sessions", measures::idleSessions));
      }
    }
    String section = report.section(Report.machine(quick, (System.nanoTime() - start) / 1e9));
    if (isWhole("relay") && cells.isEmpty()) {
      Report.write(document, server + "-relay", section);
      LOG.log(Level.INFO, "written: {0}", document);
    }
  }

  private List<String> names() {
    return List.of(only.split(","));
  }

  /** Whether all parts of this group are run. */
  private boolean isWhole(String group) {
    return only.isEmpty() || names().contains(group);
  }

  private boolean any(String group, List<String> parts) {
    return isWhole(group) || parts.stream().anyMatch(names()::contains);
  }

  private void run(String group, Part... parts) throws IOException, InterruptedException {
    for (Part part : parts) {
      if (isWhole(group) || names().contains(part.name)) {
        part.run.run();
      }
    }
  }

  private record Part(String name, Run run) {}

  private interface Run {
    void run() throws IOException, InterruptedException;
  }
}
