package dev.sluice.it;

import static java.nio.charset.StandardCharsets.UTF_8;

import dev.sluice.jsonrpc.Envelope;
import java.io.IOException;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpRequest.BodyPublishers;
import java.net.http.HttpResponse;
import java.net.http.HttpResponse.BodyHandlers;
import java.net.http.HttpResponse.BodySubscriber;
import java.net.http.HttpResponse.BodySubscribers;
import java.net.http.HttpResponse.ResponseInfo;
import java.time.Duration;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.concurrent.Flow;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;

/**
 * An MCP client over Streamable HTTP. Requests are posted without waiting for one another; once the
 * client is initialized it listens with GET as well.
 */
final class McpHttpPeer implements McpPeer {

  private final HttpClient http =
      HttpClient.newBuilder().version(HttpClient.Version.HTTP_1_1).build();
  private final BlockingQueue<String> messages = new LinkedBlockingQueue<>();
  private final URI url;
  private volatile String session = "";
  private volatile CompletableFuture<?> listening = CompletableFuture.completedFuture(null);

  McpHttpPeer(URI hub, String server) {
    url = hub.resolve("/mcp/" + server);
  }

  private HttpRequest.Builder request(String... headers) {
    HttpRequest.Builder request = HttpRequest.newBuilder(url).timeout(Duration.ofSeconds(90));
    if (headers.length > 0) {
      request.headers(headers);
    }
    return session.isEmpty() ? request : request.header("Mcp-Session-Id", session);
  }

  @Override
  public McpHttpPeer send(String message) throws Exception {
    return send(message, new String[0]);
  }

  /** As above with more headers. */
  McpHttpPeer send(String message, String... headers) throws Exception {
    HttpRequest request =
        request(headers)
            .header("Content-Type", "application/json")
            .header("Accept", "application/json, text/event-stream")
            .POST(BodyPublishers.ofString(message))
            .build();
    Envelope read = Envelope.read(message.getBytes(UTF_8));
    if (read.kind() != Envelope.Kind.REQUEST) {
      HttpResponse<String> taken = http.send(request, BodyHandlers.ofString());
      if (taken.statusCode() != 202) {
        throw new IOException(taken.statusCode() + " " + taken.body());
      }
      if (read.method().equals("notifications/initialized")) {
        listen();
      }
      return this;
    }
    CompletableFuture<HttpResponse<Void>> answer = http.sendAsync(request, this::body);
    if (read.method().equals("initialize")) {
      session =
          answer
              .get(60, TimeUnit.SECONDS)
              .headers()
              .firstValue("Mcp-Session-Id")
              .orElseThrow(() -> new IOException("no session"));
    } else {
      var unused = answer.exceptionally(this::failed);
    }
    return this;
  }

  private <T> T failed(Throwable problem) {
    Throwable cause = problem instanceof CompletionException ? problem.getCause() : problem;
    messages.add("failed: " + cause);
    return null;
  }

  private void listen() throws Exception {
    CompletableFuture<Void> open = new CompletableFuture<>();
    listening =
        http.sendAsync(
            request("Accept", "text/event-stream").GET().build(),
            info -> {
              open.complete(null);
              return body(info);
            });
    open.get(30, TimeUnit.SECONDS);
  }

  private BodySubscriber<Void> body(ResponseInfo info) {
    if (info.statusCode() != 200) {
      return BodySubscribers.mapping(
          BodySubscribers.ofString(UTF_8),
          text -> {
            messages.add("status " + info.statusCode() + ": " + text);
            return null;
          });
    }
    if (info.headers().firstValue("Content-Type").orElse("").startsWith("application/json")) {
      return BodySubscribers.mapping(
          BodySubscribers.ofString(UTF_8),
          text -> {
            messages.add(text);
            return null;
          });
    }
    return BodySubscribers.fromLineSubscriber(new Data(messages), any -> null, UTF_8, null);
  }

  /** The data of events as it comes; each event of the hub has one line of it, or none. */
  static final class Data implements Flow.Subscriber<String> {
    private final BlockingQueue<String> to;

    Data(BlockingQueue<String> to) {
      this.to = to;
    }

    @Override
    public void onSubscribe(Flow.Subscription subscription) {
      subscription.request(Long.MAX_VALUE);
    }

    @Override
    public void onNext(String line) {
      if (line.startsWith("data: ") && line.length() > 6) {
        to.add(line.substring(6));
      }
    }

    @Override
    public void onError(Throwable broken) {
      // seen by what waits for a message
    }

    @Override
    public void onComplete() {}
  }

  @Override
  public BlockingQueue<String> texts() {
    return messages;
  }

  @Override
  public void close() {
    try {
      http.send(
          request().timeout(Duration.ofSeconds(10)).DELETE().build(), BodyHandlers.discarding());
    } catch (IOException gone) {
      messages.add("failed: " + gone);
    } catch (InterruptedException interrupted) {
      Thread.currentThread().interrupt();
    }
    listening.cancel(true);
  }
}
