package dev.sluice.relay;

import dev.sluice.jsonrpc.Envelope;
import dev.sluice.jsonrpc.Envelope.Kind;
import dev.sluice.jsonrpc.Envelope.Part;
import dev.sluice.rest.ApiException;
import dev.sluice.servers.RelayedServer;
import dev.sluice.servers.upstream.ModernHeaders;
import dev.sluice.servers.upstream.ModernUpstream;
import dev.sluice.servers.upstream.UpstreamException;
import dev.sluice.sse.SseResponse;
import dev.sluice.sse.SseText;
import jakarta.servlet.http.HttpServletResponse;
import java.util.Map;
import java.util.concurrent.CompletionException;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/**
 * One request of the stateless era and its answer: one JSON body if that comes soon and alone, else
 * an event stream that ends with it. A client that leaves gives the request up, and the server is
 * told. Any thread may call; nothing blocks.
 *
 * <p>Neither server tells that a peer has left before something is written to it, and the writes
 * right after that still succeed: one on WildFly, two on Payara. So that the upstream is told
 * within a second, a stream that waits for the answer to a call carries a comment every {@value
 * #BEAT_MILLIS} ms, less often when there are very many.
 */
final class ModernExchange implements ModernUpstream.Receiver {

  /** How long a call may take before the client gets a stream to wait on, and can be watched. */
  static final long DECIDE_MILLIS = 250;

  /** The same of what should be quick, and whose HTTP status says more: lists and discovery. */
  static final long DECIDE_QUICK_MILLIS = 5_000;

  /** Between two comments while the answer to a call is awaited. */
  static final long BEAT_MILLIS = 200;

  /** The same on a subscription, which costs the server nothing while nothing happens. */
  static final long LISTEN_BEAT_MILLIS = 2_500;

  /** Comments of all requests in a millisecond, at most. */
  private static final int BEATS_A_MILLI = 1;

  private static final long NANOS = 1_000_000;
  private static final byte[] BEAT = SseText.comment("");

  private final RelayedServer server;
  private final Envelope request;
  private final Map<String, String> params;
  private final SseResponse reply;
  private final HttpServletResponse response;
  private final Consumer<ModernExchange> gone;
  private final Outbox outbox;
  private final boolean listens;
  private final AtomicBoolean over = new AtomicBoolean();
  private volatile RelayedServer.@Nullable Call call;
  private volatile ModernUpstream.@Nullable Exchange upstream;
  private volatile long deadline;
  private volatile long sentAt;
  private volatile long beat;
  private volatile boolean writing;

  /** Whether the server has it; before that there is nothing to give up. */
  private volatile boolean waiting;

  /** Whether it is a stream; guarded by this. */
  private boolean streaming;

  /** Whether it is one JSON body; guarded by this. */
  private boolean whole;

  ModernExchange(
      RelayedServer server,
      Envelope request,
      Map<String, String> params,
      SseResponse reply,
      HttpServletResponse response,
      Consumer<ModernExchange> gone) {
    this.server = server;
    this.request = request;
    this.params = params;
    this.reply = reply;
    this.response = response;
    this.gone = gone;
    this.listens = request.method().equals("subscriptions/listen");
    this.outbox = new Outbox(this::write, this::tooSlow, this::left);
    this.deadline = deadline() + server.definition().startTimeout().toNanos();
  }

  Envelope request() {
    return request;
  }

  boolean listens() {
    return listens;
  }

  private long deadline() {
    return System.nanoTime() + server.definition().callTimeout().toNanos();
  }

  private void write(byte[] event, Consumer<@Nullable Throwable> done) {
    writing = true;
    reply.send(
        event,
        failure -> {
          writing = false;
          done.accept(failure);
        });
  }

  /** Lets the request go to the server. */
  void begin() {
    if (over.get()) {
      return;
    }
    try {
      call = request.method().equals("tools/call") ? server.call(request) : null;
    } catch (ApiException busy) {
      refuse(busy);
      return;
    }
    if (over.get()) { // the client left while the call was let in
      lost("the client has left", "client_left", false);
      return;
    }
    var unused =
        server
            .modern()
            .whenComplete(
                (way, failure) -> {
                  if (failure != null) {
                    unreachable(failure);
                  } else {
                    send(way);
                  }
                });
  }

  private void send(ModernUpstream way) {
    if (over.get()) {
      return;
    }
    deadline = deadline();
    sentAt = System.nanoTime();
    waiting = true;
    ModernUpstream.Exchange sent = way.send(request, params, this);
    upstream = sent;
    if (over.get()) {
      sent.cancel(); // the client left meanwhile; nothing happens if it was answered
    }
  }

  // From the server.

  @Override
  public void received(int status, Envelope message) {
    if (message.kind() != Kind.RESPONSE && message.kind() != Kind.ERROR) {
      if (over.get()) {
        return;
      }
      if (message.method().equals("notifications/progress")) {
        deadline = deadline();
      }
      stream();
      outbox.add(event(message));
      return;
    }
    if (!over.compareAndSet(false, true)) {
      return;
    }
    RelayedServer.Call counted = takeCall();
    if (counted != null && message.kind() == Kind.ERROR) {
      counted.refused("the server answered a JSON-RPC error");
    } else if (counted != null) {
      counted.answered("true".equals(message.json(Part.IS_ERROR)), message.size());
    }
    last(status, message);
  }

  @Override
  public void failed(UpstreamException why, int status) {
    boolean busy = why.kind() == UpstreamException.Kind.BUSY;
    if (busy) {
      retryLater("1");
    }
    end(
        busy ? 503 : 502,
        "Server " + server.id() + " did not answer: " + why.getMessage(),
        "server_disconnected",
        !busy);
  }

  /** The server could not be asked, or not be reached. */
  void unreachable(Throwable failure) {
    Throwable cause =
        failure instanceof CompletionException && failure.getCause() != null
            ? failure.getCause()
            : failure;
    if (cause instanceof ApiException refused) {
      refuse(refused);
    } else if (cause instanceof UpstreamException why) {
      failed(why, 0);
    } else {
      end(
          500,
          "The server could not be reached by a defect of the hub.",
          "server_start_failed",
          false);
    }
  }

  private void refuse(ApiException refused) {
    int status = refused.refusal().status();
    if (status == 429 || status == 503) {
      retryLater(refused.refusal().headers().getOrDefault("Retry-After", "1"));
    }
    end(
        status == 429 ? 429 : status == 404 ? 404 : 503,
        String.valueOf(refused.getMessage()),
        "server_start_failed",
        false);
  }

  private synchronized void retryLater(String seconds) {
    if (!streaming && !whole) {
      response.setHeader("Retry-After", seconds);
    }
  }

  private void end(int status, String why, String type, boolean fault) {
    if (over.compareAndSet(false, true)) {
      lost(why, type, fault);
      last(status, Envelope.error(request, Session.INTERNAL_ERROR, why));
    }
  }

  // To the client.

  /** The whole answer, by the hub. */
  void answer(int status, Envelope message) {
    if (over.compareAndSet(false, true)) {
      last(status, message);
    }
  }

  private void last(int status, Envelope message) {
    boolean alone;
    synchronized (this) {
      alone = !streaming;
      whole = alone;
    }
    gone.accept(this);
    if (alone) {
      reply.answer(status, "application/json", message.bytes());
    } else {
      outbox.add(event(message));
      outbox.finish(reply::close);
    }
  }

  private static byte[] event(Envelope message) {
    return SseText.event("", "message", -1, message.singleLine());
  }

  /** The reply becomes a stream, if it is not decided yet. */
  private boolean stream() {
    synchronized (this) {
      if (streaming || whole) {
        return false;
      }
      streaming = true;
    }
    reply.open();
    return true;
  }

  private void tooSlow() {
    giveUp("the client is too slow", "client_too_slow");
    reply.close();
  }

  /** The client has left, as far as the server can tell. */
  void left() {
    giveUp("the client has left", "client_left");
  }

  private void giveUp(String why, String type) {
    outbox.drop();
    if (over.compareAndSet(false, true)) {
      gone.accept(this);
      lost(why, type, false);
      cancel();
    }
  }

  private void cancel() {
    ModernUpstream.Exchange sent = upstream;
    if (sent != null) {
      sent.cancel();
    }
  }

  private void lost(String why, String type, boolean fault) {
    RelayedServer.Call counted = takeCall();
    if (counted != null) {
      counted.lost(why, type, fault);
    }
  }

  private synchronized RelayedServer.@Nullable Call takeCall() {
    RelayedServer.Call taken = call;
    call = null;
    return taken;
  }

  /**
   * Called many times a second: what is overdue is given up, what may have left is tried.
   *
   * @param all requests that there are now
   */
  void tick(long now, int all) {
    if (over.get()) {
      return;
    }
    if (!listens && deadline - now < 0) {
      end(504, "No answer to " + request.method() + " in time.", "call_timeout", true);
      cancel();
      return;
    }
    if (!waiting) {
      return;
    }
    long decide =
        listens || ModernHeaders.named(request) != null ? DECIDE_MILLIS : DECIDE_QUICK_MILLIS;
    boolean begun = now - sentAt > decide * NANOS && stream();
    long pause = listens ? LISTEN_BEAT_MILLIS : Math.max(BEAT_MILLIS, (long) all / BEATS_A_MILLI);
    if (begun || (now - beat > pause * NANOS && isStream() && !writing)) {
      beat = now;
      outbox.add(BEAT);
    }
  }

  private synchronized boolean isStream() {
    return streaming;
  }

  /** The hub ends: a subscription is completed, anything else fails. */
  void goingAway() {
    if (listens && over.compareAndSet(false, true)) {
      String id = String.valueOf(request.idText());
      last(
          200,
          Envelope.response(
              request,
              "{\"resultType\":\"complete\",\"_meta\":{"
                  + "\"io.modelcontextprotocol/subscriptionId\":"
                  + id
                  + "}}"));
    } else {
      end(503, "The hub is shutting down.", "session_ended", false);
    }
    cancel();
  }
}
