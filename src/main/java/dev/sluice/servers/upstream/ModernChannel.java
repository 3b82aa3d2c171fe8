package dev.sluice.servers.upstream;

import dev.sluice.jsonrpc.Envelope;
import dev.sluice.jsonrpc.Envelope.Kind;
import dev.sluice.jsonrpc.Envelope.Part;
import dev.sluice.jsonrpc.MalformedMessageException;
import dev.sluice.servers.ServerDefinition;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.EnumMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicLong;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/**
 * The requests of all clients to one server of the stateless era over one channel: a child's
 * standard streams, or a WebSocket. Each request has an id of the hub's on its way, which is its
 * progress token and its subscription id as well; what comes back gets the client's own, type and
 * spelling kept. Giving a request up tells the server with {@code notifications/cancelled}.
 *
 * <p>At most {@value #MAX_IN_FLIGHT} requests wait for answers; one more is refused. Life: made and
 * opened, then usable until it is closed or the server ends, which fails all that wait.
 */
final class ModernChannel implements ModernUpstream, AutoCloseable {

  /** Requests that wait for answers, subscriptions counted in. */
  static final int MAX_IN_FLIGHT = 1_024;

  private static final int METHOD_NOT_FOUND = -32601;
  private static final String SUBSCRIPTION = "\"io.modelcontextprotocol/subscriptionId\"";

  private final ServerDefinition definition;
  private final Connection connection;
  private final LogRing log;
  private final Secrets secrets;
  private final Consumer<String> gone;
  private final Map<Long, Waiting> waiting = new ConcurrentHashMap<>();
  private final AtomicLong numbers = new AtomicLong();
  private final AtomicBoolean over = new AtomicBoolean();
  private volatile long used = System.nanoTime();

  /**
   * Makes it.
   *
   * @param gone told the reason, once, when it has ended by itself or for its budget
   */
  ModernChannel(
      ServerDefinition definition, Connection connection, LogRing log, Consumer<String> gone) {
    this.definition = definition;
    this.connection = connection;
    this.log = log;
    this.secrets = Secrets.of(definition);
    this.gone = gone;
  }

  /**
   * Starts or reaches the server; blocks.
   *
   * @throws StartFailure if that fails
   */
  void open() {
    try {
      connection.open(new Arrivals());
    } catch (InterruptedException interrupted) {
      close();
      Thread.currentThread().interrupt();
      throw new StartFailure("the start was interrupted", Optional.empty(), List.of(), "", null);
    } catch (RuntimeException | Error failure) {
      close();
      throw failure;
    }
  }

  /** Its child, if it has one, for the budget. */
  Optional<Budgets.Holder> holder() {
    return connection
        .child()
        .map(child -> new Budgets.Holder(definition, child, this::inFlight, this::end));
  }

  boolean isOver() {
    return over.get();
  }

  /** Requests that wait for answers. */
  int inFlight() {
    return waiting.size();
  }

  /** Time since it was last used, in nanoseconds; 0 while something waits for an answer. */
  long idleNanos() {
    return waiting.isEmpty() ? System.nanoTime() - used : 0;
  }

  /** One request, under the hub's id. */
  private final class Waiting implements Exchange {
    final long key = numbers.incrementAndGet();
    final byte[] id;
    final byte @Nullable [] token;
    final boolean listens;
    final boolean wantsLog;
    final Receiver receiver;

    Waiting(Envelope request, Receiver receiver) {
      this.id = bytes(String.valueOf(request.idText()));
      String progress = request.json(Part.META_PROGRESS_TOKEN);
      this.token = progress == null ? null : bytes(progress);
      this.listens = request.method().equals("subscriptions/listen");
      this.wantsLog = request.has(Part.META_LOG_LEVEL);
      this.receiver = receiver;
    }

    byte[] keyBytes() {
      return bytes(Long.toString(key));
    }

    @Override
    public void cancel() {
      if (waiting.remove(key, this)) {
        used = System.nanoTime();
        tell(
            Envelope.notification(
                "notifications/cancelled",
                "{\"requestId\":" + key + ",\"reason\":\"the client has left\"}"));
      }
    }

    void fail(UpstreamException why) {
      if (waiting.remove(key, this)) {
        used = System.nanoTime();
        receiver.failed(why.masked(secrets), 0);
      }
    }

    /** The end of a subscription that the server, or the hub, does not go on with. */
    void complete() {
      String own = new String(id, StandardCharsets.UTF_8);
      String result = "{\"resultType\":\"complete\",\"_meta\":{" + SUBSCRIPTION + ":" + own + "}}";
      receiver.received(
          200, Envelope.response(Envelope.request(own, "subscriptions/listen", null), result));
    }
  }

  private static byte[] bytes(String text) {
    return text.getBytes(StandardCharsets.UTF_8);
  }

  @Override
  public Exchange send(Envelope message, Map<String, String> headers, Receiver receiver) {
    used = System.nanoTime();
    Waiting mine = new Waiting(message, receiver);
    if (waiting.size() >= MAX_IN_FLIGHT) {
      receiver.failed(
          UpstreamException.of(
              UpstreamException.Kind.BUSY,
              MAX_IN_FLIGHT + " requests wait for answers of the server already"),
          0);
      return mine;
    }
    Map<Part, byte[]> own = new EnumMap<>(Part.class);
    own.put(Part.ID, mine.keyBytes());
    if (mine.token != null) {
      own.put(Part.META_PROGRESS_TOKEN, mine.keyBytes());
    }
    Envelope spliced = spliced(message, own);
    waiting.put(mine.key, mine);
    if (over.get()) {
      mine.fail(
          UpstreamException.of(UpstreamException.Kind.DISCONNECTED, "the connection is closed"));
      return mine;
    }
    CompletableFuture<?> unused =
        connection
            .send(spliced)
            .whenComplete(
                (done, problem) -> {
                  if (problem != null) {
                    mine.fail(UpstreamException.from(problem));
                  }
                });
    return mine;
  }

  private static Envelope spliced(Envelope message, Map<Part, byte[]> parts) {
    try {
      return Envelope.read(message.splice(parts));
    } catch (MalformedMessageException impossible) {
      throw new IllegalStateException("a spliced message is unreadable", impossible);
    }
  }

  private void tell(Envelope message) {
    CompletableFuture<?> unused =
        connection
            .send(message)
            .exceptionally(
                problem -> {
                  noise("hub", "the server did not get a " + message + ": " + problem.getMessage());
                  return null;
                });
  }

  private void noise(String stream, String text) {
    LogLine unused = log.add(stream, LogRing.levelOf(text), secrets.mask(text));
  }

  /** Ends the subscriptions, because another connection takes the place of this one. */
  void endSubscriptions() {
    for (Waiting one : new ArrayList<>(waiting.values())) {
      if (one.listens && waiting.remove(one.key, one)) {
        one.complete();
      }
    }
  }

  private void failAll(String reason) {
    UpstreamException why = UpstreamException.of(UpstreamException.Kind.DISCONNECTED, reason);
    new ArrayList<>(waiting.values()).forEach(one -> one.fail(why));
  }

  private void end(String reason) {
    boolean first = over.compareAndSet(false, true);
    failAll(reason); // before the close that follows gives its own reason
    if (first) {
      gone.accept(reason);
    }
  }

  /** Ends it, and its child; blocks for a bounded time. Idempotent. */
  @Override
  public void close() {
    over.set(true);
    endSubscriptions();
    failAll("the hub has ended the connection");
    connection.close();
  }

  private final class Arrivals implements Connection.Inbound {
    @Override
    public void received(Envelope message) {
      switch (message.kind()) {
        case RESPONSE, ERROR -> answer(message);
        case NOTIFICATION -> notification(message);
        case REQUEST -> {
          noise("hub", "a server of 2026-07-28 must not ask the client: " + message);
          tell(
              Envelope.error(
                  message, METHOD_NOT_FOUND, "There are no requests to clients in 2026-07-28."));
        }
        case BATCH -> message.members().forEach(this::received);
      }
    }

    private @Nullable Waiting of(Envelope message, Part part) {
      String text = message.json(part);
      if (text == null || text.length() > 18 || !text.chars().allMatch(c -> c >= '0' && c <= '9')) {
        return null;
      }
      return text.isEmpty() ? null : waiting.get(Long.parseLong(text));
    }

    private void answer(Envelope message) {
      Waiting one = of(message, Part.ID);
      if (one == null || !waiting.remove(one.key, one)) {
        return; // it was given up, or never asked for
      }
      used = System.nanoTime();
      Map<Part, byte[]> own = new EnumMap<>(Part.class);
      own.put(Part.ID, one.id);
      if (message.has(Part.RESULT_SUBSCRIPTION_ID)) {
        own.put(Part.RESULT_SUBSCRIPTION_ID, one.id);
      }
      one.receiver.received(status(message), spliced(message, own));
    }

    /** What HTTP says to errors that the server would have sent with a status itself. */
    private static int status(Envelope message) {
      String code = message.kind() == Kind.ERROR ? message.json(Part.ERROR_CODE) : null;
      return switch (code == null ? "" : code) {
        case "-32601" -> 404;
        case "-32020", "-32021", "-32022" -> 400;
        default -> 200;
      };
    }

    private void notification(Envelope message) {
      switch (message.method()) {
        case "notifications/progress" -> {
          Waiting one = of(message, Part.PROGRESS_TOKEN);
          byte[] token = one == null ? null : one.token;
          if (one != null && token != null) {
            one.receiver.received(200, spliced(message, Map.of(Part.PROGRESS_TOKEN, token)));
          }
        }
        case "notifications/cancelled" -> {
          Waiting one = of(message, Part.REQUEST_ID);
          if (one != null && one.listens && waiting.remove(one.key, one)) {
            one.complete();
          } else if (one != null) {
            one.fail(
                UpstreamException.of(
                    UpstreamException.Kind.DISCONNECTED, "the server has cancelled the request"));
          }
        }
        case "notifications/message" -> log(message);
        default -> {
          Waiting one = of(message, Part.META_SUBSCRIPTION_ID);
          if (one != null) {
            one.receiver.received(200, spliced(message, Map.of(Part.META_SUBSCRIPTION_ID, one.id)));
          } else {
            noise("hub", "belongs to no request: " + message);
          }
        }
      }
    }

    /** Nothing in it says which request it belongs to. */
    private void log(Envelope message) {
      List<Waiting> asked = waiting.values().stream().filter(one -> one.wantsLog).toList();
      if (asked.size() == 1) {
        asked.get(0).receiver.received(200, message);
      } else {
        noise("hub", asked.size() + " requests could be meant: " + message.json(Part.PARAMS));
      }
    }

    @Override
    public void noise(String stream, String text) {
      ModernChannel.this.noise(stream, text);
    }

    @Override
    public void stderr(String text) {
      noise("stderr", text);
    }

    @Override
    public void ended(String reason, Optional<Integer> exitCode) {
      end(reason);
    }
  }
}
