package dev.sluice.servers.upstream;

import static java.nio.charset.StandardCharsets.UTF_8;

import dev.sluice.jsonrpc.Envelope;
import dev.sluice.jsonrpc.Envelope.Part;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.io.OutputStream;
import java.io.PrintStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.TimeUnit;

/**
 * An MCP server over stdio that can misbehave on demand: what it does at its start is chosen by its
 * arguments, what it does later by the tool that is called. Run as a child process by the tests.
 */
final class StdioTestServer {

  private static final OutputStream OUT = new PrintStream(System.out, false);
  private static final Set<String> FLAGS = ConcurrentHashMap.newKeySet();
  private static final Set<String> CANCELLED = ConcurrentHashMap.newKeySet();
  private static final ExecutorService CALLS = Executors.newCachedThreadPool();
  private static final StringBuilder ANSWERS = new StringBuilder();
  private static volatile boolean changed;

  private StdioTestServer() {}

  /** The command line that runs it. */
  static List<String> args(String... flags) {
    List<String> args = new java.util.ArrayList<>();
    args.add("-XX:TieredStopAtLevel=1");
    args.add("-Xshare:auto");
    args.add("-Xmx256m");
    args.add("-cp");
    args.add(
        Path.of("target/classes").toAbsolutePath()
            + java.io.File.pathSeparator
            + Path.of("target/test-classes").toAbsolutePath());
    args.add(StdioTestServer.class.getName());
    args.addAll(List.of(flags));
    return args;
  }

  /** Serves until its input ends. */
  public static void main(String[] args) throws Exception {
    FLAGS.addAll(List.of(args));
    for (String flag : FLAGS) {
      if (flag.startsWith("stderr=")) {
        System.err.println(flag.substring(7));
      }
    }
    for (String flag : FLAGS) {
      if (flag.startsWith("exit=")) {
        System.exit(Integer.parseInt(flag.substring(5)));
      }
    }
    if (FLAGS.contains("stubborn")) {
      Runtime.getRuntime().addShutdownHook(new Thread(() -> awaitForEver(), "never-ends"));
    }
    if (FLAGS.contains("noisy")) {
      raw("Welcome to the test server!\n\n{\"broken\n[1,2\n\u00e9\u00e8 not json\n");
    }
    BufferedReader in = new BufferedReader(new InputStreamReader(System.in, UTF_8));
    String line;
    while ((line = in.readLine()) != null) {
      Envelope message = Envelope.read(line.getBytes(UTF_8));
      switch (message.kind()) {
        case REQUEST -> CALLS.execute(() -> request(message));
        case NOTIFICATION -> {
          if (message.method().equals("notifications/cancelled")) {
            CANCELLED.add(message.json(Part.REQUEST_ID));
          }
          if (message.method().equals("notifications/initialized") && FLAGS.contains("deaf")) {
            awaitForEver();
          }
        }
        default -> {
          synchronized (ANSWERS) {
            ANSWERS.append(line).append('\n');
            ANSWERS.notifyAll();
          }
        }
      }
    }
    if (FLAGS.contains("stubborn")) {
      awaitForEver();
    }
    System.exit(0);
  }

  private static void awaitForEver() {
    try {
      new CountDownLatch(1).await();
    } catch (InterruptedException stop) {
      Thread.currentThread().interrupt();
    }
  }

  private static synchronized void raw(String text) throws IOException {
    raw(text.getBytes(UTF_8));
  }

  private static synchronized void raw(byte[] bytes) throws IOException {
    OUT.write(bytes);
    OUT.flush();
  }

  private static void answer(Envelope request, String result) throws IOException {
    raw(new String(Envelope.response(request, result).bytes(), UTF_8) + "\n");
  }

  private static void request(Envelope request) {
    try {
      switch (request.method()) {
        case "initialize" -> initialize(request);
        case "ping" -> answer(request, "{}");
        case "tools/list" -> tools(request);
        case "resources/list" ->
            answer(request, "{\"resources\":[{\"uri\":\"test://a\",\"name\":\"a\"}]}");
        case "tools/call" -> call(request);
        default ->
            raw(
                new String(Envelope.error(request, -32601, "no such method").bytes(), UTF_8)
                    + "\n");
      }
    } catch (Exception failed) {
      failed.printStackTrace();
    }
  }

  private static void initialize(Envelope request) throws IOException {
    if (FLAGS.contains("silent")) {
      return;
    }
    if (FLAGS.contains("no-initialize")) {
      raw(new String(Envelope.error(request, -32601, "Method not found").bytes(), UTF_8) + "\n");
      return;
    }
    String wanted = request.string(Part.PROTOCOL_VERSION);
    String version = wanted;
    for (String flag : FLAGS) {
      if (flag.startsWith("version=")) {
        version = flag.substring(8);
      }
      if (flag.startsWith("only=") && !flag.substring(5).equals(wanted)) {
        raw(
            new String(
                    Envelope.error(request, -32603, "unsupported protocol version").bytes(), UTF_8)
                + "\n");
        return;
      }
    }
    answer(
        request,
        "{\"protocolVersion\":\""
            + version
            + "\",\"capabilities\":{\"tools\":{\"listChanged\":true},\"resources\":{},\"prompts\":{}},"
            + "\"serverInfo\":{\"name\":\"test\",\"version\":\"1\"}}");
  }

  private static void tools(Envelope request) throws IOException {
    String json = new String(request.bytes(), UTF_8);
    if (FLAGS.contains("cursor-loop")) {
      answer(request, "{\"tools\":[],\"nextCursor\":\"same\"}");
    } else if (!json.contains("\"cursor\"")) {
      answer(request, "{\"tools\":[{\"name\":\"one\",\"inputSchema\":{}}],\"nextCursor\":\"2\"}");
    } else {
      answer(
          request,
          "{\"tools\":[{\"name\":\"two\",\"inputSchema\":{}}"
              + (changed ? ",{\"name\":\"three\",\"inputSchema\":{}}" : "")
              + "]}");
    }
  }

  private static void call(Envelope request) throws Exception {
    String tool = request.string(Part.NAME);
    String params = request.json(Part.PARAMS);
    String name = tool == null ? "" : tool;
    switch (name) {
      case "echo" -> answer(request, "{\"echo\":" + params + "}");
      case "one" -> answer(request, "{\"content\":[],\"isError\":false}");
      case "sleep" -> {
        TimeUnit.MILLISECONDS.sleep(Long.parseLong(params.replaceAll("[^0-9]", "")));
        answer(request, "{\"slept\":true}");
      }
      case "never" -> {}
      case "cancelled" -> answer(request, "{\"ids\":" + CANCELLED + "}");
      case "crash" -> Runtime.getRuntime().halt(3);
      case "answer-and-exit" -> {
        System.err.println("last words");
        answer(request, "{\"last\":true}");
        Runtime.getRuntime().halt(4);
      }
      case "garbage" -> {
        raw("{\"jsonrpc\":\"2.0\",\"id\":" + request.idText() + ",\"result\":{\n");
        raw("[".repeat(100_000) + "\n");
        raw(new byte[] {'{', '"', (byte) 0xff, '"', ':', '1', '}', '\n'});
        raw("{\"jsonrpc\":\"2.0\"}\n");
        raw("{\"jsonrpc\":\"2.0\",\"id\":99999,\"result\":{}}\n");
        raw("{\"jsonrpc\":\"2.0\",\"id\":\"x\",\"result\":{}}\n");
        raw("{\"jsonrpc\":\"2.0\",\"id\":null,\"error\":{\"code\":1,\"message\":\"m\"}}\n");
        answer(request, "{\"survived\":true}");
      }
      case "huge-line" -> {
        byte[] piece = "x".repeat(1 << 20).getBytes(UTF_8);
        for (int i = 0; i < 17; i++) {
          raw(piece);
        }
        raw("\n");
        answer(request, "{\"survived\":true}");
      }
      case "big" -> answer(request, "{\"big\":\"" + "y".repeat(8 << 20) + "\"}");
      case "split" -> {
        byte[] bytes =
            Envelope.response(request, "{\"text\":\"\u00e9\uD83D\uDE00\u20ac\"}").bytes();
        for (byte b : bytes) {
          raw(new byte[] {b});
        }
        raw("\r\n");
      }
      case "pretty" ->
          raw(
              "{\"jsonrpc\":\"2.0\",  \"id\":"
                  + request.idText()
                  + ",\"result\": {\"n\":0.1000,\"big\":12345678901234567890}}\n");
      case "long-number" -> answer(request, "{\"n\":" + "9".repeat(5000) + "}");
      case "wide-number" -> answer(request, "{\"n\":1e99999999999}");
      case "scalar" -> answer(request, "7");
      case "fail" ->
          raw(
              new String(Envelope.error(request, -32602, "bad \u00e4rgument").bytes(), UTF_8)
                  + "\n");
      case "change" -> {
        changed = true;
        for (int i = 0; i < 20; i++) {
          raw("{\"jsonrpc\":\"2.0\",\"method\":\"notifications/tools/list_changed\"}\n");
        }
        answer(request, "{}");
      }
      case "ask" -> {
        raw("{\"jsonrpc\":\"2.0\",\"id\":\"p\",\"method\":\"ping\"}\n");
        raw("{\"jsonrpc\":\"2.0\",\"id\":7,\"method\":\"roots/list\"}\n");
        synchronized (ANSWERS) {
          while (ANSWERS.chars().filter(c -> c == '\n').count() < 2) {
            ANSWERS.wait();
          }
          answer(request, "{\"got\":[" + ANSWERS.toString().strip().replace("\n", ",") + "]}");
        }
      }
      case "environment" -> {
        StringBuilder names = new StringBuilder();
        System.getenv()
            .keySet()
            .forEach(
                n -> names.append(names.isEmpty() ? "" : ",").append('"').append(n).append('"'));
        answer(
            request,
            "{\"names\":[" + names + "],\"cwd\":\"" + Path.of("").toAbsolutePath() + "\"}");
      }
      case "stderr" -> {
        for (int i = 0; i < 3_000; i++) {
          System.err.println("WARN line " + i + " " + System.getenv("MY_TOKEN"));
        }
        System.err.println("z".repeat(20_000));
        System.err.flush();
        answer(request, "{}");
      }
      case "batch" ->
          raw(
              "[{\"jsonrpc\":\"2.0\",\"method\":\"notifications/x\"},{\"jsonrpc\":\"2.0\",\"id\":"
                  + request.idText()
                  + ",\"result\":{\"batched\":true}}]\n");
      case "memory" -> {
        byte[][] held = new byte[100][];
        for (int i = 0; i < held.length; i++) {
          held[i] = new byte[1 << 20];
          java.util.Arrays.fill(held[i], (byte) i);
        }
        answer(request, "{\"held\":" + held.length + "}");
        awaitForEver();
      }
      case "grow" -> {
        // A background process, one in a session of its own, and one of a shell that is gone.
        Path script = Files.createTempFile("grow", ".sh");
        Files.writeString(
            script,
            "sleep 300 & echo $! ; setsid sleep 300 & sh -c 'setsid sh -c \"sleep 300 & echo \\$!; wait\" &' ; wait %1\n");
        new ProcessBuilder("/bin/sh", script.toString())
            .redirectError(ProcessBuilder.Redirect.DISCARD)
            .redirectOutput(ProcessBuilder.Redirect.DISCARD)
            .start();
        answer(request, "{}");
      }
      default ->
          raw(new String(Envelope.error(request, -32602, "no such tool").bytes(), UTF_8) + "\n");
    }
  }
}
