package dev.sluice.relay;

import dev.sluice.access.Caller;
import dev.sluice.jsonrpc.Envelope;
import dev.sluice.jsonrpc.Envelope.Kind;
import dev.sluice.jsonrpc.Envelope.Part;
import dev.sluice.rest.ApiException;
import dev.sluice.servers.ClientTransport;
import dev.sluice.servers.RelayedServer;
import dev.sluice.servers.upstream.UpstreamException;
import dev.sluice.servers.upstream.UpstreamPipe;
import java.time.Duration;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicInteger;
import org.jspecify.annotations.Nullable;

/**
 * One client's session with one server, and the only router there is: every transport hands
 * messages in here and gets messages out of here. How its server is reached, alone or together with
 * other sessions, is the matter of its {@link Channel}.
 *
 * <p>Life: opened by {@link Relay#open}; the client's {@code initialize} reaches the server; ended
 * once, by the client, the server, a limit or the hub. Any thread may call; nothing blocks.
 */
final class Session implements UpstreamPipe.Receiver {

  /** Requests of the server that may wait for the client's answers; a further one is refused. */
  static final int MAX_ASKED = 256;

  static final int INTERNAL_ERROR = -32603;
  static final int INVALID_REQUEST = -32600;
  static final int TIMED_OUT = -32001;
  static final int BUSY = -32000;

  /** How long a session may be without {@code initialize}. */
  private static final long UNBEGUN_NANOS = Duration.ofSeconds(60).toNanos();

  private static final int NEW = 0;
  private static final int OPENING = 1;
  private static final int OPEN = 2;

  private final String id;
  private final RelayedServer server;
  private final Caller caller;
  private final Relay relay;
  private final SessionAccount account;
  private final ClientEnd client;
  private final Map<String, Pending> pending = new ConcurrentHashMap<>();
  private final Map<String, String> tokens = new ConcurrentHashMap<>();
  private final Set<String> asked = ConcurrentHashMap.newKeySet();
  private final AtomicInteger stage = new AtomicInteger(NEW);
  private final AtomicBoolean over = new AtomicBoolean();
  private final long born = System.nanoTime();
  private volatile long used = born;
  private volatile String version = "";
  private volatile @Nullable Channel channel;
  private volatile @Nullable String newest;
  private volatile String endReason = "The session has ended.";

  Session(
      String id,
      RelayedServer server,
      Caller caller,
      SessionAccount account,
      Relay relay,
      ClientEnd client) {
    this.id = id;
    this.server = server;
    this.caller = caller;
    this.account = account;
    this.relay = relay;
    this.client = client;
  }

  String id() {
    return id;
  }

  String server() {
    return server.id();
  }

  /** Whether it is this caller's; others are told that there is no such session. */
  boolean belongsTo(Caller other) {
    return caller.name().equals(other.name());
  }

  /** Whose it is. */
  Caller caller() {
    return caller;
  }

  /** The transport's side of it. */
  ClientEnd client() {
    return client;
  }

  ClientTransport transport() {
    return account.transport();
  }

  /** The protocol version both sides agreed on; empty before that. */
  String version() {
    return version;
  }

  boolean isOver() {
    return over.get();
  }

  boolean isInitialized() {
    return stage.get() != NEW;
  }

  /** Whether another request would be refused. */
  boolean isFull() {
    return pending.size() >= relay.limits().requests();
  }

  @Override
  public int inFlight() {
    return pending.size();
  }

  /** Requests of the server that wait for the client's answers. */
  int asked() {
    return asked.size();
  }

  // From the client.

  /** Takes a message of the client; what is wrong with it is answered by {@link ClientEnd#send}. */
  void receive(Envelope message) {
    used = System.nanoTime();
    switch (message.kind()) {
      case REQUEST -> request(message);
      case NOTIFICATION -> notification(message);
      case RESPONSE, ERROR -> {
        String answered = message.idText();
        if (answered != null && asked.remove(answered)) {
          forward(message);
        }
      }
      case BATCH -> message.members().forEach(this::receive);
    }
  }

  private void request(Envelope request) {
    boolean first = request.method().equals("initialize");
    if (first ? !stage.compareAndSet(NEW, OPENING) : stage.get() != OPEN) {
      refuse(
          request,
          INVALID_REQUEST,
          first ? "The session is initialized already." : "The first request is initialize.");
      return;
    }
    String key = String.valueOf(request.idText());
    if (isFull()) {
      busy(request.idText(), "The session has too many requests in flight.", 429, "1");
      return;
    }
    RelayedServer.Call call;
    try {
      call = request.method().equals("tools/call") ? server.call(request, transport()) : null;
    } catch (ApiException busy) {
      busy(
          request.idText(),
          String.valueOf(busy.getMessage()),
          busy.refusal().status(),
          busy.refusal().headers().getOrDefault("Retry-After", "1"));
      return;
    }
    String token = request.json(Part.META_PROGRESS_TOKEN);
    Pending waiting = new Pending(key, request.method(), token, call, deadline());
    if (pending.putIfAbsent(key, waiting) != null) {
      if (call != null) {
        call.lost("the id is in use", "invalid_request", false);
      }
      refuse(request, INVALID_REQUEST, "A request with this id is in flight already.");
      return;
    }
    if (token != null) {
      tokens.put(token, key);
    }
    newest = key;
    account.asked();
    if (call != null) {
      account.called();
    }
    if (over.get()) {
      fail(waiting, INTERNAL_ERROR, "The session has ended.", "session_ended", false);
      return;
    }
    if (first) {
      account.introduced(request);
      open(request, waiting);
    } else {
      send(request, waiting);
    }
  }

  private void refuse(Envelope request, int code, String why) {
    client.send(Envelope.error(request, code, why), request.idText());
  }

  /** There is no room for the request. */
  private void busy(@Nullable String request, String why, int status, String retryAfter) {
    relay.refusedRequest();
    String of = String.valueOf(request);
    client.refuse(Envelope.error(of, BUSY, why), of, status, retryAfter);
  }

  private long deadline() {
    Duration limit = server.definition().callTimeout();
    return System.nanoTime() + limit.toNanos();
  }

  private void open(Envelope initialize, Pending waiting) {
    waiting.deadline = deadline() + server.definition().startTimeout().toNanos();
    if (channel != null) { // refused before: the same server is asked again
      send(initialize, waiting);
      return;
    }
    var unused =
        relay
            .sharing()
            .channel(server, this, initialize)
            .whenComplete(
                (made, failure) -> {
                  if (failure != null) {
                    Throwable cause = Relay.cause(failure);
                    endReason =
                        cause instanceof ApiException told
                            ? String.valueOf(told.getMessage())
                            : "The server could not be reached by a defect of the hub.";
                    fail(waiting, INTERNAL_ERROR, endReason, "server_start_failed", false);
                    relay.end(this, SessionEnd.SERVER);
                    return;
                  }
                  channel = made;
                  if (over.get()) { // ended while it was opened
                    made.close();
                    return;
                  }
                  send(initialize, waiting);
                });
  }

  private void send(Envelope request, Pending waiting) {
    Channel to = channel;
    if (to == null) {
      return; // ended: it was answered then
    }
    CompletableFuture<Void> sending = to.send(request);
    waiting.sending = sending;
    var unused =
        sending.whenComplete(
            (done, problem) -> {
              if (problem != null && !sending.isCancelled()) {
                UpstreamException known = UpstreamException.from(problem);
                String why = "Server " + server.id() + " did not answer: " + known.getMessage();
                if (known.kind() != UpstreamException.Kind.BUSY) {
                  fail(waiting, INTERNAL_ERROR, why, "server_disconnected", true);
                } else if (take(waiting.id) == waiting) {
                  busy(waiting.id, why, 503, "1");
                  lost(waiting, why, "too_many_calls", false);
                }
              }
            });
  }

  private void notification(Envelope notification) {
    if (stage.get() == NEW) {
      return; // nobody to tell
    }
    if (notification.method().equals("notifications/cancelled")) {
      String cancelled = notification.json(Part.REQUEST_ID);
      Pending gone = cancelled == null ? null : cancellable(cancelled);
      if (gone == null) {
        return; // over already, or never ours
      }
      lost(gone, "cancelled by the client", "cancelled", false);
      client.cancelled(gone.id);
    }
    forward(notification);
  }

  /** Takes what may be cancelled: all but {@code initialize}. */
  private @Nullable Pending cancellable(String key) {
    Pending waiting = pending.get(key);
    return waiting == null || waiting.method.equals("initialize") ? null : take(key);
  }

  private void forward(Envelope message) {
    Channel to = channel;
    if (to != null && stage.get() != NEW) {
      var unused =
          to.send(message)
              .exceptionally(
                  problem -> {
                    Relay.LOG.log(
                        System.Logger.Level.DEBUG,
                        "server {0} did not get a {1}",
                        server.id(),
                        message.kind());
                    return null;
                  });
    }
  }

  // From the server.

  @Override
  public void received(Envelope message) {
    switch (message.kind()) {
      case RESPONSE, ERROR -> answered(message);
      case REQUEST -> ask(message);
      case NOTIFICATION -> client.send(message, related(message));
      case BATCH -> message.members().forEach(this::received);
    }
  }

  private void answered(Envelope answer) {
    String key = answer.idText();
    Pending waiting = key == null ? null : take(key);
    if (waiting == null) {
      relay.strayAnswer();
      return;
    }
    if (waiting.method.equals("initialize")) {
      if (answer.kind() == Kind.RESPONSE) {
        String agreed = answer.string(Part.RESULT_PROTOCOL_VERSION);
        version = agreed == null ? "" : agreed;
        stage.set(OPEN);
        account.opened(version);
      } else {
        stage.set(NEW);
      }
    }
    RelayedServer.Call call = waiting.call;
    boolean toolError = call != null && "true".equals(answer.json(Part.IS_ERROR));
    if (call != null) {
      call.release(toolError || answer.kind() == Kind.ERROR);
    }
    client.send(answer, key);
    if (call == null) {
      if (stage.get() == NEW && !client.mayInitializeAgain()) {
        endReason = "The server refused to initialize.";
        relay.end(this, SessionEnd.SERVER); // or its child would wait for nobody
      }
      return;
    }
    if (answer.kind() == Kind.ERROR) {
      call.refused("the server answered a JSON-RPC error");
    } else {
      call.answered(toolError, answer.size());
    }
    if (toolError || answer.kind() == Kind.ERROR) {
      account.failed();
    }
  }

  private void ask(Envelope request) {
    String key = String.valueOf(request.idText());
    if (asked.size() >= MAX_ASKED) {
      forward(Envelope.error(request, BUSY, "too many requests wait for the client"));
      return;
    }
    asked.add(key);
    client.send(request, related(request));
  }

  /** The request of the client that a message of the server belongs to, as far as can be told. */
  private @Nullable String related(Envelope message) {
    String method = message.method();
    if (method.equals("notifications/progress")) {
      String token = message.json(Part.PROGRESS_TOKEN);
      String request = token == null ? null : tokens.get(token);
      Pending waiting = request == null ? null : pending.get(request);
      if (waiting != null) {
        waiting.deadline = deadline();
      }
      return request;
    }
    if (method.endsWith("/list_changed") || method.equals("notifications/resources/updated")) {
      return null;
    }
    // A server says no more than this over stdio: what it says while it works belongs to its work.
    String last = newest;
    if (last != null && pending.containsKey(last)) {
      return last;
    }
    for (String any : pending.keySet()) {
      return any;
    }
    return null;
  }

  @Override
  public void forgotten() {
    asked.clear();
  }

  @Override
  public void ended(String reason) {
    endReason = "Server " + server.id() + " ended: " + reason;
    relay.end(this, SessionEnd.SERVER);
  }

  // Ends.

  /** Called about once a second: what is overdue is given up. */
  void tick(long now) {
    client.tick(now);
    for (Pending waiting : pending.values()) {
      if (waiting.deadline - now < 0 && take(waiting.id) != null) {
        if (!waiting.method.equals("initialize")) {
          forward(
              Envelope.notification(
                  "notifications/cancelled",
                  "{\"requestId\":" + waiting.id + ",\"reason\":\"no answer in time\"}"));
        }
        String why = "No answer to " + waiting.method + " in time.";
        client.send(Envelope.error(waiting.id, TIMED_OUT, why), waiting.id);
        lost(waiting, why, "call_timeout", true);
        if (waiting.method.equals("initialize")) {
          endReason = why;
          relay.end(this, SessionEnd.SERVER); // or its child would wait for nobody
        }
      }
    }
  }

  /** Whether its server may still be used; it may have been removed, blocked or disabled. */
  boolean mayGoOn() {
    try {
      server.check();
      return true;
    } catch (ApiException refused) {
      endReason = String.valueOf(refused.getMessage());
      return false;
    }
  }

  /** Since when it is not used, and its age. */
  boolean isExpired(long now, Duration idle, Duration age) {
    // One that nobody begins with: Payara does not tell of a client that left right after the
    // upgrade.
    boolean unbegun = stage.get() == NEW && now - used > UNBEGUN_NANOS;
    return unbegun
        || now - born > age.toNanos()
        || (pending.isEmpty() && now - used > idle.toNanos());
  }

  /** It is in use although nothing is sent: a stream of it is open. */
  void touch() {
    used = System.nanoTime();
  }

  /** Ends it; only {@link Relay#end} calls. */
  void end(SessionEnd why) {
    if (!over.compareAndSet(false, true)) {
      return;
    }
    Channel gone = channel;
    if (why == SessionEnd.CLIENT) {
      for (Pending waiting : pending.values()) {
        if (take(waiting.id) != null) {
          lost(waiting, "the client has left", "client_left", false);
        }
      }
    } else {
      failAll(endReason, why == SessionEnd.SERVER);
    }
    account.closed(why);
    client.end(why, endReason);
    if (gone != null && why != SessionEnd.GOING_AWAY) { // then all are ended at once
      gone.close();
    }
  }

  private void failAll(String why, boolean fault) {
    for (Pending waiting : pending.values()) {
      fail(waiting, INTERNAL_ERROR, why, "server_disconnected", fault);
    }
  }

  private void fail(Pending waiting, int code, String why, String type, boolean fault) {
    if (take(waiting.id) == waiting) {
      client.send(Envelope.error(waiting.id, code, why), waiting.id);
      lost(waiting, why, type, fault);
    }
  }

  private void lost(Pending waiting, String why, String type, boolean fault) {
    if (waiting.lost(why, type, fault)) {
      account.failed();
    }
  }

  private @Nullable Pending take(String key) {
    Pending taken = pending.remove(key);
    if (taken != null && taken.token != null) {
      tokens.remove(taken.token, key);
    }
    return taken;
  }
}
