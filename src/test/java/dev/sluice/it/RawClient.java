package dev.sluice.it;

import static org.assertj.core.api.Assertions.assertThat;

import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpRequest.BodyPublishers;
import java.net.http.HttpResponse;
import java.net.http.HttpResponse.BodyHandlers;
import java.time.Duration;
import java.util.Iterator;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;

/** An MCP client that says and hears text as it is, the same over each transport. */
interface RawClient extends AutoCloseable {

  HttpClient PLAIN = HttpClient.newBuilder().version(HttpClient.Version.HTTP_1_1).build();

  /** Sends a message, and gives the next one of the server if there is one to come. */
  String say(String message, boolean answered) throws Exception;

  /** Whether the session is over, or is within ten seconds. */
  boolean over() throws Exception;

  @Override
  void close();

  /** A client of that server over {@code http}, {@code sse} or {@code ws}. */
  static RawClient of(String transport, URI hub, String server) throws Exception {
    return switch (transport) {
      case "http" -> new OverHttp(hub.resolve("mcp/" + server));
      case "sse" -> new OverSse(hub, hub.resolve("mcp/" + server + "/sse"));
      case "ws" -> new OverWebSocket(hub, "/mcp/" + server + "/ws");
      default -> throw new IllegalArgumentException(transport);
    };
  }

  private static HttpResponse<String> post(URI to, String session, String body) throws Exception {
    HttpRequest.Builder request =
        HttpRequest.newBuilder(to)
            .timeout(Duration.ofSeconds(60))
            .header("Content-Type", "application/json")
            .header("Accept", "application/json, text/event-stream");
    if (!session.isEmpty()) {
      request.header("Mcp-Session-Id", session);
    }
    return PLAIN.send(request.POST(BodyPublishers.ofString(body)).build(), BodyHandlers.ofString());
  }

  /** Streamable HTTP. */
  final class OverHttp implements RawClient {
    private final URI server;
    private String session = "";

    private OverHttp(URI server) {
      this.server = server;
    }

    @Override
    public String say(String message, boolean answered) throws Exception {
      HttpResponse<String> answer = post(server, session, message);
      session = answer.headers().firstValue("Mcp-Session-Id").orElse(session);
      assertThat(answer.statusCode()).as(answer.body()).isEqualTo(answered ? 200 : 202);
      String body = answer.body();
      if (!answer.headers().firstValue("Content-Type").orElse("").startsWith("text/event")) {
        return body;
      }
      int data = body.lastIndexOf("data: ");
      return body.substring(data + 6, body.indexOf('\n', data));
    }

    @Override
    public boolean over() throws Exception {
      String ping = "{\"jsonrpc\":\"2.0\",\"id\":\"over\",\"method\":\"ping\"}";
      return post(server, session, ping).statusCode() == 404;
    }

    @Override
    public void close() {
      HttpRequest end =
          HttpRequest.newBuilder(server).header("Mcp-Session-Id", session).DELETE().build();
      assertThat(PLAIN.sendAsync(end, BodyHandlers.discarding()).join().statusCode())
          .isIn(200, 204, 404);
    }
  }

  /** HTTP+SSE. */
  final class OverSse implements RawClient {
    private final Stream<String> all;
    private final Iterator<String> data;
    private final URI messages;

    private OverSse(URI hub, URI stream) throws Exception {
      all = PLAIN.send(HttpRequest.newBuilder(stream).build(), BodyHandlers.ofLines()).body();
      data = all.filter(line -> line.startsWith("data: ")).map(l -> l.substring(6)).iterator();
      messages = hub.resolve(data.next());
    }

    @Override
    public String say(String message, boolean answered) throws Exception {
      assertThat(post(messages, "", message).statusCode()).isEqualTo(202);
      return answered ? data.next() : "";
    }

    @Override
    public boolean over() throws Exception {
      return CompletableFuture.supplyAsync(() -> !data.hasNext()).get(10, TimeUnit.SECONDS);
    }

    @Override
    public void close() {
      all.close();
    }
  }

  /** WebSocket. */
  final class OverWebSocket implements RawClient {
    private final McpSocketPeer socket;

    private OverWebSocket(URI hub, String path) throws Exception {
      socket = new McpSocketPeer(hub, path, "mcp");
    }

    @Override
    public String say(String message, boolean answered) throws Exception {
      socket.send(message);
      return answered ? String.valueOf(socket.messages.poll(30, TimeUnit.SECONDS)) : "";
    }

    @Override
    public boolean over() throws Exception {
      return socket.closed.poll(10, TimeUnit.SECONDS) != null;
    }

    @Override
    public void close() {
      socket.close();
    }
  }
}
