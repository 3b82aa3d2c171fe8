package dev.sluice.servers.upstream;

import dev.sluice.jsonrpc.Envelope;
import dev.sluice.servers.upstream.UpstreamException.Kind;
import java.net.URI;
import java.net.http.HttpRequest;
import java.net.http.HttpRequest.BodyPublishers;
import java.net.http.HttpResponse;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import org.jspecify.annotations.Nullable;

/**
 * HTTP+SSE, MCP 2024-11-05: everything the server says comes over one event stream, whose first
 * event names the URL (of the same origin) that messages are posted to. A broken stream ends the
 * session.
 */
final class SseConnection implements Connection {

  private static final String EVENTS = "text/event-stream";

  private final URI url;
  private final HttpCalls http;
  private final Duration openTimeout;
  private final Posts posts;
  private final CompletableFuture<URI> endpoint = new CompletableFuture<>();
  private volatile @Nullable CompletableFuture<?> stream;

  SseConnection(URI url, HttpCalls http, Duration openTimeout, Posts posts) {
    this.url = url;
    this.posts = posts;
    this.http = http;
    this.openTimeout = openTimeout;
  }

  @Override
  public void open(Inbound inbound) throws InterruptedException {
    EventParser parser = new EventParser((name, data) -> event(name, data, inbound));
    CompletableFuture<HttpResponse<byte[]>> sent =
        http.send(
            http.request(url).setHeader("Accept", EVENTS).GET().build(),
            info ->
                info.statusCode() == 200 && HttpCalls.mediaType(info).equals(EVENTS)
                    ? Bodies.events(parser)
                    : Bodies.whole(Bodies.MAX_ERROR));
    stream = sent;
    CompletableFuture<?> unused =
        sent.whenComplete((response, problem) -> streamEnded(response, problem, inbound));
    try {
      endpoint.get(openTimeout.toMillis(), TimeUnit.MILLISECONDS);
    } catch (TimeoutException late) {
      sent.cancel(true);
      throw HttpCalls.failure(
          "no endpoint event within " + openTimeout.toSeconds() + " s",
          "check that \"url\" is an HTTP+SSE stream; a newer server has \"type\": \"http\"");
    } catch (ExecutionException failed) {
      Throwable cause = failed.getCause();
      throw HttpCalls.failure(
          String.valueOf(cause == null ? failed.getMessage() : cause.getMessage()),
          "check \"url\" and \"type\" of the server");
    }
  }

  private void streamEnded(
      @Nullable HttpResponse<byte[]> response, @Nullable Throwable problem, Inbound inbound) {
    String why;
    if (problem != null) {
      why = String.valueOf(problem.getMessage());
    } else if (response != null && response.statusCode() != 200) {
      why = String.valueOf(HttpCalls.refused(response.statusCode(), response.body()).getMessage());
    } else {
      why = "the event stream ended";
    }
    endpoint.completeExceptionally(UpstreamException.of(Kind.DISCONNECTED, why));
    inbound.ended(why, Optional.empty());
  }

  private void event(String name, byte[] data, Inbound inbound) {
    if (name.equals("endpoint")) {
      try {
        URI target = url.resolve(new String(data, StandardCharsets.UTF_8).trim());
        if (!HttpCalls.sameOrigin(url, target)) {
          throw new IllegalArgumentException("the endpoint event names another origin");
        }
        endpoint.complete(target);
      } catch (IllegalArgumentException wrong) {
        endpoint.completeExceptionally(
            UpstreamException.of(Kind.PROTOCOL, String.valueOf(wrong.getMessage())));
      }
    } else if (name.equals("message")) {
      HttpCalls.deliver(data, "sse", inbound);
    }
  }

  @Override
  public CompletableFuture<Void> send(Envelope message) {
    URI target = endpoint.isCompletedExceptionally() ? null : endpoint.getNow(null);
    if (target == null) {
      return CompletableFuture.failedFuture(
          UpstreamException.of(Kind.DISCONNECTED, "the event stream is not open"));
    }
    HttpRequest request =
        http.request(target)
            .setHeader("Content-Type", "application/json")
            .setHeader("Accept", "application/json, " + EVENTS)
            .POST(BodyPublishers.ofByteArray(message.bytes()))
            .build();
    CompletableFuture<Void> done = new CompletableFuture<>();
    if (!posts.enter(done)) {
      return done;
    }
    posts.limitOneWay(done); // every answer comes over the stream
    CompletableFuture<HttpResponse<byte[]>> sent =
        HttpCalls.isHarmless(message)
            ? http.sendAgain(request, info -> Bodies.whole(Bodies.MAX_ERROR))
            : http.send(request, info -> Bodies.whole(Bodies.MAX_ERROR));
    CompletableFuture<?> unused = done.whenComplete((v, e) -> sent.cancel(true));
    unused =
        sent.whenComplete(
            (response, problem) -> {
              if (problem != null) {
                done.completeExceptionally(problem);
              } else if (response.statusCode() / 100 != 2) {
                done.completeExceptionally(
                    HttpCalls.refused(response.statusCode(), response.body()));
              } else {
                done.complete(null);
              }
            });
    return done;
  }

  @Override
  public int queued() {
    return posts.underWay();
  }

  @Override
  public void close() {
    CompletableFuture<?> current = stream;
    if (current != null) {
      current.cancel(true);
    }
  }
}
