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
import java.net.http.HttpResponse.BodySubscribers;
import java.time.Duration;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;

/** An MCP client over HTTP+SSE: posts without waiting for one another, answers on one stream. */
final class McpSsePeer implements McpPeer {

  private final HttpClient http =
      HttpClient.newBuilder().version(HttpClient.Version.HTTP_1_1).build();
  private final BlockingQueue<String> messages = new LinkedBlockingQueue<>();
  private final CompletableFuture<?> stream;
  private final URI endpoint;

  McpSsePeer(URI hub, String server) throws Exception {
    stream =
        http.sendAsync(
            HttpRequest.newBuilder(hub.resolve("/mcp/" + server + "/sse")).build(),
            info ->
                BodySubscribers.fromLineSubscriber(
                    new McpHttpPeer.Data(messages), any -> null, UTF_8, null));
    endpoint = hub.resolve(text());
  }

  @Override
  public McpSsePeer send(String message) throws Exception {
    HttpRequest request =
        HttpRequest.newBuilder(endpoint)
            .timeout(Duration.ofSeconds(90))
            .header("Content-Type", "application/json")
            .POST(BodyPublishers.ofString(message))
            .build();
    if (Envelope.read(message.getBytes(UTF_8)).kind() == Envelope.Kind.REQUEST) {
      var unused =
          http.sendAsync(request, BodyHandlers.ofString())
              .whenComplete(
                  (taken, problem) -> {
                    if (problem != null) {
                      messages.add("failed: " + problem);
                    } else if (taken.statusCode() != 202) {
                      messages.add("status " + taken.statusCode() + ": " + taken.body());
                    }
                  });
      return this;
    }
    HttpResponse<String> taken = http.send(request, BodyHandlers.ofString());
    if (taken.statusCode() != 202) {
      throw new IOException(taken.statusCode() + " " + taken.body());
    }
    return this;
  }

  @Override
  public BlockingQueue<String> texts() {
    return messages;
  }

  /** Done when the hub has ended the stream. */
  boolean isOver() {
    return stream.isDone();
  }

  /** Waits for the hub to end the stream. */
  void awaitEnd() throws Exception {
    stream.handle((end, broken) -> true).get(20, TimeUnit.SECONDS);
  }

  @Override
  public void close() {
    stream.cancel(true);
  }
}
