package dev.sluice.servers.upstream;

import dev.sluice.jsonrpc.Envelope;
import dev.sluice.jsonrpc.MalformedMessageException;
import dev.sluice.servers.ServerDefinition;
import dev.sluice.servers.upstream.UpstreamException.Kind;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.Executor;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicLong;
import org.jspecify.annotations.Nullable;

/**
 * A connection to a server, or a child process, that belongs to one client session: carries the
 * messages of both sides as they are and says nothing of its own. It watches {@code initialize} go
 * by, because HTTP needs to know the version that was agreed on, and because a server that has lost
 * the session is given it again: it gets what the client said when it opened it, once for each
 * loss, and the client does not notice. See {@link Delivery} for what is sent a second time.
 *
 * <p>Life: made and opened by {@link Upstreams#pipe}, then usable until it ends, by {@link #close}
 * or by the other side. Any thread may call.
 */
public final class UpstreamPipe implements AutoCloseable {

  /** Who gets what the server says; called by the connection's threads, returns quickly. */
  public interface Receiver {
    /** A message of the server; batches are taken apart. */
    void received(Envelope message);

    /** Requests that wait for answers of the server now. */
    int inFlight();

    /** The server has lost the session, which is opened anew: its questions are nobody's now. */
    default void forgotten() {}

    /** The connection is over, unless {@link #close} was called; called once. */
    void ended(String reason);
  }

  private final ServerDefinition definition;
  private final Connection connection;
  private final Receiver receiver;
  private final LogRing log;
  private final Secrets secrets;
  private final Executor endings;
  private final ScheduledExecutorService timer;
  private final StartPolicy starts;
  private final Runnable gone;
  private final Delivery delivery;
  private final Opening opening = new Opening();
  private final AtomicBoolean over = new AtomicBoolean();

  /** What the hub itself asks while it opens a session anew, by id; at most a session's worth. */
  private final Map<String, CompletableFuture<Envelope>> asked = new ConcurrentHashMap<>();

  private final AtomicLong numbers = new AtomicLong();
  private volatile long begin = System.nanoTime();
  private volatile @Nullable String initializing;
  private volatile String version = "";

  /**
   * Makes it.
   *
   * @param work where renewals of lost sessions are ended
   * @param endings where it closes when it ends by itself, which blocks
   * @param gone called once when it is over
   */
  UpstreamPipe(
      ServerDefinition definition,
      Connection connection,
      Receiver receiver,
      LogRing log,
      Executor work,
      Executor endings,
      ScheduledExecutorService timer,
      StartPolicy starts,
      Runnable gone) {
    this.definition = definition;
    this.connection = connection;
    this.receiver = receiver;
    this.log = log;
    this.secrets = Secrets.of(definition);
    this.endings = endings;
    this.timer = timer;
    this.starts = starts;
    this.gone = gone;
    this.delivery = new Delivery(definition.id(), connection, secrets, work, new Renewal());
  }

  /** The hub's own {@code initialize}, for those who do the handshake themselves. */
  public static Envelope initialize(long id, String version) {
    return Envelope.request(id, "initialize", Handshake.params(version));
  }

  /** Starts or reaches the server; blocks. */
  void open() {
    begin = System.nanoTime();
    long firstLine = log.newest();
    try {
      connection.open(new Arrivals());
      return;
    } catch (InterruptedException interrupted) {
      close();
      Thread.currentThread().interrupt();
      throw new StartFailure(
          "the start was interrupted", Optional.empty(), java.util.List.of(), "", null);
    } catch (StartFailure failure) {
      close();
      throw new StartFailure(
          secrets.mask(String.valueOf(failure.getMessage())),
          failure.exitCode(),
          log.since(firstLine, 20).stream().map(LogLine::text).toList(),
          failure.suggestion(),
          failure);
    } catch (RuntimeException | Error defect) {
      close();
      throw defect;
    }
  }

  /**
   * Sends a message, bytes unchanged; never blocks.
   *
   * @return completes when the transport has nothing more to do for it; fails with {@link
   *     UpstreamException} if it could not be delivered or its answer can no longer come.
   *     Cancelling it gives up waiting for the answer
   */
  public CompletableFuture<Void> send(Envelope message) {
    if (over.get()) {
      return CompletableFuture.failedFuture(
          UpstreamException.of(Kind.DISCONNECTED, "the connection is closed"));
    }
    String method = message.method();
    if (method.equals("initialize") && message.kind() == Envelope.Kind.REQUEST) {
      initializing = message.idText();
    }
    opening.note(method, message);
    CompletableFuture<Void> sending = delivery.deliver(message);
    if (method.equals("notifications/initialized")) {
      connection.listen();
    }
    return sending;
  }

  /** Messages sent that the transport has not done with. */
  public int queued() {
    return connection.queued()
        + delivery.parked()
        + connection.child().map(ChildProcess::queued).orElse(0);
  }

  /** What the client said is said again, in a new session. */
  private final class Renewal implements Delivery.Owner {

    @Override
    public CompletableFuture<Void> renew() {
      receiver.forgotten();
      Optional<Envelope> first = opening.initialize();
      if (first.isEmpty()) {
        return CompletableFuture.failedFuture(
            UpstreamException.of(
                Kind.PROTOCOL,
                "the client's initialize was over "
                    + Opening.MAX_BYTES
                    + " bytes, too long to be kept"));
      }
      Deadline deadline = Deadline.in(definition.startTimeout());
      return ask(first.get(), deadline)
          .thenCompose(answer -> greet(answer, deadline))
          .thenCompose(greeted -> restore(deadline));
    }

    private CompletableFuture<Void> greet(Envelope answer, Deadline deadline) {
      String agreed = answer.string(Envelope.Part.RESULT_PROTOCOL_VERSION);
      if (!version.equals(agreed)) {
        throw UpstreamException.of(
            Kind.PROTOCOL,
            answer.kind() == Envelope.Kind.ERROR
                ? "the server refused to initialize"
                : "the server now speaks version " + agreed + ", the client " + version);
      }
      connection.negotiated(version);
      return deadline.limit(
          connection.send(opening.initialized()), "notifications/initialized", timer);
    }

    /**
     * The log level and the subscriptions; one that is refused now is not the client's business.
     */
    private CompletableFuture<Void> restore(Deadline deadline) {
      connection.listen();
      return CompletableFuture.allOf(
          opening.settings().stream()
              .map(
                  setting ->
                      ask(setting, deadline).handle((answer, problem) -> set(setting, answer)))
              .toArray(CompletableFuture<?>[]::new));
    }

    private @Nullable Void set(Envelope setting, @Nullable Envelope answer) {
      if (answer == null || answer.kind() == Envelope.Kind.ERROR) {
        LogLine unused =
            log.add("hub", "warning", setting.method() + " was not taken in the new session");
      }
      return null;
    }

    /** Sends a request of the client again, under an id of the hub's. */
    private CompletableFuture<Envelope> ask(Envelope request, Deadline deadline) {
      String id = "\"sluice-renewal-" + numbers.incrementAndGet() + "\"";
      CompletableFuture<Envelope> answer = new CompletableFuture<>();
      asked.put(id, answer);
      CompletableFuture<Void> sending = connection.send(renumbered(request, id));
      CompletableFuture<?> unused =
          sending.whenComplete(
              (done, problem) -> {
                if (problem != null) {
                  answer.completeExceptionally(problem);
                }
              });
      unused =
          answer.whenComplete(
              (done, problem) -> {
                asked.remove(id);
                if (problem != null) {
                  sending.cancel(true);
                }
              });
      return deadline.limit(answer, request.method(), timer);
    }

    private static Envelope renumbered(Envelope request, String id) {
      try {
        return Envelope.read(
            request.splice(Map.of(Envelope.Part.ID, id.getBytes(StandardCharsets.UTF_8))));
      } catch (MalformedMessageException impossible) { // one id was replaced by another
        throw new IllegalStateException(impossible);
      }
    }

    @Override
    public void lost(String why) {
      end(why);
    }
  }

  private void end(String reason) {
    if (over.compareAndSet(false, true)) {
      gone.run();
      String shown = UpstreamException.cut(secrets.mask(reason));
      starts.ended(shown, Duration.ofNanos(System.nanoTime() - begin));
      receiver.ended(shown);
      endings.execute(connection::close);
    }
  }

  /** Its child, if it has one, for the budget. */
  Optional<Budgets.Holder> holder() {
    return connection
        .child()
        .map(child -> new Budgets.Holder(definition, child, receiver::inFlight, this::end));
  }

  /** Ends it and its child; blocks for a bounded time. The receiver is not told. Idempotent. */
  @Override
  public void close() {
    if (over.compareAndSet(false, true)) {
      gone.run();
    }
    connection.close();
  }

  private final class Arrivals implements Connection.Inbound {
    @Override
    public void received(Envelope message) {
      if (message.kind() == Envelope.Kind.BATCH) {
        message.members().forEach(this::received);
        return;
      }
      String id = message.idText();
      boolean answer =
          message.kind() == Envelope.Kind.RESPONSE || message.kind() == Envelope.Kind.ERROR;
      if (answer && id != null) {
        CompletableFuture<Envelope> own = asked.remove(id);
        if (own != null) {
          own.complete(message);
          return;
        }
      }
      if (message.kind() == Envelope.Kind.RESPONSE && id != null && id.equals(initializing)) {
        initialized(message);
      }
      if (!over.get()) {
        receiver.received(message);
      }
    }

    private void initialized(Envelope answer) {
      initializing = null;
      String agreed = answer.string(Envelope.Part.RESULT_PROTOCOL_VERSION);
      if (agreed != null) {
        version = agreed;
        connection.negotiated(agreed);
      }
      if (connection.session().isEmpty()) {
        opening.forget();
      } else {
        delivery.sessionStands();
      }
    }

    @Override
    public void sessionLost(String session) {
      delivery.lost(session);
    }

    @Override
    public void noise(String stream, String text) {
      LogLine unused = log.add(stream, LogRing.levelOf(text), secrets.mask(text));
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
