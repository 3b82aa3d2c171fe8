package dev.sluice.bench;

import java.io.IOException;
import java.lang.System.Logger;
import java.lang.System.Logger.Level;
import java.nio.file.Path;
import java.util.List;

/**
 * One run on one server: {@code Bench <payara|wildfly> <war> <payara-micro.jar> <WildFly home>
 * <work directory> <performance.md> <quick: true|false>}; system property {@code sluice.bench.jvm}
 * adds options to the server's, {@code sluice.bench.only} keeps only the parts whose names it
 * lists.
 */
public final class Bench {

  static final Logger LOG = System.getLogger("sluice.bench");

  private Bench() {}

  /** Runs all parts and writes the server's section; ends with 1 when a measure was impossible. */
  public static void main(String[] args) throws Exception {
    String server = args[0];
    if (!server.equals("payara") && !server.equals("wildfly")) {
      throw new IllegalArgumentException(
          "sluice.bench.server must be payara or wildfly, was " + server);
    }
    Path work = Path.of(args[5]);
    boolean quick = !args[7].equals("false");
    Path document = quick ? work.resolve("smoke-performance.md") : Path.of(args[6]);
    String only = System.getProperty("sluice.bench.only", "");
    Report report = new Report(server, quick);
    long start = System.nanoTime();
    try (ServerProcess process =
            ServerProcess.start(
                server,
                Path.of(args[1]),
                Path.of(server.equals("payara") ? args[2] : args[3]),
                Path.of(args[4]),
                work,
                System.getProperty("sluice.bench.jvm", ""));
        Load load = new Load()) {
      LOG.log(Level.INFO, "{0} runs on port {1}", server, Integer.toString(process.port()));
      Measures measures = new Measures(process, load, report, quick);
      for (Part part : parts(measures)) {
        if (only.isEmpty() || List.of(only.split(",")).contains(part.name)) {
          part.run.run();
        }
      }
    }
    report.took((System.nanoTime() - start) / 1e9);
    if (only.isEmpty()) {
      report.write(document);
      LOG.log(Level.INFO, "written: {0}", document);
    }
  }

  private static List<Part> parts(Measures measures) {
    return List.of(
        new Part("ws", () -> measures.throughput(true)),
        new Part("sse", () -> measures.throughput(false)),
        new Part("publish", measures::publishCost),
        new Part("stalled", measures::stalledReaders),
        new Part("replay", measures::replay),
        new Part("idle", measures::idleMemory));
  }

  private record Part(String name, Run run) {}

  private interface Run {
    void run() throws IOException, InterruptedException;
  }
}
