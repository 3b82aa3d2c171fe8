package dev.sluice.servers.upstream;

import static java.nio.charset.StandardCharsets.UTF_8;

import com.sun.net.httpserver.HttpExchange;
import com.sun.net.httpserver.HttpServer;
import dev.sluice.jsonrpc.Envelope;
import dev.sluice.jsonrpc.Envelope.Part;
import java.io.IOException;
import java.io.OutputStream;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.URI;
import java.util.List;
import java.util.Set;
import java.util.UUID;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;

/** An MCP server over Streamable HTTP at /mcp and HTTP+SSE at /sse, with faults to switch on. */
final class HttpTestServer implements AutoCloseable {

  final Set<String> faults = ConcurrentHashMap.newKeySet();
  final Set<String> sessions = ConcurrentHashMap.newKeySet();
  final List<String> log = new CopyOnWriteArrayList<>();
  final AtomicInteger initialized = new AtomicInteger();
  final AtomicInteger deafTo = new AtomicInteger();
  final AtomicInteger refuseGets = new AtomicInteger();
  final CountDownLatch reopened = new CountDownLatch(1);
  final BlockingQueue<String> push = new LinkedBlockingQueue<>();
  private final BlockingQueue<String> sse = new LinkedBlockingQueue<>();
  private final CountDownLatch stopped = new CountDownLatch(1);
  private final ExecutorService threads = Executors.newCachedThreadPool();
  private final HttpServer server;
  private volatile String pending = "";

  HttpTestServer() throws IOException {
    server = HttpServer.create(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0), 50);
    server.setExecutor(threads);
    server.createContext("/mcp", guarded(this::mcp));
    server.createContext("/sse", guarded(this::events));
    server.createContext("/messages", guarded(this::messages));
    server.createContext("/moved", guarded(x -> redirect(x, "/mcp")));
    server.createContext("/away", guarded(x -> redirect(x, "http://example.invalid/mcp")));
    server.start();
  }

  private interface Handler {
    void handle(HttpExchange exchange) throws Exception;
  }

  private static com.sun.net.httpserver.HttpHandler guarded(Handler handler) {
    return exchange -> {
      try {
        handler.handle(exchange);
      } catch (Exception clientGone) {
        exchange.close();
      }
    };
  }

  URI url(String path) {
    return URI.create("http://127.0.0.1:" + server.getAddress().getPort() + path);
  }

  private static void redirect(HttpExchange x, String to) throws IOException {
    x.getResponseHeaders().set("Location", to);
    x.sendResponseHeaders(307, -1);
    x.close();
  }

  private static void respond(HttpExchange x, int status, String type, String body)
      throws IOException {
    x.getRequestBody().readAllBytes();
    byte[] bytes = body.getBytes(UTF_8);
    if (!type.isEmpty()) {
      x.getResponseHeaders().set("Content-Type", type);
    }
    x.sendResponseHeaders(status, bytes.length == 0 ? -1 : bytes.length);
    if (bytes.length > 0) {
      x.getResponseBody().write(bytes);
    }
    x.close();
  }

  private static OutputStream stream(HttpExchange x) throws IOException {
    x.getResponseHeaders().set("Content-Type", "text/event-stream; charset=utf-8");
    x.sendResponseHeaders(200, 0);
    return x.getResponseBody();
  }

  private static void write(OutputStream out, String text) throws IOException {
    out.write(text.getBytes(UTF_8));
    out.flush();
  }

  private void mcp(HttpExchange x) throws Exception {
    String session = x.getRequestHeaders().getFirst("Mcp-Session-Id");
    String lastId = x.getRequestHeaders().getFirst("Last-Event-ID");
    switch (x.getRequestMethod()) {
      case "GET" -> get(x, session, lastId);
      case "DELETE" -> {
        log.add("DELETE " + sessions.remove(session));
        respond(x, 204, "", "");
      }
      default -> post(x, session);
    }
  }

  private void get(HttpExchange x, String session, String lastId) throws Exception {
    if (lastId != null) {
      log.add("resume " + lastId);
      if (lastId.equals("e1")) {
        write(stream(x), "id: e2\ndata: " + pending + "\n\n");
        x.close();
        return;
      }
    }
    if (lastId != null && faults.contains("forget-resumes")) {
      respond(x, 404, "", "");
      return;
    }
    if (refuseGets.getAndUpdate(n -> Math.max(0, n - 1)) > 0) {
      log.add("GET refused");
      respond(x, 503, "", "");
      return;
    }
    if (faults.contains("late-get")) {
      stopped.await(100, TimeUnit.MILLISECONDS);
    }
    if (faults.contains("silent-get")) {
      stopped.await();
    }
    if (faults.contains("no-get")) {
      respond(x, 405, "", "");
      return;
    }
    log.add("GET " + sessions.contains(session));
    OutputStream out = stream(x);
    write(out, ": hello\n\n");
    while (!stopped.await(0, TimeUnit.SECONDS)) {
      String message = push.poll(200, TimeUnit.MILLISECONDS);
      if (message == null) {
        continue;
      }
      if (message.equals("drop")) {
        break;
      }
      write(out, "event: message\nid: g1\nretry: 50\ndata: " + message + "\n\n");
    }
    x.close();
  }

  private void post(HttpExchange x, String session) throws Exception {
    Envelope message = Envelope.read(x.getRequestBody().readAllBytes());
    log.add(
        message.method()
            + " "
            + x.getRequestHeaders().getFirst("MCP-Protocol-Version")
            + " "
            + x.getRequestHeaders().getFirst("Authorization"));
    if (faults.contains("401")) {
      respond(x, 401, "", "");
      return;
    }
    if (message.method().equals("initialize")) {
      if (faults.contains("hold-initialize")) {
        reopened.await();
      }
      String id = UUID.randomUUID().toString();
      sessions.add(id);
      x.getResponseHeaders().set("Mcp-Session-Id", id);
      answer(x, message, initializeResult(message));
      return;
    }
    if (session == null || !sessions.contains(session)) {
      respond(
          x,
          session == null ? 400 : 404,
          "application/json",
          "{\"jsonrpc\":\"2.0\",\"id\":null,\"error\":{\"code\":-32001,\"message\":\"Session not found\"}}");
      return;
    }
    if (faults.contains("deaf") && message.kind() != Envelope.Kind.REQUEST) {
      deafTo.incrementAndGet();
      stopped.await();
      return;
    }
    if (message.kind() != Envelope.Kind.REQUEST) {
      if (message.method().equals("notifications/initialized")) {
        initialized.incrementAndGet();
      }
      respond(x, 202, "", "");
      return;
    }
    String tool = message.string(Part.NAME);
    if (message.method().equals("tools/call") && tool != null) {
      call(x, message, tool);
    } else {
      answer(x, message, result(message));
    }
  }

  private void call(HttpExchange x, Envelope message, String tool) throws Exception {
    String answer = text(Envelope.response(message, "{\"tool\":\"" + tool + "\"}"));
    switch (tool) {
      case "never" -> stopped.await();
      case "drop" -> {
        pending = answer;
        write(stream(x), "id: e1\nretry: 20\ndata:\n\n");
        x.close();
      }
      case "drop-then-forget" -> {
        faults.add("forget-resumes");
        write(stream(x), "id: e9\nretry: 20\ndata:\n\n");
        x.close();
      }
      case "drop-in-an-event" -> {
        pending = answer;
        write(stream(x), "id: e1\nretry: 20\ndata:\n\nid: e7\ndata: {\"half");
        x.close();
      }
      case "late-404" -> {
        reopened.await();
        respond(x, 404, "", "");
      }
      case "stays-open" -> {
        OutputStream out = stream(x);
        write(out, "data: " + answer + "\n\n");
        try {
          while (!stopped.await(50, TimeUnit.MILLISECONDS)) {
            write(out, ": still here\n\n");
          }
        } catch (IOException closed) {
          log.add("stream closed");
        }
        x.close();
      }
      case "secret" -> answerError(x, message, "you sent s3cret-token; " + "long ".repeat(1_000));
      case "drop-for-good" -> {
        write(stream(x), ": nothing\n\n");
        x.close();
      }
      case "lines" ->
          raw(
              x,
              "\uFEFFevent: message\r\ndata: {\"jsonrpc\":\"2.0\",\r\ndata: \"id\":"
                  + message.idText()
                  + ",\r\ndata: \"result\":{\"tool\":\"lines\"}}\r\n\r\n");
      case "batch" ->
          respond(
              x,
              200,
              "application/json",
              "[{\"jsonrpc\":\"2.0\",\"method\":\"notifications/x\"}," + answer + "]");
      case "garbage" -> respond(x, 200, "application/json", "{\"jsonrpc\":");
      case "too-large" -> {
        x.getResponseHeaders().set("Content-Type", "application/json");
        x.sendResponseHeaders(200, 0);
        byte[] block = new byte[1 << 20];
        for (int i = 0; i < 20; i++) {
          x.getResponseBody().write(block);
        }
        x.close();
      }
      case "bad-request" ->
          respond(x, 400, "application/json", text(Envelope.error(message, -32602, "bad")));
      case "500" -> respond(x, 500, "text/html", "<h1>no</h1>");
      case "accepted" -> respond(x, 202, "", "");
      default -> answer(x, message, "{\"tool\":\"" + tool + "\"}");
    }
  }

  private static void answerError(HttpExchange x, Envelope request, String text)
      throws IOException {
    respond(x, 200, "application/json", text(Envelope.error(request, -32000, text)));
  }

  private void raw(HttpExchange x, String text) throws IOException {
    OutputStream out = stream(x);
    for (byte b : text.getBytes(UTF_8)) {
      out.write(b);
      out.flush();
    }
    x.close();
  }

  private static String initializeResult(Envelope message) {
    return "{\"protocolVersion\":"
        + message.json(Part.PROTOCOL_VERSION)
        + ",\"capabilities\":{\"tools\":{\"listChanged\":true}},\"serverInfo\":{\"name\":\"h\","
        + "\"version\":\"1\"}}";
  }

  private String result(Envelope message) {
    return message.method().equals("tools/list")
        ? "{\"tools\":[{\"name\":\"a\"}"
            + (faults.contains("more") ? ",{\"name\":\"b\"}" : "")
            + "]}"
        : "{}";
  }

  private static String text(Envelope message) {
    return new String(message.bytes(), UTF_8);
  }

  private void answer(HttpExchange x, Envelope request, String result) throws IOException {
    String json = text(Envelope.response(request, result));
    if (faults.contains("stream")) {
      raw(x, ": c\n\nevent: message\ndata: " + json + "\n\n");
    } else {
      respond(x, 200, "application/json; charset=utf-8", json);
    }
  }

  private void events(HttpExchange x) throws Exception {
    if (!x.getRequestMethod().equals("GET")) {
      respond(x, 405, "", "");
      return;
    }
    OutputStream out = stream(x);
    String endpoint =
        faults.contains("foreign") ? "http://example.invalid/messages" : "/messages?session_id=1";
    write(out, "event: endpoint\ndata: " + endpoint + "\n\n");
    while (!stopped.await(0, TimeUnit.SECONDS)) {
      String message = sse.poll(200, TimeUnit.MILLISECONDS);
      if (message != null && message.equals("drop")) {
        break;
      }
      if (message != null) {
        write(out, "event: message\ndata: " + message + "\n\n");
      }
    }
    x.close();
  }

  void pushSse(String message) {
    sse.add(message);
  }

  private void messages(HttpExchange x) throws Exception {
    Envelope message = Envelope.read(x.getRequestBody().readAllBytes());
    log.add(message.method() + " " + message.json(Part.REQUEST_ID));
    if (faults.contains("404")) {
      respond(x, 404, "", "");
      return;
    }
    respond(x, 202, "text/plain", "Accepted");
    String tool = message.string(Part.NAME);
    if (message.kind() == Envelope.Kind.REQUEST && !"never".equals(tool)) {
      sse.add(
          text(
              Envelope.response(
                  message,
                  message.method().equals("initialize")
                      ? initializeResult(message)
                      : tool == null ? result(message) : "{\"tool\":\"" + tool + "\"}")));
    }
  }

  @Override
  public void close() {
    stopped.countDown();
    server.stop(0);
    threads.shutdownNow();
  }
}
