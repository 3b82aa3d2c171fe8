package dev.sluice.servers.upstream;

import dev.sluice.jsonrpc.Envelope;
import dev.sluice.jsonrpc.Envelope.Kind;
import dev.sluice.jsonrpc.Envelope.Part;
import dev.sluice.jsonrpc.MalformedMessageException;
import java.net.URI;
import java.net.http.HttpRequest;
import java.net.http.HttpRequest.BodyPublishers;
import java.net.http.HttpResponse;
import java.nio.charset.StandardCharsets;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.atomic.AtomicBoolean;
import org.jspecify.annotations.Nullable;

/**
 * Stateless Streamable HTTP (2026-07-28): each request is one POST, answered by JSON or by an event
 * stream that ends with the answer. Giving a request up closes its connection, which is how the
 * server is told.
 */
final class ModernHttp implements ModernUpstream {

  private static final String EVENTS = "text/event-stream";

  private final URI url;
  private final HttpCalls http;
  private final Posts posts;
  private final LogRing log;
  private final Secrets secrets;

  ModernHttp(URI url, HttpCalls http, Posts posts, LogRing log, Secrets secrets) {
    this.url = url;
    this.http = http;
    this.posts = posts;
    this.log = log;
    this.secrets = secrets;
  }

  /** POSTs under way. */
  int underWay() {
    return posts.underWay();
  }

  @Override
  public Exchange send(Envelope message, Map<String, String> headers, Receiver receiver) {
    Post post = new Post(message, receiver);
    post.send(headers);
    return post;
  }

  /** One request on its way and its answer on its way back. */
  private final class Post implements Exchange, Connection.Inbound {
    private final Envelope message;
    private final Receiver receiver;
    private final CompletableFuture<Void> place = new CompletableFuture<>();
    private final EventParser parser = new EventParser(this::event);
    private final AtomicBoolean over = new AtomicBoolean();
    private volatile boolean streaming;
    private volatile @Nullable CompletableFuture<?> sending;

    Post(Envelope message, Receiver receiver) {
      this.message = message;
      this.receiver = receiver;
    }

    void send(Map<String, String> further) {
      HttpRequest request;
      try {
        HttpRequest.Builder builder = http.request(url);
        builder.setHeader("Content-Type", "application/json");
        builder.setHeader("Accept", "application/json, " + EVENTS);
        ModernHeaders.of(message).forEach(builder::setHeader);
        further.forEach(builder::setHeader);
        request = builder.POST(BodyPublishers.ofByteArray(message.bytes())).build();
      } catch (StartFailure | IllegalArgumentException unsendable) {
        fail(
            UpstreamException.of(
                UpstreamException.Kind.PROTOCOL, String.valueOf(unsendable.getMessage())),
            0);
        return;
      }
      if (!posts.enter(place)) {
        fail(
            UpstreamException.of(
                UpstreamException.Kind.BUSY, "too many requests to the server are under way"),
            0);
        return;
      }
      CompletableFuture<HttpResponse<byte[]>> sent =
          HttpCalls.isHarmless(message)
              ? http.sendAgain(request, this::body)
              : http.send(request, this::body);
      sending = sent;
      CompletableFuture<?> unused =
          sent.whenComplete(
              (response, problem) -> {
                if (problem != null) {
                  fail(UpstreamException.from(problem), 0);
                } else {
                  finished(response);
                }
                place.complete(null);
              });
      unused =
          place.whenComplete(
              (done, problem) -> {
                sent.cancel(true);
                if (problem != null) {
                  fail(UpstreamException.from(problem), 0);
                }
              });
      if (over.get()) {
        sent.cancel(true); // given up while it was sent
      }
    }

    private HttpResponse.BodySubscriber<byte[]> body(HttpResponse.ResponseInfo info) {
      if (info.statusCode() == 200 && HttpCalls.mediaType(info).equals(EVENTS)) {
        streaming = true;
        return Bodies.events(parser);
      }
      return Bodies.whole(info.statusCode() == 200 ? Bodies.MAX_MESSAGE : Bodies.MAX_ERROR);
    }

    private void event(String name, byte[] data) {
      if (name.equals("message")) {
        HttpCalls.deliver(data, "http", this);
      }
    }

    private void finished(HttpResponse<byte[]> response) {
      int status = response.statusCode();
      if (streaming) {
        fail(
            UpstreamException.of(
                UpstreamException.Kind.DISCONNECTED, "the stream ended before the answer"),
            0);
        return;
      }
      Envelope answer = answer(response.body());
      // What refuses the hub itself, or all it asks for, is not the answer to a client's request.
      boolean refusesAll = status == 401 || status == 403 || status == 429 || status >= 500;
      if (answer != null && !refusesAll) {
        last(status, answer);
      } else if (status == 200) {
        fail(
            UpstreamException.of(
                UpstreamException.Kind.PROTOCOL, "HTTP status 200 without an answer"),
            0);
      } else {
        fail(HttpCalls.refused(status, response.body()), status);
      }
    }

    /** The answer to this request; an error that names no request is taken for one. */
    private @Nullable Envelope answer(byte[] body) {
      try {
        Envelope read = Envelope.read(body);
        if (isAnswer(read)) {
          return read;
        }
        boolean nobodys = read.kind() == Kind.ERROR && "null".equals(read.idText());
        String own = message.idText();
        return nobodys && own != null
            ? Envelope.read(read.splice(Map.of(Part.ID, own.getBytes(StandardCharsets.UTF_8))))
            : null;
      } catch (MalformedMessageException noMessage) {
        return null;
      }
    }

    private boolean isAnswer(Envelope read) {
      return (read.kind() == Kind.RESPONSE || read.kind() == Kind.ERROR)
          && Objects.equals(read.idText(), message.idText());
    }

    /** From the event stream. */
    @Override
    public void received(Envelope arrived) {
      if (isAnswer(arrived)) {
        last(200, arrived);
        posts.endAfterAnswer(place);
      } else if (arrived.kind() == Kind.NOTIFICATION && !over.get()) {
        receiver.received(200, arrived);
      } else if (!over.get()) {
        noise("http", "not part of the answer: " + arrived);
      }
    }

    private void last(int status, Envelope answer) {
      if (over.compareAndSet(false, true)) {
        receiver.received(status, answer);
      }
    }

    private void fail(UpstreamException why, int status) {
      if (over.compareAndSet(false, true)) {
        receiver.failed(why.masked(secrets), status);
      }
    }

    @Override
    public void cancel() {
      over.set(true);
      CompletableFuture<?> current = sending;
      if (current != null) {
        current.cancel(true);
      }
    }

    @Override
    public void noise(String stream, String text) {
      LogLine unused = log.add(stream, LogRing.levelOf(text), secrets.mask(text));
    }

    @Override
    public void stderr(String line) {
      noise("stderr", line);
    }

    @Override
    public void ended(String reason, Optional<Integer> exitCode) {
      fail(UpstreamException.of(UpstreamException.Kind.DISCONNECTED, reason), 0);
    }
  }
}
