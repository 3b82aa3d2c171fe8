package dev.sluice.bench;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.LockSupport;
import java.util.stream.LongStream;

/** What is measured; each method is one part of the report. */
final class Measures {

  private static final String LANE = "queue_size=65536";

  /** With a place named, the first frame is the answer: from then on nothing is missed. */
  private static final String LIVE = "since=live&" + LANE;

  private static final double ROUND_SECONDS = 2.0;

  private final ServerProcess server;
  private final Load load;
  private final Report report;
  private final boolean quick;

  Measures(ServerProcess server, Load load, Report report, boolean quick) {
    this.server = server;
    this.load = load;
    this.report = report;
    this.quick = quick;
  }

  /** Deliveries per second, bare against ours, alternating, at two sizes. */
  void throughput(boolean webSocket) throws IOException, InterruptedException {
    for (int clients : quick ? new int[] {20, 100} : new int[] {100, 1000}) {
      List<Connection> ours = open(webSocket, clients, LIVE, 0);
      int length = matchLength(ours, webSocket);
      String barePath = webSocket ? "/bench/ws" : "/bench/sse";
      List<Connection> bare = load.open(server.port(), barePath, webSocket, clients, 0);

      int rounds = quick ? 1 : 5;
      int bareCount = calibrate(bare, webSocket, true);
      int ourCount = calibrate(ours, webSocket, false);
      double[] bareRates = new double[rounds];
      double[] ourRates = new double[rounds];
      for (int round = 0; round < rounds; round++) {
        boolean bareFirst = round % 2 == 0;
        if (bareFirst) {
          bareRates[round] = flood(bare, webSocket, true, bareCount);
        }
        ourRates[round] = flood(ours, webSocket, false, ourCount);
        if (!bareFirst) {
          bareRates[round] = flood(bare, webSocket, true, bareCount);
        }
      }
      report.throughput(webSocket, clients, length, median(bareRates), median(ourRates), rounds);
      close(ours);
      close(bare);
    }
  }

  /** Makes the bare message as long as ours on the wire, the SSE id line counted in. */
  private int matchLength(List<Connection> ours, boolean webSocket)
      throws IOException, InterruptedException {
    clear(ours);
    server.call("/bench/publish?count=1");
    await(ours, 1);
    String json = ours.get(0).tally.lastEvent;
    int length = json.getBytes(StandardCharsets.UTF_8).length;
    if (!webSocket) {
      int at = json.indexOf("\"event_id\":\"") + 12;
      length += "id: \n".length() + json.indexOf('"', at) - at;
    }
    server.call("/bench/length?bytes=" + length);
    return length;
  }

  /** Warms up and answers how many messages make a round. */
  private int calibrate(List<Connection> clients, boolean webSocket, boolean bare)
      throws IOException, InterruptedException {
    double rate = 0;
    int count = 20_000 / clients.size();
    for (int i = 0; i < (quick ? 2 : 4); i++) {
      rate = flood(clients, webSocket, bare, count);
      count = (int) Math.max(50, Math.min(50_000, rate * ROUND_SECONDS / clients.size() / 2));
    }
    return (int) Math.max(50, Math.min(50_000, rate * ROUND_SECONDS / clients.size()));
  }

  private double flood(List<Connection> clients, boolean webSocket, boolean bare, int count)
      throws IOException, InterruptedException {
    clear(clients);
    long start = System.nanoTime();
    server.call(
        bare
            ? "/bench/bare?transport=" + (webSocket ? "ws" : "sse") + "&count=" + count
            : "/bench/publish?count=" + count);
    await(clients, count);
    double seconds = (System.nanoTime() - start) / 1e9;
    for (Connection client : clients) {
      if (client.tally.events != count) {
        throw new IOException(
            "a round without loss was needed, but " + client.tally.reported + " were dropped");
      }
    }
    double rate = clients.size() * (double) count / seconds;
    report.progress(
        String.format(
            Locale.ROOT,
            "%s %s, %d clients: %d x %d in %.2f s = %,.0f/s",
            bare ? "bare" : "ours",
            webSocket ? "WebSocket" : "SSE",
            clients.size(),
            count,
            clients.size(),
            seconds,
            rate));
    return rate;
  }

  /** What publishing costs the publisher without and with subscribers. */
  void publishCost() throws IOException, InterruptedException {
    int subscribers = quick ? 100 : 1000;
    int count = quick ? 60 : 150;
    int rounds = quick ? 1 : 5;
    String publish = "/bench/publish?rate=50&count=" + count;
    server.call("/bench/publish?count=20000");
    double[][] alone = new double[2][rounds];
    double[][] crowded = new double[2][rounds];
    for (int round = 0; round < rounds; round++) {
      cost(server.call(publish), alone, round);
      List<Connection> clients = open(true, subscribers, LIVE, 0);
      cost(server.call(publish), crowded, round);
      await(clients, count);
      close(clients);
      report.progress(
          String.format(
              Locale.ROOT,
              "publish: processor time %,.0f ns without, %,.0f ns with %d subscribers",
              alone[0][round],
              crowded[0][round],
              subscribers));
    }
    report.publishCost("processor time", median(alone[0]), median(crowded[0]), subscribers);
    report.publishCost("clock time", median(alone[1]), median(crowded[1]), subscribers);
  }

  private static void cost(Map<String, String> answer, double[][] into, int round) {
    into[0][round] = Double.parseDouble(answer.getOrDefault("cpu_median_ns", "0"));
    into[1][round] = Double.parseDouble(answer.getOrDefault("median_ns", "0"));
  }

  /** The others' p99 without and with one reader in ten stalled; every loss must be reported. */
  void stalledReaders() throws IOException, InterruptedException {
    for (boolean webSocket : new boolean[] {true, false}) {
      int clients = quick ? 30 : 100;
      // Enough for the stalled ones to outgrow what kernel and server buffer: 13 MB on Payara.
      int count = quick ? 1800 : 4500;
      int rounds = quick ? 1 : 4;
      if (!quick) {
        stalled(webSocket, clients, count / 2, true); // warms up, not counted
      }
      double[] without = new double[rounds];
      double[] with = new double[rounds];
      Stalled total = new Stalled(0, 0, 0, 0, 0);
      for (int round = 0; round < rounds; round++) {
        if (round % 2 == 0) {
          without[round] = stalled(webSocket, clients, count, false).p99();
        }
        Stalled seen = stalled(webSocket, clients, count, true);
        with[round] = seen.p99();
        total = total.plus(seen);
        if (round % 2 == 1) {
          without[round] = stalled(webSocket, clients, count, false).p99();
        }
      }
      report.stalled(webSocket, clients, without, with, total);
    }
  }

  private Stalled stalled(boolean webSocket, int clients, int count, boolean stall)
      throws IOException, InterruptedException {
    List<Connection> slow = open(webSocket, clients / 10, "since=live&queue_size=64", 4096);
    List<Connection> others = open(webSocket, clients - slow.size(), LIVE, 0);
    String publish = "/bench/publish?rate=250&pad=3000&count=";
    server.call(publish + 250);
    await(others, 250);
    await(slow, 250);
    clear(others);
    clear(slow);
    others.forEach(client -> client.tally.timed = true);
    if (stall) {
      slow.forEach(client -> client.stall(true));
    }
    server.call(publish + count);
    await(others, count);
    if (stall) {
      slow.forEach(client -> client.stall(false));
    }
    await(slow, count);
    long[] sorted =
        others.stream().flatMapToLong(c -> LongStream.of(c.tally.latencies())).sorted().toArray();
    Stalled seen =
        new Stalled(
            sorted[(int) (sorted.length * 0.99)] / 1e6,
            (long) slow.size() * count,
            slow.stream().mapToLong(c -> c.tally.events).sum(),
            slow.stream().mapToLong(c -> c.tally.reported).sum(),
            slow.stream().mapToLong(c -> c.tally.warnings).sum());
    report.progress(
        (webSocket ? "WebSocket " : "SSE ") + (stall ? "with stalled: " : "none stalled: ") + seen);
    close(slow);
    close(others);
    return seen;
  }

  /** What one late reader gets per second of the retained events. */
  void replay() throws IOException, InterruptedException {
    int count = quick ? 10_000 : 100_000;
    server.call("/bench/publish?count=" + count);
    for (boolean webSocket : new boolean[] {true, false}) {
      double[] rates = new double[quick ? 1 : 3];
      for (int round = 0; round < rates.length; round++) {
        long start = System.nanoTime();
        List<Connection> reader = open(webSocket, 1, "since=earliest&" + LANE, 0);
        await(reader, count);
        rates[round] = count / ((System.nanoTime() - start) / 1e9);
        report.progress(
            String.format(
                Locale.ROOT,
                "replay: %,.0f/s, %d dropped",
                rates[round],
                reader.get(0).tally.reported));
        close(reader);
      }
      report.replay(webSocket, count, median(rates));
    }
  }

  /** Heap and resident memory that an idle connection takes. */
  void idleMemory() throws IOException, InterruptedException {
    int count = quick ? 500 : 5000;
    for (boolean webSocket : new boolean[] {true, false}) {
      close(open(webSocket, 50, "since=live", 0));
      long heap = heap();
      long resident = resident();
      List<Connection> clients = open(webSocket, count, "since=live", 0);
      long heapPer = (heap() - heap) / count;
      long residentPer = (resident() - resident) / count;
      report.idle(webSocket, count, heapPer, residentPer);
      close(clients);
    }
  }

  private long heap() throws IOException, InterruptedException {
    return Long.parseLong(server.call("/bench/memory").getOrDefault("heap_bytes", "0"));
  }

  private long resident() throws IOException {
    for (String line : Files.readAllLines(Path.of("/proc/" + server.pid() + "/status"))) {
      if (line.startsWith("VmRSS:")) {
        return 1024 * Long.parseLong(line.replaceAll("\\D", ""));
      }
    }
    throw new IOException("no VmRSS for the server");
  }

  private List<Connection> open(boolean webSocket, int count, String query, int window)
      throws IOException {
    String path = (webSocket ? "/api/ws/events" : "/api/events") + "?" + query;
    return load.open(server.port(), path, webSocket, count, window);
  }

  private static void close(List<Connection> clients) {
    clients.forEach(Connection::close);
  }

  private static void clear(List<Connection> clients) {
    clients.forEach(client -> client.tally.clear());
  }

  /** Waits until each client accounts for {@code count} events, delivered or reported. */
  private static void await(List<Connection> clients, long count) throws IOException {
    long deadline = System.nanoTime() + TimeUnit.SECONDS.toNanos(60);
    List<Connection> waiting = new ArrayList<>(clients);
    while (!waiting.isEmpty()) {
      waiting.removeIf(client -> client.tally.accounted() >= count);
      if (System.nanoTime() > deadline) {
        Connection one = waiting.get(0);
        throw new IOException(
            waiting.size()
                + " clients did not account for "
                + count
                + " events within 60 s; the first has "
                + one.tally.accounted()
                + ", close code "
                + one.closeCode()
                + ", last control frame "
                + one.tally.lastControl);
      }
      LockSupport.parkNanos(1_000_000);
    }
  }

  static double median(double[] values) {
    double[] sorted = values.clone();
    Arrays.sort(sorted);
    return sorted[sorted.length / 2];
  }

  /** One round with stalled readers: the others' p99 and the readers' own sums. */
  record Stalled(double p99, long published, long delivered, long reported, long warnings) {
    Stalled plus(Stalled other) {
      return new Stalled(
          0,
          published + other.published,
          delivered + other.delivered,
          reported + other.reported,
          warnings + other.warnings);
    }
  }
}
