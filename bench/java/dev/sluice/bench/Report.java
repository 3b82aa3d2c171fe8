package dev.sluice.bench;

import java.io.IOException;
import java.lang.System.Logger.Level;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.LocalDate;
import java.time.ZoneOffset;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;

/** Collects the figures of one server and writes them between its markers. */
final class Report {

  private static final String HEAD =
      """
      # Performance

      Written by the load program in `bench/`; no figure here is typed by hand. Run it again:

      ```
      ./mvnw -Pbench -Dsluice.bench.server=payara
      ./mvnw -Pbench -Dsluice.bench.server=wildfly
      ```

      `-Dsluice.bench.quick` makes it a smoke of under a minute that writes to `target/bench`.

      "Bare" is an endpoint in the same server and the same run that only sends a prepared string as
      long as one of ours: one in flight per client, one thread per processor, no ids, no filters, no
      bounds, no accounting. "Ours" is `/api/ws/events` and `/api/events` as shipped. The client runs
      on the same processors. Throughput is the median of rounds in alternating order; each round
      ends when every client has every message.
      """;

  private final String server;
  private final boolean quick;
  private final List<String> throughput = new ArrayList<>();
  private final List<String> lines = new ArrayList<>();
  private double seconds;

  Report(String server, boolean quick) {
    this.server = server;
    this.quick = quick;
  }

  void progress(String line) {
    Bench.LOG.log(Level.INFO, line.replace("{", "'{'"));
  }

  void took(double seconds) {
    this.seconds = seconds;
  }

  void throughput(
      boolean webSocket, int clients, int length, double bare, double ours, int rounds) {
    add(
        throughput,
        "| %s | %d | %d | %,.0f | %,.0f | %.2f | %d |",
        name(webSocket),
        clients,
        length,
        bare,
        ours,
        ours / bare,
        rounds);
  }

  void publishCost(String clock, double alone, double crowded, int subscribers) {
    add(
        lines,
        "- Publishing one event, median of %s: %,.1f µs without subscribers, %,.1f µs with %,d (%+.0f %%).",
        clock,
        alone / 1e3,
        crowded / 1e3,
        subscribers,
        (crowded / alone - 1) * 100);
  }

  /** The p99 of each round; their spread tells how much of a difference is the machine's. */
  void stalled(
      boolean webSocket, int clients, double[] without, double[] with, Measures.Stalled sums) {
    add(
        lines,
        "- %s, %d readers of 3.3 KB events at 250/s: p99 %s ms with none stalled, %s ms for the"
            + " others with every tenth stalled (%+.0f %%; of rounds in turn, the median and in"
            + " brackets the range). The stalled ones afterwards: %,d published ="
            + " %,d delivered + %,d reported lost in %,d warnings (difference %d).",
        name(webSocket),
        clients,
        spread(without),
        spread(with),
        (Measures.median(with) / Measures.median(without) - 1) * 100,
        sums.published(),
        sums.delivered(),
        sums.reported(),
        sums.warnings(),
        sums.published() - sums.delivered() - sums.reported());
  }

  private static String spread(double[] rounds) {
    return String.format(
        Locale.ROOT,
        "%.2f (%.2f to %.2f)",
        Measures.median(rounds),
        Arrays.stream(rounds).min().orElse(0),
        Arrays.stream(rounds).max().orElse(0));
  }

  void replay(boolean webSocket, int count, double rate) {
    add(lines, "- %s, replay of %,d events to one reader: %,.0f/s.", name(webSocket), count, rate);
  }

  void idle(boolean webSocket, int count, long heap, long resident) {
    add(
        lines,
        "- %s, %,d idle connections: %,.1f KiB of heap each after a collection; the process grew by"
            + " %,.1f KiB each.",
        name(webSocket),
        count,
        heap / 1024.0,
        resident / 1024.0);
  }

  private void add(List<String> to, String format, Object... values) {
    String line = String.format(Locale.ROOT, format, values);
    to.add(line);
    progress(line);
  }

  private static String name(boolean webSocket) {
    return webSocket ? "WebSocket" : "SSE";
  }

  /** Replaces the server's section, or adds it. */
  void write(Path document) throws IOException {
    write(document, server, section());
  }

  /** Replaces the section between the markers of this name, or adds it. */
  static void write(Path document, String name, String section) throws IOException {
    String begin = "<!-- " + name + ":begin -->";
    String end = "<!-- " + name + ":end -->";
    String text = Files.exists(document) ? Files.readString(document) : HEAD;
    String marked = begin + "\n" + section + end;
    int from = text.indexOf(begin);
    int to = text.indexOf(end);
    text =
        from >= 0 && to > from
            ? text.substring(0, from) + marked + text.substring(to + end.length())
            : text + "\n" + marked + "\n";
    Files.createDirectories(document.toAbsolutePath().getParent());
    Files.writeString(document, text);
  }

  private String section() throws IOException {
    StringBuilder out = new StringBuilder();
    out.append("\n## ").append(server.equals("payara") ? "Payara Micro" : "WildFly").append("\n\n");
    out.append(machine(quick, seconds)).append("\n\n");
    out.append("| transport | subscribers | bytes | bare /s | ours /s | ratio | rounds |\n");
    out.append("|---|---|---|---|---|---|---|\n");
    throughput.forEach(line -> out.append(line).append('\n'));
    out.append('\n');
    lines.forEach(line -> out.append(line).append('\n'));
    return out.append('\n').toString();
  }

  /** Where and when it was measured, and how long that took. */
  static String machine(boolean quick, double seconds) throws IOException {
    String cpu =
        Files.readAllLines(Path.of("/proc/cpuinfo")).stream()
            .filter(line -> line.startsWith("model name"))
            .map(line -> line.substring(line.indexOf(':') + 1).trim())
            .findFirst()
            .orElse(System.getProperty("os.arch"));
    String memory =
        Files.readAllLines(Path.of("/proc/meminfo")).stream()
            .filter(line -> line.startsWith("MemTotal"))
            .map(line -> Long.parseLong(line.replaceAll("\\D", "")) / 1048576 + " GiB")
            .findFirst()
            .orElse("unknown memory");
    return String.format(
        Locale.ROOT,
        "%s%s: %d processors (%s), %s, %s %s, JDK %s, server with -Xmx1g; %.0f s.",
        quick ? "Smoke run, " : "",
        LocalDate.now(ZoneOffset.UTC),
        Runtime.getRuntime().availableProcessors(),
        cpu,
        memory,
        System.getProperty("os.name"),
        System.getProperty("os.version"),
        Runtime.version(),
        seconds);
  }
}
