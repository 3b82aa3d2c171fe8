package dev.sluice.it;

import static java.nio.charset.StandardCharsets.UTF_8;

import dev.sluice.jsonrpc.Envelope;
import dev.sluice.jsonrpc.Envelope.Kind;
import dev.sluice.jsonrpc.Envelope.Part;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.io.PrintStream;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.TimeUnit;

/**
 * An MCP server of 2026-07-28 that keeps nothing of its clients; run as a child process it speaks
 * over its standard streams. With the flag {@code dual} it answers {@code initialize} as well.
 */
final class ModernTestServer {

  static final String SUBSCRIPTION = "io.modelcontextprotocol/subscriptionId";

  /** Where the messages of one request go. */
  interface Out {
    void send(String json) throws IOException;
  }

  private final Set<String> flags;
  private final Map<String, CountDownLatch> running = new ConcurrentHashMap<>();
  private final Map<String, Out> listens = new ConcurrentHashMap<>();

  /** The ids of requests that were given up, as they came. */
  final List<String> cancelled = new CopyOnWriteArrayList<>();

  ModernTestServer(String... flags) {
    this.flags = Set.of(flags);
  }

  /** The command line that runs it as a child. */
  static List<String> args(String... flags) {
    List<String> args = new java.util.ArrayList<>();
    args.add("-XX:TieredStopAtLevel=1");
    args.add("-Xmx128m");
    args.add("-cp");
    args.add(
        Path.of("target/classes").toAbsolutePath()
            + java.io.File.pathSeparator
            + Path.of("target/test-classes").toAbsolutePath());
    args.add(ModernTestServer.class.getName());
    args.addAll(List.of(flags));
    return args;
  }

  public static void main(String[] args) throws Exception {
    ModernTestServer server = new ModernTestServer(args);
    PrintStream stdout = new PrintStream(System.out, false, UTF_8);
    Out out =
        json -> {
          synchronized (stdout) {
            stdout.print(json + "\n");
            stdout.flush();
          }
        };
    ExecutorService calls = Executors.newCachedThreadPool();
    BufferedReader in = new BufferedReader(new InputStreamReader(System.in, UTF_8));
    for (String line = in.readLine(); line != null; line = in.readLine()) {
      Envelope message = Envelope.read(line.getBytes(UTF_8));
      if (message.kind() == Kind.REQUEST) {
        calls.execute(() -> server.serve(message, out));
      } else if (message.method().equals("notifications/cancelled")) {
        server.cancel(message.json(Part.REQUEST_ID));
      }
    }
    System.exit(0);
  }

  /** The client has given this request up. */
  void cancel(String id) {
    listens.remove(id);
    CountDownLatch waits = running.remove(id);
    if (waits != null) {
      cancelled.add(id);
      waits.countDown();
    }
  }

  /** Ends every subscription as a server does that means to. */
  private void endListens() throws IOException {
    for (Map.Entry<String, Out> one : listens.entrySet()) {
      listens.remove(one.getKey());
      String id = one.getKey();
      one.getValue()
          .send(
              answer(
                  id,
                  "{\"resultType\":\"complete\",\"_meta\":{\"" + SUBSCRIPTION + "\":" + id + "}}"));
      CountDownLatch waits = running.remove(id);
      if (waits != null) {
        waits.countDown();
      }
    }
  }

  private static String answer(String id, String result) {
    return "{\"jsonrpc\":\"2.0\",\"id\":" + id + ",\"result\":" + result + "}";
  }

  private static String text(String text) {
    return "{\"resultType\":\"complete\",\"content\":[{\"type\":\"text\",\"text\":\""
        + text
        + "\"}]}";
  }

  /** Whether the answer takes a while, or more than one message. */
  static boolean streams(Envelope request) {
    return request.method().equals("subscriptions/listen")
        || Set.of("progress", "wait", "log").contains(String.valueOf(request.string(Part.NAME)));
  }

  /** Answers a request; blocks until it has. */
  void serve(Envelope request, Out out) {
    try {
      String result = result(request, out);
      String id = request.idText();
      if (result != null) {
        out.send(
            result.startsWith("-")
                ? "{\"jsonrpc\":\"2.0\",\"id\":"
                    + id
                    + ",\"error\":{\"code\":"
                    + result
                    + ",\"message\":\"no such thing\"}}"
                : answer(id, result));
      }
    } catch (IOException | InterruptedException over) {
      cancel(request.idText());
    }
  }

  private String result(Envelope request, Out out) throws IOException, InterruptedException {
    switch (request.method()) {
      case "server/discover":
        return "{\"resultType\":\"complete\",\"supportedVersions\":[\"2026-07-28\"],"
            + "\"capabilities\":{\"tools\":{\"listChanged\":true}},\"ttlMs\":1000,"
            + "\"cacheScope\":\"public\"}";
      case "tools/list":
        return "{\"resultType\":\"complete\",\"tools\":[],\"ttlMs\":0,\"cacheScope\":\"private\"}";
      case "tools/call":
        return call(request, out);
      case "subscriptions/listen":
        return listen(request, out);
      case "initialize":
        if (flags.contains("dual")) {
          return "{\"protocolVersion\":\"2025-11-25\",\"capabilities\":{},"
              + "\"serverInfo\":{\"name\":\"dual\",\"version\":\"1\"}}";
        }
        return "-32022";
      default:
        return "-32601";
    }
  }

  private String listen(Envelope request, Out out) throws IOException, InterruptedException {
    String id = request.idText();
    CountDownLatch ends = new CountDownLatch(1);
    running.put(id, ends);
    listens.put(id, out);
    out.send(
        "{\"jsonrpc\":\"2.0\",\"method\":\"notifications/subscriptions/acknowledged\",\"params\":"
            + "{\"notifications\":{\"toolsListChanged\":true},\"_meta\":{\""
            + SUBSCRIPTION
            + "\":"
            + id
            + "}}}");
    awaitEnd(id, ends);
    return null;
  }

  /** Until it was given up; over HTTP that is seen by writing. */
  private void awaitEnd(String id, CountDownLatch ends) throws InterruptedException {
    if (!ends.await(60, TimeUnit.SECONDS)) {
      running.remove(id);
    }
  }

  private String call(Envelope request, Out out) throws IOException, InterruptedException {
    String params = request.json(Part.PARAMS);
    String id = request.idText();
    String token = request.json(Part.META_PROGRESS_TOKEN);
    switch (String.valueOf(request.string(Part.NAME))) {
      case "echo":
        return "{\"resultType\":\"complete\",\"content\":[],\"echo\":" + params + "}";
      case "tööl":
        return text("decoded");
      case "progress":
        for (int i = 1; i <= 3; i++) {
          out.send(
              "{\"jsonrpc\":\"2.0\",\"method\":\"notifications/progress\",\"params\":"
                  + "{\"progressToken\":"
                  + token
                  + ",\"progress\":"
                  + i
                  + ".0}}");
        }
        return text("done");
      case "wait":
        CountDownLatch ends = new CountDownLatch(1);
        running.put(id, ends);
        awaitEnd(id, ends);
        return cancelled.contains(id) ? null : text("waited");
      case "log":
        out.send(
            "{\"jsonrpc\":\"2.0\",\"method\":\"notifications/message\",\"params\":"
                + "{\"level\":\"info\",\"data\":\"said\"}}");
        return text("logged");
      case "state":
        return params.contains("\"requestState\":\"s\\u00e9cret+/==\"")
            ? text("same state")
            : params.contains("requestState")
                ? "-32602"
                : "{\"resultType\":\"input_required\",\"requestState\":\"s\\u00e9cret+/==\"}";
      case "running":
        return text(running.size() + "");
      case "cancelled":
        return text(cancelled.size() + "");
      case "pid":
        return text(ProcessHandle.current().pid() + "");
      case "trigger":
        for (Map.Entry<String, Out> one : listens.entrySet()) {
          one.getValue()
              .send(
                  "{\"jsonrpc\":\"2.0\",\"method\":\"notifications/tools/list_changed\",\"params\":"
                      + "{\"_meta\":{\""
                      + SUBSCRIPTION
                      + "\":"
                      + one.getKey()
                      + "}}}");
        }
        return text("told");
      case "end-listens":
        endListens();
        return text("ended");
      case "die":
        System.exit(7);
        return null;
      default:
        return "-32602";
    }
  }
}
