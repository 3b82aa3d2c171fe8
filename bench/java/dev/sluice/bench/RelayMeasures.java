package dev.sluice.bench;

import dev.sluice.bench.McpClient.Target;
import dev.sluice.bench.McpClient.Transport;
import java.io.IOException;
import java.util.List;
import java.util.Locale;
import java.util.Optional;

/** What is measured of the relay; each method is one part of the report. */
final class RelayMeasures {

  /** Sessions whose children are the same, so that none has more calls in flight than it may. */
  private static final List<String> SLOW = List.of("slow-a", "slow-b");

  private final ServerProcess hub;
  private final McpLoad load;
  private final RelayReport report;
  private final boolean quick;
  private final double seconds;
  private final String cells;
  private final int direct;
  private final Optional<Peers> peers;

  /**
   * What it needs.
   *
   * @param cells only those whose name this expression finds; empty for all
   * @param direct port of the echo server that speaks HTTP
   */
  RelayMeasures(
      ServerProcess hub,
      McpLoad load,
      RelayReport report,
      boolean quick,
      double seconds,
      String cells,
      int direct,
      Optional<Peers> peers) {
    this.hub = hub;
    this.load = load;
    this.report = report;
    this.quick = quick;
    this.seconds = seconds;
    this.cells = cells;
    this.direct = direct;
    this.peers = peers;
  }

  /** The servers file of the hub that is measured. */
  static String servers(int direct) {
    StringBuilder file = new StringBuilder("{\"mcpServers\":{");
    for (String name : new String[] {"echo", "slow-a", "slow-b"}) {
      List<String> command = EchoProcess.command("stdio");
      file.append('"').append(name).append("\":{\"command\":\"").append(command.get(0));
      file.append("\",\"args\":[\"")
          .append(String.join("\",\"", command.subList(1, command.size())))
          .append("\"],\"maxConcurrentCalls\":1024},");
    }
    return file.append("\"echo-http\":{\"type\":\"http\",\"url\":\"http://127.0.0.1:")
        .append(direct)
        .append("/mcp\",\"maxConcurrentCalls\":1024}}}")
        .toString();
  }

  private Target hub(Transport transport, String server) {
    String below =
        switch (transport) {
          case STREAMABLE -> "";
          case SSE -> "/sse";
          case WEBSOCKET -> "/ws";
        };
    return new Target(transport, hub.port(), "/mcp/" + server + below);
  }

  private List<Integer> sessions() {
    return quick ? List.of(1, 8) : List.of(1, 8, 32, 128);
  }

  private boolean skips(String cell) {
    return !cells.isEmpty() && !java.util.regex.Pattern.compile(cells).matcher(cell).find();
  }

  /** One call after the other in each session: rate, times, what went wrong, processor time. */
  void calls() throws IOException, InterruptedException {
    directCalls();
    warmUp();
    for (Transport transport : Transport.values()) {
      for (String server : new String[] {"echo", "echo-http"}) {
        for (int count : sessions()) {
          String upstream = server.equals("echo") ? "stdio" : "HTTP";
          cell("Sluice", upstream, hub(transport, server), count, hub.pid(), seconds);
        }
      }
    }
    if (peers.isEmpty()) {
      report.noPeers(quick);
      return;
    }
    for (Peers.Mode mode : Peers.modes(sessions())) {
      if (skips(mode.name())) {
        continue;
      }
      try (Peers.Running running = peers.get().start(mode)) {
        if (!mode.name().endsWith("stateless")) { // that one only starts processes
          warmUp(running.target(), mode.childEach() ? 2 : 8, 5);
        }
        for (int count : mode.sessions()) {
          cell(mode.name(), "stdio", running.target(), count, running.process().pid(), seconds);
        }
      } catch (IOException failure) {
        report.failed(
            mode.name(), failure + (failure.getCause() == null ? "" : ", " + failure.getCause()));
      }
    }
  }

  private void directCalls() throws IOException {
    for (int count : sessions()) {
      if (skips("direct/stdio/" + count)) {
        continue;
      }
      try (EchoProcess echo = EchoProcess.start("stdio")) {
        echo.run("echo", count, quick ? 0.5 : 2);
        CallTally tally = echo.run("echo", count, seconds / 2);
        report.call(
            new RelayReport.Call("direct", "stdio", "stdio", count, tally, new Proc.Cpu(0, 0)));
      }
    }
    if (skips("direct/HTTP")) {
      return;
    }
    Target target = new Target(Transport.STREAMABLE, direct, "/mcp");
    warmUp(target, 32, quick ? 0.5 : 2);
    for (int count : sessions()) {
      List<McpClient> clients = load.open(target, count);
      CallTally tally = load.run(clients, "echo", seconds / 2, 0);
      load.close(clients);
      report.call(
          new RelayReport.Call(
              "direct", Transport.STREAMABLE.title, "HTTP", count, tally, new Proc.Cpu(0, 0)));
    }
  }

  /** Compiled code is what is measured: fifteen seconds of the hub's, and more. */
  private void warmUp() throws IOException {
    for (Transport transport : Transport.values()) {
      warmUp(hub(transport, "echo"), 32, quick ? 0.5 : 6);
      warmUp(hub(transport, "echo-http"), 32, quick ? 0.5 : 4);
    }
  }

  private void warmUp(Target target, int count, double time) throws IOException {
    List<McpClient> clients = load.open(target, count);
    CallTally tally = load.run(clients, "echo", time, 0);
    load.close(clients);
    report.progress(String.format(Locale.ROOT, "warm-up %s: %,.0f/s", target.path(), tally.rate()));
  }

  private void cell(String who, String upstream, Target target, int count, long pid, double time)
      throws IOException {
    String title = target.transport().title;
    if (skips(who + "/" + title + "/" + upstream + "/" + count)) {
      return;
    }
    List<McpClient> clients = load.open(target, count);
    try {
      Proc.Cpu before = Proc.cpu(pid);
      CallTally tally = load.run(clients, "echo", time, 0);
      Proc.Cpu used = Proc.cpu(pid).since(before);
      report.call(new RelayReport.Call(who, title, upstream, count, tally, used));
    } finally {
      load.close(clients);
    }
  }

  /** A tool that takes 500 ms, and as many calls of it at once as the ideal rate is twice. */
  void slow() throws IOException {
    int count = quick ? 100 : 2_000;
    double time = quick ? 2 : 6;
    double ideal = count / (EchoAnswers.SLEEP_MILLIS / 1e3);
    List<McpClient> alone = load.open(new Target(Transport.STREAMABLE, direct, "/mcp"), count);
    CallTally tally = load.run(alone, "sleep", time, 0.5);
    load.close(alone);
    report.slow("direct, HTTP", count, ideal, tally, 0);
    for (Transport transport : Transport.values()) {
      if (skips("slow/" + transport.title)) {
        continue;
      }
      List<McpClient> clients = new java.util.ArrayList<>();
      for (String server : SLOW) {
        clients.addAll(load.open(hub(transport, server), count / SLOW.size()));
      }
      // Once before, so that what is measured is compiled code.
      load.run(clients, "sleep", quick ? 0.5 : 3, 0.5);
      Most threads = new Most(hub.pid());
      threads.start();
      tally = load.run(clients, "sleep", time, 0.5);
      report.slow(transport.title, count, ideal, tally, threads.end());
      load.close(clients);
    }
  }

  /** The most threads that a process was seen to have. */
  private static final class Most extends Thread {
    private final long pid;
    private volatile boolean over;
    private volatile int most;

    Most(long pid) {
      this.pid = pid;
      setDaemon(true);
    }

    @Override
    public void run() {
      try {
        while (!over) {
          most = Math.max(most, Proc.threads(pid));
          Thread.sleep(100);
        }
      } catch (IOException | InterruptedException ended) {
        Bench.LOG.log(System.Logger.Level.DEBUG, "threads are not counted any more", ended);
      }
    }

    int end() {
      over = true;
      return most;
    }
  }

  /** Results of 1 MiB: what they take longer than without the hub, and what is allocated. */
  void large() throws IOException, InterruptedException {
    double time = quick ? 1 : seconds;
    double without;
    try (EchoProcess echo = EchoProcess.start("stdio")) {
      echo.run("large", 1, time / 2);
      CallTally tally = echo.run("large", 1, time / 2);
      without = tally.micros(0.5);
      report.large("direct, stdio", tally, without, -1);
    }
    for (Transport transport : Transport.values()) {
      if (skips("large/" + transport.title)) {
        continue;
      }
      List<McpClient> clients = load.open(hub(transport, "echo"), 1);
      load.run(clients, "large", time, 0);
      long before = allocated();
      CallTally tally = load.run(clients, "large", time, 0);
      long after = allocated();
      report.large(
          transport.title,
          tally,
          without,
          before < 0 || after < before ? -1 : (after - before) / (double) tally.answered);
      load.close(clients);
    }
    if (peers.isPresent()) {
      for (Peers.Mode mode : Peers.modes(List.of(1))) {
        if (mode.name().endsWith("stateless") || skips("large/" + mode.name())) {
          continue;
        }
        try (Peers.Running running = peers.get().start(mode)) {
          List<McpClient> clients = load.open(running.target(), 1);
          load.run(clients, "large", time / 2, 0);
          report.large(mode.name(), load.run(clients, "large", time / 2, 0), without, -1);
          load.close(clients);
        } catch (IOException failure) {
          report.failed(mode.name() + ", 1 MiB", String.valueOf(failure.getMessage()));
        }
      }
    }
  }

  private long allocated() throws IOException, InterruptedException {
    return Long.parseLong(hub.call("/bench/allocated").getOrDefault("allocated_bytes", "-1"));
  }

  /** Memory that a session takes that is open and does nothing. */
  void idleSessions() throws IOException, InterruptedException {
    int count = quick ? 100 : 1_000;
    for (Transport transport : Transport.values()) {
      if (skips("idle/" + transport.title)) {
        continue;
      }
      List<McpClient> stay = load.open(hub(transport, "echo"), 20); // its child is there
      double heap = heap();
      long resident = Proc.resident(hub.pid());
      List<McpClient> clients = load.open(hub(transport, "echo"), count);
      double heapEach = (heap() - heap) / (double) count;
      double residentEach = (Proc.resident(hub.pid()) - resident) / (double) count;
      report.idle("Sluice, " + transport.title, count, heapEach, residentEach);
      load.close(clients);
      load.close(stay);
    }
    if (peers.isPresent()) {
      for (Peers.Mode mode : Peers.modes(List.of(1))) {
        if (mode.childEach() || skips("idle/" + mode.name())) {
          continue;
        }
        try (Peers.Running running = peers.get().start(mode)) {
          List<McpClient> stay = load.open(running.target(), 20);
          long resident = Proc.resident(running.process().pid());
          List<McpClient> clients = load.open(running.target(), count);
          report.idle(
              mode.name(),
              count,
              -1,
              (Proc.resident(running.process().pid()) - resident) / (double) count);
          load.close(clients);
          load.close(stay);
        } catch (IOException failure) {
          report.failed(mode.name() + ", idle", String.valueOf(failure.getMessage()));
        }
      }
    }
  }

  private double heap() throws IOException, InterruptedException {
    return Double.parseDouble(hub.call("/bench/memory").getOrDefault("heap_bytes", "0"));
  }
}
