package dev.sluice.it;

import static java.nio.charset.StandardCharsets.UTF_8;
import static java.util.concurrent.TimeUnit.MILLISECONDS;

import com.sun.net.httpserver.HttpExchange;
import com.sun.net.httpserver.HttpServer;
import dev.sluice.jsonrpc.Envelope;
import dev.sluice.jsonrpc.Envelope.Kind;
import dev.sluice.jsonrpc.Envelope.Part;
import java.io.IOException;
import java.io.OutputStream;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.UUID;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.atomic.AtomicInteger;

/**
 * An MCP server over Streamable HTTP that forgets its sessions and answers pings late when it is
 * told to, and counts the calls that it has carried out. The tools: {@code break} closes the
 * connection instead of answering; any other one answers with its name.
 */
final class RemoteTestServer implements AutoCloseable {

  private static final String LISTS =
      "{\"tools\":[{\"name\":\"one\",\"inputSchema\":{}},{\"name\":\"never\",\"inputSchema\":{}}],\"resources\":[],\"prompts\":[]}";

  /** Bodies of all POSTs, refused ones too. */
  final List<String> bodies = new CopyOnWriteArrayList<>();

  /** How often each tool was carried out. */
  final Map<String, AtomicInteger> done = new ConcurrentHashMap<>();

  final AtomicInteger initialized = new AtomicInteger();

  /** Sessions are forgotten as soon as they are opened. */
  volatile boolean forgetsAtOnce;

  /** Answered to {@code initialize}; empty for what the client asks for. */
  volatile String version = "";

  /** How long it takes to answer a ping. */
  volatile long pingMillis;

  private final CountDownLatch closed = new CountDownLatch(1);
  private final Set<String> sessions = ConcurrentHashMap.newKeySet();
  private final Set<HttpExchange> streams = ConcurrentHashMap.newKeySet();
  private final ExecutorService threads = Executors.newCachedThreadPool();
  private final HttpServer http;

  RemoteTestServer() throws IOException {
    http = HttpServer.create(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0), 100);
    http.setExecutor(threads);
    http.createContext("/mcp", this::serve);
    http.start();
  }

  String url() {
    return "http://127.0.0.1:" + http.getAddress().getPort() + "/mcp";
  }

  /** As after a restart: no session is known and no stream is open. */
  void forget() {
    sessions.clear();
    Set<HttpExchange> open = Set.copyOf(streams);
    streams.removeAll(open);
    open.forEach(HttpExchange::close);
  }

  /** Says something unasked, on the streams that clients have open. */
  void say(String message) throws IOException {
    for (HttpExchange stream : streams) {
      OutputStream out = stream.getResponseBody();
      out.write(("event: message\ndata: " + message + "\n\n").getBytes(UTF_8));
      out.flush();
    }
  }

  /** Whether a client listens to what is unasked. */
  boolean isHeard() {
    return !streams.isEmpty();
  }

  int calls(String tool) {
    return done.getOrDefault(tool, new AtomicInteger()).get();
  }

  private void serve(HttpExchange x) throws IOException {
    String session = x.getRequestHeaders().getFirst("Mcp-Session-Id");
    byte[] body = x.getRequestBody().readAllBytes();
    try {
      switch (x.getRequestMethod()) {
        case "GET" -> listen(x, session);
        case "POST" -> post(x, session, Envelope.read(body));
        default -> {
          sessions.remove(String.valueOf(session));
          empty(x, 204);
        }
      }
    } catch (Exception broken) {
      x.close();
    }
  }

  private void listen(HttpExchange x, String session) throws IOException {
    if (!sessions.contains(String.valueOf(session))) {
      empty(x, 404);
      return;
    }
    x.getResponseHeaders().set("Content-Type", "text/event-stream");
    x.sendResponseHeaders(200, 0);
    x.getResponseBody().write(":\n\n".getBytes(UTF_8));
    x.getResponseBody().flush();
    streams.add(x);
  }

  private void post(HttpExchange x, String session, Envelope message) throws Exception {
    bodies.add(new String(message.bytes(), UTF_8));
    if (message.method().equals("initialize")) {
      initialize(x, message);
    } else if (!sessions.contains(String.valueOf(session))) {
      empty(x, 404);
    } else if (message.kind() != Kind.REQUEST) {
      empty(x, 202);
    } else if (message.method().equals("tools/call")) {
      call(x, message);
    } else {
      if (message.method().equals("ping") && closed.await(pingMillis, MILLISECONDS)) {
        return;
      }
      answer(x, message, message.method().endsWith("/list") ? LISTS : "{}");
    }
  }

  private void initialize(HttpExchange x, Envelope message) throws IOException {
    initialized.incrementAndGet();
    String id = UUID.randomUUID().toString();
    if (!forgetsAtOnce) {
      sessions.add(id);
    }
    x.getResponseHeaders().set("Mcp-Session-Id", id);
    answer(
        x,
        message,
        "{\"protocolVersion\":"
            + (version.isEmpty() ? message.json(Part.PROTOCOL_VERSION) : "\"" + version + "\"")
            + ",\"capabilities\":{\"tools\":{},\"logging\":{},\"resources\":{\"subscribe\":true}},"
            + "\"serverInfo\":{\"name\":\"forgetful\",\"version\":\"1\"}}");
  }

  private void call(HttpExchange x, Envelope message) throws IOException {
    String tool = String.valueOf(message.string(Part.NAME));
    done.computeIfAbsent(tool, any -> new AtomicInteger()).incrementAndGet();
    if (tool.startsWith("break")) {
      x.close();
      return;
    }
    answer(x, message, "{\"content\":[{\"type\":\"text\",\"text\":\"" + tool + "\"}]}");
  }

  private static void answer(HttpExchange x, Envelope request, String result) throws IOException {
    byte[] json = Envelope.response(request, result).bytes();
    x.getResponseHeaders().set("Content-Type", "application/json");
    x.sendResponseHeaders(200, json.length);
    x.getResponseBody().write(json);
    x.close();
  }

  private static void empty(HttpExchange x, int status) throws IOException {
    x.sendResponseHeaders(status, -1);
    x.close();
  }

  @Override
  public void close() {
    closed.countDown();
    forget();
    http.stop(0);
    threads.shutdownNow();
  }
}
