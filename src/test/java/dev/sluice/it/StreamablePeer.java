package dev.sluice.it;

import static org.assertj.core.api.Assertions.assertThat;

import jakarta.json.Json;
import jakarta.json.JsonObject;
import java.io.StringReader;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpRequest.BodyPublisher;
import java.net.http.HttpRequest.BodyPublishers;
import java.net.http.HttpResponse;
import java.net.http.HttpResponse.BodyHandlers;
import java.time.Duration;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.Flow;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;

/** An MCP client over Streamable HTTP that sees each status, header and event. */
final class StreamablePeer {

  static final String INITIALIZED =
      "{\"jsonrpc\":\"2.0\",\"method\":\"notifications/initialized\"}";

  private static final HttpClient PLAIN =
      HttpClient.newBuilder().version(HttpClient.Version.HTTP_1_1).build();
  private static final String END = "\0";

  private final URI url;

  /** The session's id; empty without one. */
  String session = "";

  StreamablePeer(URI hub, String server) {
    url = hub.resolve("mcp/" + server);
  }

  static JsonObject object(String text) {
    try (var reader = Json.createReader(new StringReader(text))) {
      return reader.readObject();
    }
  }

  static String request(String id, String method, String params) {
    return "{\"jsonrpc\":\"2.0\",\"id\":"
        + id
        + ",\"method\":\""
        + method
        + "\",\"params\":"
        + params
        + "}";
  }

  /** A call of that tool with a text, and with its id as the progress token. */
  static String call(String id, String tool, String text) {
    return request(
        id,
        "tools/call",
        "{\"_meta\":{\"progressToken\":"
            + id
            + "},\"name\":\""
            + tool
            + "\",\"arguments\":{\"text\":\""
            + text
            + "\"}}");
  }

  static String initialize(String version, String capabilities) {
    return request(
        "0",
        "initialize",
        "{\"protocolVersion\":\""
            + version
            + "\",\"capabilities\":"
            + capabilities
            + ",\"clientInfo\":{\"name\":\"it\",\"version\":\"1\"}}");
  }

  /** Opens a session, with the capabilities given. */
  StreamablePeer open(String version, String capabilities) throws Exception {
    HttpResponse<String> answer = post(initialize(version, capabilities));
    assertThat(message(answer).getJsonObject("result").getString("protocolVersion"))
        .isEqualTo(version);
    session = answer.headers().firstValue("Mcp-Session-Id").orElseThrow();
    HttpResponse<String> initialized = post(INITIALIZED);
    assertThat(initialized.statusCode()).isEqualTo(202);
    assertThat(initialized.body()).isEmpty();
    return this;
  }

  StreamablePeer open() throws Exception {
    return open("2025-11-25", "{}");
  }

  private HttpRequest.Builder to(String... headers) {
    HttpRequest.Builder request =
        HttpRequest.newBuilder(url)
            .timeout(Duration.ofSeconds(60))
            .header("Accept", "application/json, text/event-stream");
    if (!session.isEmpty()) {
      request.header("Mcp-Session-Id", session);
    }
    for (int i = 0; i < headers.length; i += 2) {
      request.setHeader(headers[i], headers[i + 1]);
    }
    return request;
  }

  private static BodyPublisher body(String text) {
    return text.isEmpty() ? BodyPublishers.noBody() : BodyPublishers.ofString(text);
  }

  HttpResponse<String> post(String body, String... headers) throws Exception {
    return PLAIN.send(
        to(headers).setHeader("Content-Type", "application/json").POST(body(body)).build(),
        BodyHandlers.ofString());
  }

  /** Sends what has no body. */
  HttpResponse<String> send(String method, String... headers) throws Exception {
    return PLAIN.send(
        to(headers).method(method, BodyPublishers.noBody()).build(), BodyHandlers.ofString());
  }

  /** The one message of a JSON answer, or the last one of an event stream. */
  static JsonObject message(HttpResponse<String> answer) {
    assertThat(answer.statusCode()).as(answer.body()).isEqualTo(200);
    String body = answer.body();
    int data = body.lastIndexOf("data: {");
    return object(data < 0 ? body : body.substring(data + 6, body.indexOf('\n', data)));
  }

  /** The text that a tool answers. */
  static String text(JsonObject answer) {
    return answer
        .getJsonObject("result")
        .getJsonArray("content")
        .getJsonObject(0)
        .getString("text");
  }

  /** Calls a tool, waits, and gives the text it answered. */
  String ask(String tool, String text) throws Exception {
    return text(message(post(call("\"ask\"", tool, text))));
  }

  /** Posts, and reads the answer as it comes. */
  Stream stream(String body) {
    return new Stream(
        to("Accept", "text/event-stream, application/json")
            .setHeader("Content-Type", "application/json")
            .POST(body(body))
            .build());
  }

  /** Listens with GET. */
  Stream listen(String... headers) {
    return new Stream(to(headers).setHeader("Accept", "text/event-stream").GET().build());
  }

  /** An event stream that is read line by line as it comes. */
  static final class Stream implements Flow.Subscriber<String>, AutoCloseable {
    private final BlockingQueue<String> lines = new LinkedBlockingQueue<>();
    private final CompletableFuture<Integer> status = new CompletableFuture<>();
    private final CompletableFuture<Flow.Subscription> subscription = new CompletableFuture<>();

    private Stream(HttpRequest request) {
      var unused =
          PLAIN
              .sendAsync(
                  request,
                  head -> {
                    status.complete(head.statusCode());
                    return HttpResponse.BodySubscribers.fromLineSubscriber(this);
                  })
              .whenComplete((done, failure) -> lines.add(END));
    }

    int status() throws Exception {
      return status.get(30, TimeUnit.SECONDS);
    }

    /** The next line; null at the end, orderly or not. */
    String line() throws InterruptedException {
      String line = lines.poll(30, TimeUnit.SECONDS);
      assertThat(line).as("a line within 30 s").isNotNull();
      return line.equals(END) ? null : line;
    }

    /** The next message; null at the end. */
    JsonObject next() throws InterruptedException {
      String line = line();
      while (line != null && !line.startsWith("data: {")) {
        line = line();
      }
      return line == null ? null : object(line.substring(6));
    }

    @Override
    public void onSubscribe(Flow.Subscription made) {
      subscription.complete(made);
      made.request(Long.MAX_VALUE);
    }

    @Override
    public void onNext(String line) {
      lines.add(line);
    }

    @Override
    public void onError(Throwable failure) {
      lines.add(END);
    }

    @Override
    public void onComplete() {
      lines.add(END);
    }

    /** Cuts the connection, also one of which no answer has come. */
    @Override
    public void close() {
      subscription.thenAccept(Flow.Subscription::cancel);
    }
  }
}
