package dev.sluice.servers.upstream;

import dev.sluice.jsonrpc.Envelope;
import dev.sluice.servers.upstream.UpstreamException.Kind;
import java.net.URI;
import java.net.http.HttpRequest;
import java.net.http.HttpRequest.BodyPublishers;
import java.net.http.HttpResponse;
import java.time.Duration;
import java.util.Objects;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.concurrent.atomic.AtomicInteger;
import org.jspecify.annotations.Nullable;

/**
 * Streamable HTTP, MCP 2025-03-26 to 2025-11-25: each message is a POST, answered by JSON or by an
 * event stream that is resumed if it drops; what the server says unasked comes over a GET stream.
 */
final class StreamableHttpConnection implements Connection {

  private static final String SESSION = "Mcp-Session-Id";
  private static final String EVENTS = "text/event-stream";
  private static final String FIRST_VERSION_WITH_HEADER = "2025-06-18";
  private static final int RESUMES = 5;
  private static final long RETRY_MILLIS = 1_000;
  private static final long MAX_RETRY_MILLIS = 30_000;
  private static final Duration FAREWELL = Duration.ofSeconds(2);

  /** How long messages wait for the GET stream; some servers answer it with their first event. */
  private static final long LISTENING_MILLIS = 250;

  private final URI url;
  private final HttpCalls http;
  private final ScheduledExecutorService timer;
  private final Posts posts;
  private final Set<Exchange> exchanges = ConcurrentHashMap.newKeySet();
  private final AtomicInteger listening = new AtomicInteger();

  private volatile @Nullable Inbound inbound;
  private volatile @Nullable String session;
  private volatile String version = "";
  private volatile boolean closed;
  private volatile @Nullable CompletableFuture<?> stream;

  /** The session that has had a GET stream: only of such a one does a 404 say that it is lost. */
  private volatile String streamed = "";

  /** Done once the server has answered the GET, or will not soon. */
  private volatile CompletableFuture<?> heard = CompletableFuture.completedFuture(null);

  StreamableHttpConnection(
      URI url, HttpCalls http, ScheduledExecutorService timer, Posts.Limits limits) {
    this.url = url;
    this.http = http;
    this.timer = timer;
    this.posts = new Posts(limits, timer);
  }

  @Override
  public void open(Inbound to) {
    http.request(url);
    inbound = to;
  }

  @Override
  public void negotiated(String negotiated) {
    version = negotiated;
  }

  @Override
  public String session() {
    String current = session;
    return current == null ? "" : current;
  }

  private HttpRequest.Builder request(@Nullable String inSession) {
    return request(inSession, version);
  }

  private HttpRequest.Builder request(@Nullable String inSession, String inVersion) {
    HttpRequest.Builder builder = http.request(url);
    if (inSession != null) {
      builder.setHeader(SESSION, inSession);
    }
    if (inVersion.compareTo(FIRST_VERSION_WITH_HEADER) >= 0) {
      builder.setHeader("MCP-Protocol-Version", inVersion);
    }
    return builder;
  }

  @Override
  public CompletableFuture<Void> send(Envelope message) {
    Inbound to = inbound;
    if (to == null || closed) {
      return CompletableFuture.failedFuture(
          UpstreamException.of(Kind.DISCONNECTED, "the connection is closed"));
    }
    Exchange exchange = new Exchange(message, to);
    if (!posts.enter(exchange.done)) {
      return exchange.done;
    }
    if (!exchange.expectsAnswer()) {
      posts.limitOneWay(exchange.done);
    }
    exchanges.add(exchange);
    CompletableFuture<?> unused =
        exchange.done.whenComplete(
            (v, e) -> {
              exchanges.remove(exchange);
              exchange.cancel();
            });
    CompletableFuture<?> first = heard;
    if (first.isDone() || exchange.opensSession()) {
      exchange.post();
    } else {
      // What the server asks while it answers is lost if nobody listens yet.
      unused = first.whenComplete((v, e) -> exchange.post());
    }
    if (closed) {
      exchange.done.cancel(true); // was closed meanwhile, perhaps without seeing this one
    }
    return exchange.done;
  }

  /** One message on its way and, for a request, the answer on its way back. */
  private final class Exchange {
    final Envelope message;
    final Inbound to;
    final CompletableFuture<Void> done = new CompletableFuture<>();
    final @Nullable String inSession;
    private final EventParser parser = new EventParser(this::event);
    private volatile boolean answered;
    private volatile boolean streaming;
    private volatile @Nullable CompletableFuture<?> current;
    private int resumes;
    private String resumedFrom = "";

    Exchange(Envelope message, Inbound to) {
      this.message = message;
      this.to = to;
      // The first message of a session belongs to none yet; the others keep the old one until the
      // new one is there.
      this.inSession = opensSession() ? null : session;
    }

    private boolean opensSession() {
      return message.method().equals("initialize");
    }

    void cancel() {
      CompletableFuture<?> exchange = current;
      if (exchange != null) {
        exchange.cancel(true);
      }
    }

    boolean expectsAnswer() {
      return message.kind() == Envelope.Kind.REQUEST;
    }

    void post() {
      HttpRequest request =
          request(inSession, opensSession() ? "" : version)
              .setHeader("Content-Type", "application/json")
              .setHeader("Accept", "application/json, " + EVENTS)
              .POST(BodyPublishers.ofByteArray(message.bytes()))
              .build();
      exchange(request);
    }

    private void exchange(HttpRequest request) {
      if (done.isDone()) {
        return; // given up while it waited to resume
      }
      CompletableFuture<HttpResponse<byte[]>> sent =
          HttpCalls.isHarmless(message)
              ? http.sendAgain(request, this::body)
              : http.send(request, this::body);
      current = sent;
      CompletableFuture<?> unused =
          sent.whenComplete(
              (response, problem) -> {
                if (problem != null) {
                  broken(problem);
                } else {
                  finished(response);
                }
              });
      if (done.isDone()) {
        sent.cancel(true);
      }
    }

    private HttpResponse.BodySubscriber<byte[]> body(HttpResponse.ResponseInfo info) {
      if (info.statusCode() != 200) {
        return Bodies.whole(Bodies.MAX_ERROR);
      }
      if (opensSession()) {
        // Before the answer is handed on: what is sent next already belongs to the session.
        session = info.headers().firstValue(SESSION).orElse(null);
      }
      if (HttpCalls.mediaType(info).equals(EVENTS)) {
        streaming = true;
        return Bodies.events(parser);
      }
      return Bodies.whole(Bodies.MAX_MESSAGE);
    }

    private void event(String name, byte[] data) {
      if (name.equals("message")) {
        HttpCalls.deliver(data, "http", new Noting(to));
      }
    }

    private void finished(HttpResponse<byte[]> response) {
      int status = response.statusCode();
      if (status == 200 && streaming) {
        streamEnded("the stream ended before the answer");
      } else if (status >= 200 && status < 300) {
        if (response.body().length > 0 && status == 200) {
          HttpCalls.deliver(response.body(), "http", new Noting(to));
        }
        if (expectsAnswer() && !answered) {
          fail(Kind.PROTOCOL, "HTTP status " + status + " without an answer to the request");
        } else {
          done.complete(null);
        }
      } else if (status == 404 && inSession != null && streaming) {
        // It was accepted before: sending it again could do it twice.
        fail(
            Kind.DISCONNECTED,
            "the server took the request and then no longer knew the session; its answer cannot"
                + " come any more");
      } else if (status == 404 && inSession != null) {
        done.completeExceptionally(new SessionLost(inSession));
      } else {
        refused(status, response.body());
      }
    }

    private void refused(int status, byte[] body) {
      Envelope error = HttpCalls.errorIn(body);
      if (error != null && expectsAnswer() && Objects.equals(error.idText(), message.idText())) {
        answered = true;
        to.received(error);
        done.complete(null);
      } else {
        done.completeExceptionally(HttpCalls.refused(status, body));
      }
    }

    private void broken(Throwable problem) {
      boolean canResume =
          streaming
              && problem instanceof UpstreamException known
              && known.kind() == Kind.DISCONNECTED;
      if (canResume || answered) {
        streamEnded(String.valueOf(problem.getMessage()));
      } else {
        done.completeExceptionally(problem);
      }
    }

    /** The server may end a stream before the answer; the rest is asked for by the last id. */
    private void streamEnded(String why) {
      if (answered || !expectsAnswer()) {
        done.complete(null);
        return;
      }
      String id = parser.lastId();
      if (!id.equals(resumedFrom)) {
        resumes = 0;
      }
      if (id.isEmpty() || resumes >= RESUMES || closed || done.isDone()) {
        fail(Kind.DISCONNECTED, why);
        return;
      }
      resumes++;
      resumedFrom = id;
      HttpRequest request =
          request(inSession)
              .setHeader("Accept", EVENTS)
              .setHeader("Last-Event-ID", id)
              .GET()
              .build();
      later(
          parser.retryMillis() >= 0 ? parser.retryMillis() : RETRY_MILLIS, () -> exchange(request));
    }

    private void fail(Kind kind, String why) {
      done.completeExceptionally(UpstreamException.of(kind, why));
    }

    /** Hands on, and notes when the answer was among it. */
    private final class Noting implements Inbound {
      private final Inbound next;

      Noting(Inbound next) {
        this.next = next;
      }

      @Override
      public void received(Envelope arrived) {
        boolean answer =
            arrived.kind() == Envelope.Kind.RESPONSE || arrived.kind() == Envelope.Kind.ERROR;
        if (answer && Objects.equals(arrived.idText(), message.idText())) {
          answered = true;
          if (streaming) {
            // Some servers leave the stream open; it has done what it was opened for.
            posts.endAfterAnswer(done);
          }
        }
        next.received(arrived);
      }

      @Override
      public void noise(String from, String text) {
        next.noise(from, text);
      }

      @Override
      public void stderr(String line) {
        next.stderr(line);
      }

      @Override
      public void ended(String reason, Optional<Integer> exitCode) {
        next.ended(reason, exitCode);
      }
    }
  }

  private void later(long millis, Runnable task) {
    try {
      Object unused =
          timer.schedule(task, Math.min(millis, MAX_RETRY_MILLIS), TimeUnit.MILLISECONDS);
    } catch (RejectedExecutionException closing) {
      close();
    }
  }

  @Override
  public void listen() {
    CompletableFuture<?> before = stream;
    int mine = listening.incrementAndGet();
    if (before != null) {
      before.cancel(true);
    }
    CompletableFuture<?> answered = new CompletableFuture<>();
    heard = answered;
    listen(mine, "", RETRY_MILLIS, answered);
    later(LISTENING_MILLIS, () -> answered.complete(null));
  }

  private void listen(int mine, String lastId, long backOff, CompletableFuture<?> answered) {
    Inbound to = inbound;
    if (closed || to == null || mine != listening.get()) {
      answered.complete(null);
      return;
    }
    boolean[] told = new boolean[1];
    EventParser parser =
        new EventParser(
            (name, data) -> {
              told[0] = true;
              if (name.equals("message")) {
                HttpCalls.deliver(data, "http", to);
              }
            });
    String own = session();
    HttpRequest.Builder builder =
        request(own.isEmpty() ? null : own).setHeader("Accept", EVENTS).GET();
    if (!lastId.isEmpty()) {
      builder.setHeader("Last-Event-ID", lastId);
    }
    CompletableFuture<HttpResponse<byte[]>> sent =
        http.send(
            builder.build(),
            info -> {
              answered.complete(null);
              if (info.statusCode() != 200 || !HttpCalls.mediaType(info).equals(EVENTS)) {
                return Bodies.whole(Bodies.MAX_ERROR);
              }
              streamed = own;
              return Bodies.events(parser);
            });
    stream = sent;
    if (closed || mine != listening.get()) {
      sent.cancel(true); // closed or replaced before it could be seen
      answered.complete(null);
      return;
    }
    CompletableFuture<?> unused =
        sent.whenComplete(
            (response, problem) -> {
              answered.complete(null);
              boolean open =
                  response != null
                      && response.statusCode() == 200
                      && HttpCalls.mediaType(
                              response.headers().firstValue("content-type").orElse(""))
                          .equals(EVENTS);
              // 405: the server has no such stream; some say 404. A server that is overloaded or
              // being restarted may have one later.
              if (response != null && !open && !passing(response.statusCode())) {
                if (response.statusCode() == 404 && !own.isEmpty() && own.equals(streamed)) {
                  to.sessionLost(own); // it had one before
                }
                return;
              }
              String id = parser.lastId().isEmpty() ? lastId : parser.lastId();
              long wait = parser.retryMillis() >= 0 ? parser.retryMillis() : backOff;
              long next = told[0] ? RETRY_MILLIS : Math.min(MAX_RETRY_MILLIS, backOff * 2);
              if (!closed) {
                later(Math.max(wait, 50), () -> listen(mine, id, next, answered));
              }
            });
  }

  private static boolean passing(int status) {
    return status == 429 || (status >= 500 && status != 501);
  }

  @Override
  public int queued() {
    return posts.underWay();
  }

  @Override
  public void close() {
    if (closed) {
      return;
    }
    closed = true;
    listening.incrementAndGet();
    CompletableFuture<?> current = stream;
    if (current != null) {
      current.cancel(true);
    }
    exchanges.forEach(exchange -> exchange.done.cancel(true));
    String own = session;
    if (own != null) {
      try {
        Object unused =
            http.send(request(own).DELETE().build(), info -> Bodies.whole(Bodies.MAX_ERROR))
                .get(FAREWELL.toMillis(), TimeUnit.MILLISECONDS);
      } catch (ExecutionException | TimeoutException notTold) {
        session = null; // the server finds out by itself
      } catch (InterruptedException interrupted) {
        Thread.currentThread().interrupt();
      }
    }
  }
}
