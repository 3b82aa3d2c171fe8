import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.io.PrintStream;
import java.math.BigDecimal;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.TreeSet;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;

/**
 * A small MCP server over standard streams, to try the hub with. It needs a JDK 17 and nothing
 * else, not even a build: {@code java SampleServer.java}.
 *
 * <p>Each line of standard input is one JSON-RPC message, each line of standard output another;
 * standard error is its log. Tools: {@code echo}, {@code add}, {@code sleep}, {@code fail}, {@code
 * environment}, {@code crash}. It also has a resource and a prompt.
 */
public final class SampleServer {

  private static final List<String> VERSIONS =
      List.of("2025-11-25", "2025-06-18", "2025-03-26", "2024-11-05");

  private final PrintStream out = new PrintStream(System.out, false, StandardCharsets.UTF_8);
  private final ExecutorService calls = Executors.newCachedThreadPool();
  private final Map<Object, Future<?>> running = new ConcurrentHashMap<>();

  private SampleServer() {}

  public static void main(String[] args) throws IOException {
    new SampleServer().serve();
  }

  /** Serves until standard input ends: that is how a client says good-bye. */
  private void serve() throws IOException {
    log("info: sample server is up, process " + ProcessHandle.current().pid());
    BufferedReader in =
        new BufferedReader(new InputStreamReader(System.in, StandardCharsets.UTF_8));
    String line;
    while ((line = in.readLine()) != null) {
      if (!line.isBlank()) {
        receive(line);
      }
    }
    calls.shutdownNow();
    log("info: input ended, good-bye");
  }

  private void receive(String line) {
    Map<String, Object> message;
    try {
      message = object(new Json(line).read());
    } catch (IllegalArgumentException wrong) {
      send(error(null, -32700, wrong.getMessage()));
      return;
    }
    Object id = message.get("id");
    String method = String.valueOf(message.get("method"));
    Map<String, Object> params = object(message.get("params"));
    if (method.equals("notifications/cancelled")) {
      Future<?> call = running.remove(String.valueOf(params.get("requestId")));
      if (call != null) {
        call.cancel(true);
      }
    } else if (id != null && method.equals("tools/call")) {
      // A tool may take long; the others must be answered meanwhile.
      running.put(String.valueOf(id), calls.submit(() -> call(id, params)));
    } else if (id != null && message.containsKey("method")) {
      send(answer(id, method, params));
    }
  }

  private Map<String, Object> answer(Object id, String method, Map<String, Object> params) {
    switch (method) {
      case "initialize":
        Object wanted = params.get("protocolVersion");
        return result(
            id,
            map(
                "protocolVersion",
                VERSIONS.contains(wanted) ? wanted : VERSIONS.get(0),
                "capabilities",
                map("tools", map(), "resources", map(), "prompts", map()),
                "serverInfo",
                map("name", "sluice-sample", "title", "Sample server", "version", "1.0.0"),
                "instructions",
                "Harmless tools to try a hub with."));
      case "ping":
        return result(id, map());
      case "tools/list":
        return result(id, map("tools", tools()));
      case "resources/list":
        return result(
            id,
            map(
                "resources",
                List.of(
                    map(
                        "uri",
                        "sample://greeting",
                        "name",
                        "greeting",
                        "mimeType",
                        "text/plain"))));
      case "resources/read":
        if (!"sample://greeting".equals(params.get("uri"))) {
          return error(id, -32602, "no such resource; there is sample://greeting");
        }
        return result(
            id,
            map(
                "contents",
                List.of(
                    map(
                        "uri",
                        "sample://greeting",
                        "mimeType",
                        "text/plain",
                        "text",
                        "Hello from the sample server."))));
      case "prompts/list":
        return result(
            id,
            map(
                "prompts",
                List.of(
                    map(
                        "name",
                        "greet",
                        "description",
                        "Greets somebody",
                        "arguments",
                        List.of(map("name", "who", "required", true))))));
      case "prompts/get":
        String who = String.valueOf(object(params.get("arguments")).get("who"));
        return result(
            id,
            map(
                "messages",
                List.of(
                    map(
                        "role",
                        "user",
                        "content",
                        map("type", "text", "text", "Greet " + who + ", please.")))));
      default:
        return error(id, -32601, "the sample server has no method " + method);
    }
  }

  private static List<Object> tools() {
    return List.of(
        tool("echo", "Returns its text", map("text", map("type", "string")), "text"),
        tool(
            "add",
            "Adds two numbers",
            map("a", map("type", "number"), "b", map("type", "number")),
            "a",
            "b"),
        tool(
            "sleep",
            "Answers after some milliseconds, 60000 at most; can be cancelled",
            map("milliseconds", map("type", "integer", "minimum", 0, "maximum", 60000)),
            "milliseconds"),
        tool("fail", "Answers with an error of the tool", map("message", map("type", "string"))),
        tool("environment", "Names (never values) of its environment variables", map()),
        tool("crash", "Ends the server at once with exit code 1", map()));
  }

  private static Map<String, Object> tool(
      String name, String description, Map<String, Object> properties, String... required) {
    return map(
        "name",
        name,
        "description",
        description,
        "inputSchema",
        map("type", "object", "properties", properties, "required", List.of(required)));
  }

  private void call(Object id, Map<String, Object> params) {
    Map<String, Object> arguments = object(params.get("arguments"));
    String name = String.valueOf(params.get("name"));
    log("debug: call of " + name);
    try {
      send(run(id, name, arguments));
    } catch (InterruptedException cancelled) {
      log("info: " + name + " was cancelled"); // MCP: no answer to a cancelled request
    } catch (IllegalArgumentException wrong) {
      send(error(id, -32602, wrong.getMessage()));
    } finally {
      running.remove(String.valueOf(id));
    }
  }

  private Map<String, Object> run(Object id, String name, Map<String, Object> arguments)
      throws InterruptedException {
    switch (name) {
      case "echo":
        return text(id, String.valueOf(arguments.getOrDefault("text", "")), false);
      case "add":
        return text(
            id, number(arguments, "a").add(number(arguments, "b")).toPlainString(), false);
      case "sleep":
        long time = Math.max(0, Math.min(60_000, number(arguments, "milliseconds").longValue()));
        TimeUnit.MILLISECONDS.sleep(time);
        return text(id, "slept " + time + " ms", false);
      case "fail":
        log("error: the tool fail was called");
        return text(id, String.valueOf(arguments.getOrDefault("message", "failed")), true);
      case "environment":
        return text(id, String.join("\n", new TreeSet<>(System.getenv().keySet())), false);
      case "crash":
        log("fatal: crashing as asked");
        Runtime.getRuntime().halt(1);
        return map();
      default:
        throw new IllegalArgumentException("there is no tool " + name);
    }
  }

  private static BigDecimal number(Map<String, Object> arguments, String name) {
    if (arguments.get(name) instanceof BigDecimal) {
      return (BigDecimal) arguments.get(name);
    }
    throw new IllegalArgumentException("\"" + name + "\" must be a number");
  }

  private static Map<String, Object> text(Object id, String text, boolean isError) {
    return result(
        id, map("content", List.of(map("type", "text", "text", text)), "isError", isError));
  }

  private static Map<String, Object> result(Object id, Map<String, Object> result) {
    return map("jsonrpc", "2.0", "id", id, "result", result);
  }

  private static Map<String, Object> error(Object id, int code, String message) {
    return map(
        "jsonrpc", "2.0", "id", id, "error", map("code", code, "message", message));
  }

  private synchronized void send(Map<String, Object> message) {
    StringBuilder json = new StringBuilder();
    Json.write(json, message);
    out.print(json.append('\n'));
    out.flush();
  }

  private static void log(String line) {
    System.err.println(line);
  }

  private static Map<String, Object> map(Object... namesAndValues) {
    Map<String, Object> map = new LinkedHashMap<>();
    for (int i = 0; i < namesAndValues.length; i += 2) {
      map.put((String) namesAndValues[i], namesAndValues[i + 1]);
    }
    return map;
  }

  @SuppressWarnings("unchecked")
  private static Map<String, Object> object(Object value) {
    return value instanceof Map ? (Map<String, Object>) value : map();
  }

  /** Just enough JSON: objects as maps, arrays as lists, numbers as BigDecimal. */
  private static final class Json {
    private static final int MAX_DEPTH = 200;

    private final String text;
    private int at;

    Json(String text) {
      this.text = text;
    }

    Object read() {
      Object value = value(0);
      blank();
      if (at != text.length()) {
        throw wrong();
      }
      return value;
    }

    private Object value(int depth) {
      if (depth > MAX_DEPTH) {
        throw new IllegalArgumentException("nested too deep");
      }
      blank();
      char c = peek();
      if (c == '{') {
        Map<String, Object> map = new LinkedHashMap<>();
        at++;
        blank();
        while (peek() != '}') {
          blank();
          String name = string();
          blank();
          expect(':');
          map.put(name, value(depth + 1));
          blank();
          if (peek() != '}') {
            expect(',');
          }
        }
        at++;
        return map;
      }
      if (c == '[') {
        List<Object> list = new ArrayList<>();
        at++;
        blank();
        while (peek() != ']') {
          list.add(value(depth + 1));
          blank();
          if (peek() != ']') {
            expect(',');
          }
        }
        at++;
        return list;
      }
      if (c == '"') {
        return string();
      }
      int start = at;
      while (at < text.length() && ",]}: \t\r\n".indexOf(text.charAt(at)) < 0) {
        at++;
      }
      String word = text.substring(start, at);
      switch (word) {
        case "true":
          return true;
        case "false":
          return false;
        case "null":
          return null;
        default:
          try {
            return new BigDecimal(word);
          } catch (NumberFormatException notNumber) {
            throw wrong();
          }
      }
    }

    private String string() {
      expect('"');
      StringBuilder value = new StringBuilder();
      while (peek() != '"') {
        char c = text.charAt(at++);
        if (c != '\\') {
          value.append(c);
          continue;
        }
        char escape = peek();
        at++;
        if (escape == 'u') {
          if (at + 4 > text.length()) {
            throw wrong();
          }
          value.append((char) Integer.parseInt(text.substring(at, at + 4), 16));
          at += 4;
        } else {
          int plain = "bfnrt".indexOf(escape);
          value.append(plain < 0 ? escape : "\b\f\n\r\t".charAt(plain));
        }
      }
      at++;
      return value.toString();
    }

    private void blank() {
      while (at < text.length() && " \t\r\n".indexOf(text.charAt(at)) >= 0) {
        at++;
      }
    }

    private char peek() {
      if (at >= text.length()) {
        throw wrong();
      }
      return text.charAt(at);
    }

    private void expect(char c) {
      if (peek() != c) {
        throw wrong();
      }
      at++;
    }

    private IllegalArgumentException wrong() {
      return new IllegalArgumentException("not JSON, at character " + at);
    }

    static void write(StringBuilder json, Object value) {
      if (value instanceof Map) {
        json.append('{');
        ((Map<?, ?>) value)
            .forEach(
                (name, member) -> {
                  json.append(json.charAt(json.length() - 1) == '{' ? "" : ",");
                  quote(json, name.toString());
                  json.append(':');
                  write(json, member);
                });
        json.append('}');
      } else if (value instanceof List) {
        json.append('[');
        for (Object element : (List<?>) value) {
          json.append(json.charAt(json.length() - 1) == '[' ? "" : ",");
          write(json, element);
        }
        json.append(']');
      } else if (value instanceof String) {
        quote(json, (String) value);
      } else {
        json.append(value);
      }
    }

    private static void quote(StringBuilder json, String text) {
      json.append('"');
      for (char c : text.toCharArray()) {
        if (c == '"' || c == '\\') {
          json.append('\\').append(c);
        } else if (c < ' ') {
          json.append(String.format("\\u%04x", (int) c));
        } else {
          json.append(c);
        }
      }
      json.append('"');
    }
  }
}
