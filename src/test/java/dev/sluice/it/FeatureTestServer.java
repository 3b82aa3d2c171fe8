package dev.sluice.it;

import static java.nio.charset.StandardCharsets.UTF_8;

import dev.sluice.jsonrpc.Envelope;
import dev.sluice.jsonrpc.Envelope.Kind;
import dev.sluice.jsonrpc.Envelope.Part;
import jakarta.json.Json;
import jakarta.json.JsonArrayBuilder;
import jakarta.json.JsonObjectBuilder;
import java.io.BufferedReader;
import java.io.File;
import java.io.InputStreamReader;
import java.io.PrintStream;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.SynchronousQueue;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * An MCP server over standard streams with everything that a session can carry, run as a child of
 * the hub. Its tools, resources and prompts are named as the conformance suite names them. The
 * argument {@code fails-once=FILE} ends its first run at once, {@code slow-start} delays its answer
 * to {@code initialize}.
 */
final class FeatureTestServer {

  static final String WATCHED = "test://watched-resource";
  static final String SIMPLE = "This is a simple text response for testing.";

  private static final List<String> TOOLS =
      List.of(
          "test_simple_text",
          "test_echo",
          "test_tool_with_progress",
          "test_tool_with_logging",
          "test_sampling",
          "test_elicitation",
          "test_roots",
          "test_trigger_tool_change",
          "test_trigger_resource_update",
          "test_wait",
          "test_tell_and_wait",
          "test_cancelled",
          "test_methods",
          "test_stray",
          "test_gate",
          "test_pid");
  private static final Pattern TEXT = Pattern.compile("\"text\":\"([^\"]*)\"");
  private static final long PAUSE_MILLIS = 30;

  private static final PrintStream OUT = new PrintStream(System.out, false, UTF_8);
  private static final Map<String, SynchronousQueue<Envelope>> ASKED = new ConcurrentHashMap<>();
  private static final Map<String, CountDownLatch> WAITING = new ConcurrentHashMap<>();
  private static final Set<String> CANCELLED = ConcurrentHashMap.newKeySet();
  private static final Set<String> SUBSCRIBED = ConcurrentHashMap.newKeySet();
  private static final AtomicInteger QUESTIONS = new AtomicInteger();
  private static final StringBuilder METHODS = new StringBuilder(); // of the one thread that reads
  private static final CountDownLatch GATE = new CountDownLatch(1);
  private static volatile boolean changed;
  private static volatile boolean slow;

  private FeatureTestServer() {}

  /** A definition that runs it, with these arguments for whoever looks for its process. */
  static JsonObjectBuilder definition(String id, String... arguments) {
    JsonArrayBuilder args =
        Json.createArrayBuilder()
            .add("-XX:TieredStopAtLevel=1")
            .add("-Xmx64m")
            .add("-cp")
            .add(
                Path.of("target/classes").toAbsolutePath()
                    + File.pathSeparator
                    + Path.of("target/test-classes").toAbsolutePath())
            .add(FeatureTestServer.class.getName());
    for (String argument : arguments) {
      args.add(argument);
    }
    return Json.createObjectBuilder()
        .add("mcp_server_id", id)
        .add("command", Path.of(System.getProperty("java.home"), "bin", "java").toString())
        .add("args", args);
  }

  public static void main(String[] args) throws Exception {
    for (String arg : args) {
      if (arg.startsWith("fails-once=")
          && Path.of(arg.substring("fails-once=".length())).toFile().createNewFile()) {
        System.exit(1);
      }
      slow |= arg.equals("slow-start");
    }
    ExecutorService calls = Executors.newCachedThreadPool();
    BufferedReader in = new BufferedReader(new InputStreamReader(System.in, UTF_8));
    for (String line = in.readLine(); line != null; line = in.readLine()) {
      Envelope message = Envelope.read(line.getBytes(UTF_8));
      if (message.kind() == Kind.REQUEST || message.kind() == Kind.NOTIFICATION) {
        METHODS.append(METHODS.isEmpty() ? "" : ",").append(message.method());
      }
      if (message.kind() == Kind.REQUEST) {
        String methods = METHODS.toString();
        calls.execute(() -> serve(message, methods));
      } else if (message.kind() == Kind.NOTIFICATION) {
        if (message.method().equals("notifications/open_gate")) {
          GATE.countDown();
        }
        if (message.method().equals("notifications/cancelled")) {
          String id = String.valueOf(message.json(Part.REQUEST_ID));
          CANCELLED.add(id);
          CountDownLatch waits = WAITING.get(id);
          if (waits != null) {
            waits.countDown();
          }
        }
      } else {
        SynchronousQueue<Envelope> asked = ASKED.remove(String.valueOf(message.idText()));
        if (asked != null) {
          asked.put(message);
        }
      }
    }
    System.exit(0);
  }

  private static void serve(Envelope request, String methods) {
    try {
      String result = result(request, methods);
      if (result != null) {
        send(
            result.isEmpty()
                ? Envelope.error(request, -32601, "no such method or tool")
                : Envelope.response(request, result));
      }
    } catch (InterruptedException over) {
      Thread.currentThread().interrupt();
    }
  }

  private static void send(Envelope message) {
    synchronized (OUT) {
      OUT.print(new String(message.bytes(), UTF_8) + "\n");
      OUT.flush();
    }
  }

  private static void tell(String method, String params) {
    send(Envelope.notification(method, params));
  }

  /** Null for no answer, empty for an error. */
  private static String result(Envelope request, String methods) throws InterruptedException {
    if (slow && request.method().equals("initialize")) {
      TimeUnit.SECONDS.sleep(2);
    }
    return switch (request.method()) {
      case "initialize" ->
          "{\"protocolVersion\":"
              + request.json(Part.PROTOCOL_VERSION)
              + ",\"capabilities\":{\"tools\":{\"listChanged\":true},\"resources\":{\"subscribe\":true,"
              + "\"listChanged\":true},\"prompts\":{},\"logging\":{},\"completions\":{}},"
              + "\"serverInfo\":{\"name\":\"features\",\"version\":\"1.0\"}}";
      case "ping", "logging/setLevel" -> "{}";
      case "tools/list" -> tools();
      case "tools/call" -> call(request, methods);
      case "resources/list" ->
          "{\"resources\":[{\"uri\":\"" + WATCHED + "\",\"name\":\"watched\"}]}";
      case "resources/read" ->
          "{\"contents\":[{\"uri\":\""
              + WATCHED
              + "\",\"mimeType\":\"text/plain\",\"text\":\"w\"}]}";
      case "resources/subscribe" -> {
        String uri = String.valueOf(request.string(Part.URI));
        boolean known = uri.equals(WATCHED);
        if (known) {
          SUBSCRIBED.add(uri);
        }
        yield known ? "{}" : "";
      }
      case "resources/unsubscribe" -> {
        SUBSCRIBED.remove(String.valueOf(request.string(Part.URI)));
        yield "{}";
      }
      case "prompts/list" -> "{\"prompts\":[{\"name\":\"test_simple_prompt\"}]}";
      case "prompts/get" ->
          "{\"messages\":[{\"role\":\"user\",\"content\":{\"type\":\"text\",\"text\":\"a prompt\"}}]}";
      default -> "";
    };
  }

  private static String tools() {
    StringBuilder tools = new StringBuilder();
    for (String name : TOOLS) {
      tools.append(tools.isEmpty() ? "" : ",").append(tool(name));
    }
    return "{\"tools\":[" + tools + (changed ? "," + tool("test_tool_that_comes") : "") + "]}";
  }

  private static String tool(String name) {
    return "{\"name\":\"" + name + "\",\"inputSchema\":{\"type\":\"object\"}}";
  }

  private static String text(String text) {
    return "{\"content\":[{\"type\":\"text\",\"text\":\"" + text + "\"}]}";
  }

  private static String call(Envelope request, String methods) throws InterruptedException {
    String given = textOf(request);
    switch (String.valueOf(request.string(Part.NAME))) {
      case "test_simple_text":
        return text(SIMPLE);
      case "test_echo":
        return text(given);
      case "test_pid":
        return text(Long.toString(ProcessHandle.current().pid()));
      case "test_gate":
        return GATE.await(60, TimeUnit.SECONDS) ? text(given) : null;
      case "test_stray":
        for (String id : List.of("999", "\"nobody\"", "1.0")) {
          send(Envelope.error(id, -32000, "nobody asked"));
        }
        return text(given);
      case "test_methods":
        return text(methods);
      case "test_tool_with_progress":
        for (int progress : new int[] {0, 50, 100}) {
          tell(
              "notifications/progress",
              "{\"progressToken\":"
                  + request.json(Part.META_PROGRESS_TOKEN)
                  + ",\"progress\":"
                  + progress
                  + ",\"total\":100}");
          TimeUnit.MILLISECONDS.sleep(PAUSE_MILLIS);
        }
        return text("Tool with progress executed successfully");
      case "test_tool_with_logging":
        for (int i = 1; i <= 3; i++) {
          tell("notifications/message", "{\"level\":\"info\",\"data\":\"" + given + i + "\"}");
          TimeUnit.MILLISECONDS.sleep(PAUSE_MILLIS);
        }
        return text("Tool with logging executed successfully");
      case "test_sampling":
        return text("LLM response: " + textOf(ask("sampling/createMessage", SAMPLING)));
      case "test_elicitation":
        return text(ask("elicitation/create", ELICITATION).json(Part.RESULT).replace('"', '\''));
      case "test_roots":
        return text(ask("roots/list", "{}").json(Part.RESULT).replace('"', '\''));
      case "test_trigger_tool_change":
        changed = !changed;
        tell("notifications/tools/list_changed", null);
        return text("changed");
      case "test_trigger_resource_update":
        if (SUBSCRIBED.contains(WATCHED)) {
          tell("notifications/resources/updated", "{\"uri\":\"" + WATCHED + "\"}");
        }
        return text("changed");
      case "test_tell_and_wait":
        tell(
            "notifications/progress",
            "{\"progressToken\":" + request.json(Part.META_PROGRESS_TOKEN) + ",\"progress\":0}");
        return await(request);
      case "test_wait":
        return await(request);
      case "test_cancelled":
        return text(Integer.toString(CANCELLED.size()));
      default:
        return "";
    }
  }

  /** Until it is cancelled, for a minute at most. */
  private static String await(Envelope request) throws InterruptedException {
    CountDownLatch cancelled = new CountDownLatch(1);
    WAITING.put(request.idText(), cancelled);
    if (CANCELLED.contains(request.idText())) {
      cancelled.countDown();
    }
    return cancelled.await(60, TimeUnit.SECONDS) ? null : text("waited");
  }

  private static final String SAMPLING =
      "{\"messages\":[{\"role\":\"user\",\"content\":{\"type\":\"text\",\"text\":\"Say it\"}}],"
          + "\"maxTokens\":10}";
  private static final String ELICITATION =
      "{\"message\":\"Who?\",\"requestedSchema\":{\"type\":\"object\",\"properties\":"
          + "{\"name\":{\"type\":\"string\"}}}}";

  private static String textOf(Envelope message) {
    Matcher text = TEXT.matcher(new String(message.bytes(), UTF_8));
    return text.find() ? text.group(1) : "";
  }

  private static Envelope ask(String method, String params) throws InterruptedException {
    String id = "\"ask-" + QUESTIONS.incrementAndGet() + "\"";
    SynchronousQueue<Envelope> answer = new SynchronousQueue<>();
    ASKED.put(id, answer);
    send(Envelope.request(id, method, params));
    return answer.take();
  }
}
