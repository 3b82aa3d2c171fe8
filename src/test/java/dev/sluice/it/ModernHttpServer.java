package dev.sluice.it;

import static java.nio.charset.StandardCharsets.UTF_8;

import com.sun.net.httpserver.HttpExchange;
import com.sun.net.httpserver.HttpServer;
import dev.sluice.jsonrpc.Envelope;
import dev.sluice.jsonrpc.Envelope.Kind;
import java.io.IOException;
import java.io.OutputStream;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.util.List;
import java.util.Locale;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.TimeUnit;

/** {@link ModernTestServer} over Streamable HTTP; notes the requests and headers it gets. */
final class ModernHttpServer implements AutoCloseable {

  final ModernTestServer server;

  /** Method and body of each request. */
  final List<String> requests = new CopyOnWriteArrayList<>();

  /** The headers of MCP of each request, in lower case, as {@code name: value}. */
  final List<String> headers = new CopyOnWriteArrayList<>();

  private final ExecutorService threads = Executors.newCachedThreadPool();
  private final HttpServer http;

  ModernHttpServer(String... flags) throws IOException {
    server = new ModernTestServer(flags);
    http = HttpServer.create(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0), 50);
    http.setExecutor(threads);
    http.createContext("/mcp", this::serve);
    http.start();
  }

  String url() {
    return "http://127.0.0.1:" + http.getAddress().getPort() + "/mcp";
  }

  private void serve(HttpExchange x) throws IOException {
    byte[] body = x.getRequestBody().readAllBytes();
    requests.add(x.getRequestMethod() + " " + new String(body, UTF_8));
    x.getRequestHeaders()
        .forEach(
            (name, values) -> {
              if (name.toLowerCase(Locale.ROOT).startsWith("mcp-")) {
                headers.add(name.toLowerCase(Locale.ROOT) + ": " + String.join(",", values));
              }
            });
    try {
      Envelope message = Envelope.read(body);
      if (message.kind() != Kind.REQUEST) {
        x.sendResponseHeaders(202, -1);
        x.close();
      } else if (ModernTestServer.streams(message)) {
        stream(x, message);
      } else {
        server.serve(message, json -> whole(x, json));
      }
    } catch (Exception broken) {
      x.close();
    }
  }

  private static void whole(HttpExchange x, String json) throws IOException {
    byte[] bytes = json.getBytes(UTF_8);
    x.getResponseHeaders().set("Content-Type", "application/json");
    int status =
        json.contains("\"code\":-32601") ? 404 : json.contains("\"code\":-3202") ? 400 : 200;
    x.sendResponseHeaders(status, bytes.length);
    x.getResponseBody().write(bytes);
    x.close();
  }

  /** With a comment every 50 ms, by which the end of the client is seen. */
  private void stream(HttpExchange x, Envelope message) throws IOException {
    x.getResponseHeaders().set("Content-Type", "text/event-stream");
    x.sendResponseHeaders(200, 0);
    OutputStream out = x.getResponseBody();
    var beats =
        threads.submit(
            () -> {
              try {
                while (true) {
                  TimeUnit.MILLISECONDS.sleep(50);
                  write(out, ":\n\n");
                }
              } catch (IOException left) {
                server.cancel(message.idText());
              }
              return null;
            });
    server.serve(message, json -> write(out, "event: message\r\ndata: " + json + "\r\n\r\n"));
    beats.cancel(true);
    x.close();
  }

  private static void write(OutputStream out, String text) throws IOException {
    synchronized (out) {
      out.write(text.getBytes(UTF_8));
      out.flush();
    }
  }

  @Override
  public void close() {
    http.stop(0);
    threads.shutdownNow();
  }
}
