package dev.sluice.relay;

import dev.sluice.jsonrpc.Envelope;
import dev.sluice.jsonrpc.Envelope.Kind;
import dev.sluice.jsonrpc.Envelope.Part;
import dev.sluice.rest.ApiException;
import dev.sluice.servers.ClientTransport;
import dev.sluice.servers.RelayedServer;
import dev.sluice.servers.upstream.ModernUpstream;
import dev.sluice.servers.upstream.UpstreamException;
import java.util.Map;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/**
 * One request of the stateless era on its way to a server, and what comes back. A client that
 * leaves gives the request up, and the server is told. Any thread may call; nothing blocks.
 */
final class ModernExchange implements ModernUpstream.Receiver {

  /** Where the client gets what belongs to its request; see the two transports. */
  sealed interface Reply permits ModernHttpReply, ModernSocketReply {
    /** Whose it is. */
    ClientTransport transport();

    /** A message before the answer. */
    void part(Envelope message);

    /**
     * The answer; nothing follows.
     *
     * @param status of HTTP, if it is the whole answer
     * @param retryAfter seconds, empty for none
     */
    void last(int status, Envelope message, String retryAfter);

    /**
     * Called many times a second while the server has the request.
     *
     * @param waited nanoseconds since it was sent
     * @param all requests that there are now
     */
    void tick(long now, long waited, int all);

    /** Bytes that wait for the client and are counted nowhere else. */
    long heldBytes();

    /** The request was given up: what waits is forgotten. */
    void drop();
  }

  private final RelayedServer server;
  private final Envelope request;
  private final Map<String, String> params;
  private final Reply reply;
  private final Consumer<ModernExchange> gone;
  private final boolean listens;
  private final AtomicBoolean over = new AtomicBoolean();
  private volatile RelayedServer.@Nullable Call call;
  private volatile ModernUpstream.@Nullable Exchange upstream;
  private volatile @Nullable Envelope listed;
  private volatile long deadline;
  private volatile long sentAt;

  /** Whether the server has it; before that there is nothing to give up. */
  private volatile boolean waiting;

  /**
   * Makes it.
   *
   * @param params headers that go to the server as they came
   * @param gone called once when it is over
   */
  ModernExchange(
      RelayedServer server,
      Envelope request,
      Map<String, String> params,
      Reply reply,
      Consumer<ModernExchange> gone) {
    this.server = server;
    this.request = request;
    this.params = params;
    this.reply = reply;
    this.gone = gone;
    this.listens = isListen(request);
    this.deadline = deadline() + server.definition().startTimeout().toNanos();
  }

  /** Whether it asks for a subscription. */
  static boolean isListen(Envelope request) {
    return request.method().equals("subscriptions/listen");
  }

  Envelope request() {
    return request;
  }

  boolean listens() {
    return listens;
  }

  RelayedServer server() {
    return server;
  }

  long heldBytes() {
    return reply.heldBytes();
  }

  /** The tools that the server listed, if that was asked for and it has. */
  @Nullable Envelope listed() {
    return listed;
  }

  private long deadline() {
    return System.nanoTime() + server.definition().callTimeout().toNanos();
  }

  /** Lets the request go to the server. */
  void begin() {
    if (over.get()) {
      return;
    }
    try {
      call = request.method().equals("tools/call") ? server.call(request, reply.transport()) : null;
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
      reply.part(message);
      return;
    }
    if (!over.compareAndSet(false, true)) {
      return;
    }
    if (message.kind() == Kind.RESPONSE && request.method().equals("tools/list")) {
      listed = message;
    }
    RelayedServer.Call counted = takeCall();
    if (counted != null) {
      boolean toolError = "true".equals(message.json(Part.IS_ERROR));
      counted.release(toolError || message.kind() == Kind.ERROR);
      if (message.kind() == Kind.ERROR) {
        counted.refused("the server answered a JSON-RPC error");
      } else {
        counted.answered(toolError, message.size());
      }
    }
    last(status, message, "");
  }

  @Override
  public void failed(UpstreamException why, int status) {
    boolean busy = why.kind() == UpstreamException.Kind.BUSY;
    end(
        busy ? 503 : 502,
        "Server " + server.id() + " did not answer: " + why.getMessage(),
        "server_disconnected",
        !busy,
        busy ? "1" : "");
  }

  /** The server could not be asked, or not be reached. */
  void unreachable(Throwable failure) {
    Throwable cause = Relay.cause(failure);
    if (cause instanceof ApiException refused) {
      refuse(refused);
    } else if (cause instanceof UpstreamException why) {
      failed(why, 0);
    } else {
      end(
          500,
          "The server could not be reached by a defect of the hub.",
          "server_start_failed",
          false,
          "");
    }
  }

  private void refuse(ApiException refused) {
    int status = refused.refusal().status();
    end(
        status == 429 || status == 404 ? status : 503,
        String.valueOf(refused.getMessage()),
        "server_start_failed",
        false,
        status == 404 ? "" : refused.refusal().headers().getOrDefault("Retry-After", "1"));
  }

  private void end(int status, String why, String type, boolean fault, String retryAfter) {
    if (over.compareAndSet(false, true)) {
      lost(why, type, fault);
      last(status, Envelope.error(request, Session.INTERNAL_ERROR, why), retryAfter);
    }
  }

  /** The answer, by the hub itself. */
  void answer(int status, Envelope message) {
    if (over.compareAndSet(false, true)) {
      last(status, message, "");
    }
  }

  /** There are too many requests to take this one. */
  void full(String why) {
    end(503, why, "busy", false, "1");
  }

  private void last(int status, Envelope message, String retryAfter) {
    gone.accept(this);
    reply.last(status, message, retryAfter);
  }

  // Ends.

  /** The client takes too little of what it gets. */
  void tooSlow() {
    giveUp("the client is too slow", "client_too_slow");
  }

  /** The client has left, as far as can be told, or has given the request up. */
  void left() {
    giveUp("the client has left", "client_left");
  }

  private void giveUp(String why, String type) {
    reply.drop();
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
   * Called many times a second: what is overdue is given up.
   *
   * @param all requests that there are now
   */
  void tick(long now, int all) {
    if (over.get()) {
      return;
    }
    if (!listens && deadline - now < 0) {
      end(504, "No answer to " + request.method() + " in time.", "call_timeout", true, "");
      cancel();
    } else if (waiting) {
      reply.tick(now, now - sentAt, all);
    }
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
                  + "}}"),
          "");
    } else {
      end(503, "The hub is shutting down.", "session_ended", false, "1");
    }
    cancel();
  }
}
