package dev.sluice.servers.upstream;

import dev.sluice.jsonrpc.Envelope;
import dev.sluice.servers.ServerDefinition;
import dev.sluice.servers.upstream.UpstreamException.Kind;
import jakarta.json.Json;
import jakarta.json.JsonObject;
import jakarta.json.JsonValue;
import java.lang.System.Logger;
import java.lang.System.Logger.Level;
import java.time.Duration;
import java.util.List;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.Executor;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicLong;
import org.jspecify.annotations.Nullable;

/**
 * One initialised MCP session with one server, over any transport: correlates requests, keeps the
 * catalogue fresh, and can carry raw messages for the relay. Life: made and opened by {@link
 * Upstreams#connect}, then usable until it ends (by {@link #close} or by the other side); an ended
 * client fails every call and is not used again.
 *
 * <p>Any thread may call; futures complete on the hub's managed executor.
 */
public final class UpstreamClient implements AutoCloseable {

  private static final Logger LOG = System.getLogger(UpstreamClient.class.getName());

  private static final int METHOD_NOT_FOUND = -32601;
  private static final int STDERR_SHOWN = 20;
  private static final Duration EXIT_SHOWS = Duration.ofMillis(700);

  private final ServerDefinition definition;
  private final Connection connection;
  private final UpstreamListener listener;
  private final LogRing log;
  private final Secrets secrets;
  private final Executor endings;
  private final ScheduledExecutorService timer;
  private final Calls calls;
  private final AtomicLong unknownAnswers = new AtomicLong();
  private final Delivery delivery;
  private final Refresh refresh;
  private final CompletableFuture<Ended> ended = new CompletableFuture<>();
  private final AtomicBoolean told = new AtomicBoolean();
  private final AtomicBoolean closed = new AtomicBoolean();
  private final long firstLine;

  private volatile boolean open;
  private volatile @Nullable String endReason;
  private volatile ServerInfo info;
  private volatile Catalogue catalogue = Catalogue.EMPTY;

  private record Ended(String reason, Optional<Integer> exitCode) {}

  /** What the server said of itself in the handshake. */
  public record ServerInfo(
      String name, String version, String protocolVersion, JsonObject capabilities) {}

  /**
   * Makes it.
   *
   * @param work where futures complete
   * @param endings where it ends itself, which blocks
   */
  UpstreamClient(
      ServerDefinition definition,
      Connection connection,
      UpstreamListener listener,
      LogRing log,
      Executor work,
      Executor endings,
      ScheduledExecutorService timer) {
    this.definition = definition;
    this.connection = connection;
    this.listener = listener;
    this.log = log;
    this.secrets = Secrets.of(definition);
    this.endings = endings;
    this.timer = timer;
    this.firstLine = log.newest();
    this.info = new ServerInfo(definition.id().value(), "", "", JsonValue.EMPTY_JSON_OBJECT);
    this.delivery = new Delivery(definition.id(), connection, secrets, work, new Renewal());
    this.refresh = new Refresh(this::readLists, work, timer);
    this.calls =
        new Calls(
            new Calls.Line() {
              @Override
              public CompletableFuture<Void> send(Envelope message) {
                return delivery.deliver(message);
              }

              @Override
              public void abandoned(long id, String method, String why) {
                cancelled(id, method, why);
              }
            },
            secrets,
            work,
            timer);
  }

  /** Opens, shakes hands, lists; on failure everything is ended before this throws. */
  void start() {
    Deadline deadline = deadline();
    try {
      connection.open(new Arrivals());
      if (closed.get()) {
        throw UpstreamException.of(Kind.DISCONNECTED, "closed by the hub");
      }
      deadline.await(shakeHands(deadline), "initialize");
      connection.listen();
      catalogue = deadline.await(handshake(deadline).list(info), "a list");
      open = true;
      delivery.sessionStands();
      if (ended.isDone() && told.compareAndSet(false, true)) {
        throw UpstreamException.of(Kind.DISCONNECTED, "it ended right after the handshake");
      }
      refresh.allow(); // a change announced meanwhile may not be in what was read
    } catch (StartFailure failure) {
      abort();
      throw masked(failure);
    } catch (UpstreamException failure) {
      throw startFailure(failure);
    } catch (InterruptedException interrupted) {
      abort();
      Thread.currentThread().interrupt();
      throw new StartFailure("the start was interrupted", Optional.empty(), List.of(), "", null);
    } catch (RuntimeException | Error defect) {
      abort();
      throw defect;
    }
  }

  private Deadline deadline() {
    return Deadline.in(definition.startTimeout());
  }

  private StartFailure masked(StartFailure failure) {
    return new StartFailure(
        secrets.mask(String.valueOf(failure.getMessage())),
        failure.exitCode(),
        failure.stderr(),
        failure.suggestion(),
        failure.getCause());
  }

  private StartFailure startFailure(UpstreamException failure) {
    boolean lost = failure.kind() == Kind.DISCONNECTED;
    Optional<Ended> before = endedWithin(lost ? EXIT_SHOWS : Duration.ZERO);
    abort();
    Optional<Integer> exitCode = before.flatMap(Ended::exitCode);
    List<String> stderr = log.since(firstLine, STDERR_SHOWN).stream().map(LogLine::text).toList();
    String problem =
        before.isPresent()
            ? before.get().reason() + " before it was ready"
            : String.valueOf(failure.getMessage());
    String hint =
        StartHint.of(
            definition.transport(), exitCode.orElse(-1), stderr, failure.kind() == Kind.TIMEOUT);
    return new StartFailure(secrets.mask(problem), exitCode, stderr, hint, failure.masked(secrets));
  }

  private Optional<Ended> endedWithin(Duration limit) {
    try {
      return Optional.of(ended.get(limit.toMillis(), TimeUnit.MILLISECONDS));
    } catch (TimeoutException | ExecutionException notEnded) {
      return Optional.empty();
    } catch (InterruptedException interrupted) {
      Thread.currentThread().interrupt();
      return Optional.empty();
    }
  }

  /** An interruption ends the start, not the grace that the child has to end in. */
  private void abort() {
    told.set(true);
    boolean interrupted = Thread.interrupted();
    try {
      if (closed.get()) {
        connection.close(); // was closed while it opened
      } else {
        close();
      }
    } finally {
      if (interrupted) {
        Thread.currentThread().interrupt();
      }
    }
  }

  private Handshake handshake(Deadline deadline) {
    return new Handshake(
        definition.id().value(), (method, params) -> calls.start(method, params, deadline.left()));
  }

  private CompletableFuture<Void> shakeHands(Deadline deadline) {
    return handshake(deadline)
        .initialize()
        .thenCompose(
            found -> {
              info = found;
              if (!Handshake.hasSession(found)) {
                return CompletableFuture.completedFuture(null);
              }
              connection.negotiated(found.protocolVersion());
              // Some servers never answer the POST of a notification.
              String first = "notifications/initialized";
              return deadline.limit(
                  connection.send(Envelope.notification(first, null)), first, timer);
            });
  }

  /** From the handshake. */
  public ServerInfo info() {
    return info;
  }

  /** The newest catalogue. */
  public Catalogue catalogue() {
    return catalogue;
  }

  /**
   * Calls a tool.
   *
   * @return the MCP {@code result} object; fails with {@link UpstreamException} for a JSON-RPC
   *     error, a deadline (the server is told {@code notifications/cancelled}) or a lost connection
   */
  public CompletableFuture<JsonObject> callTool(
      String tool, JsonObject arguments, Duration timeout) {
    String params =
        Json.createObjectBuilder().add("name", tool).add("arguments", arguments).build().toString();
    return calls.start("tools/call", params, timeout);
  }

  /** An awaited {@code ping}; completes with the round trip. */
  public CompletableFuture<Duration> ping(Duration timeout) {
    long start = System.nanoTime();
    return calls
        .start("ping", null, timeout)
        .handle(
            (result, problem) -> {
              // Any answer shows that the server lives, also that it does not know the method.
              if (problem != null
                  && UpstreamException.from(problem).kind() != Kind.ERROR_RESPONSE) {
                throw UpstreamException.from(problem);
              }
              return Duration.ofNanos(System.nanoTime() - start);
            });
  }

  /**
   * Sends a message of somebody else's, bytes unchanged; its answers and whatever else is not for
   * the hub go to {@link UpstreamListener#message}. Ids must not be those of the hub (positive
   * integers).
   *
   * @return completes when the transport has done with it; fails if it could not be delivered
   */
  public CompletableFuture<Void> send(Envelope message) {
    return delivery.deliver(message);
  }

  /** Process id of the child, if there is one. */
  public OptionalLong pid() {
    return connection.pid();
  }

  /** Requests of the hub that wait for their answers. */
  public int inFlight() {
    return calls.underWay();
  }

  /** Messages handed over that are not written yet, or that wait for a session. */
  public int queued() {
    return connection.queued() + delivery.parked();
  }

  /** Answers that nobody waited for, most often because they came after the deadline. */
  public long unknownAnswers() {
    return unknownAnswers.get();
  }

  /** Whether it can still be used. */
  public boolean isOpen() {
    return open && !ended.isDone();
  }

  /** Its child, if it has one, for the budget. */
  Optional<Budgets.Holder> holder() {
    return connection
        .child()
        .map(child -> new Budgets.Holder(definition, child, this::inFlight, this::endBecause));
  }

  /** A new session in place of one the server knows no more; without one this client ends. */
  private final class Renewal implements Delivery.Owner {
    @Override
    public CompletableFuture<Void> renew() {
      return shakeHands(deadline())
          .thenRun(
              () -> {
                connection.listen();
                refresh.ask();
              });
    }

    @Override
    public void lost(String why) {
      end(why, Optional.empty());
      closeSoon();
    }
  }

  private void cancelled(long id, String method, String why) {
    if (method.equals("initialize") || ended.isDone()) {
      return; // MCP: initialize must not be cancelled
    }
    String params =
        Json.createObjectBuilder().add("requestId", id).add("reason", why).build().toString();
    quietly(Envelope.notification("notifications/cancelled", params));
  }

  private void quietly(Envelope message) {
    CompletableFuture<?> unused =
        connection
            .send(message)
            .whenComplete(
                (sent, problem) -> {
                  if (problem != null) {
                    LOG.log(Level.DEBUG, "{0} was not told {1}", definition.id(), message.method());
                  }
                });
  }

  private final class Arrivals implements Connection.Inbound {
    @Override
    public void received(Envelope message) {
      switch (message.kind()) {
        case RESPONSE, ERROR -> {
          if (!calls.answered(message) && !offered(message)) {
            unknownAnswers.incrementAndGet();
          }
        }
        case REQUEST -> {
          if (message.method().equals("ping")) {
            quietly(Envelope.response(message, "{}"));
          } else if (!offered(message)) {
            quietly(
                Envelope.error(
                    message, METHOD_NOT_FOUND, "the hub does not offer " + message.method()));
          }
        }
        case NOTIFICATION -> {
          if (message.method().endsWith("/list_changed")) {
            refresh.ask();
          }
          offered(message);
        }
        case BATCH -> message.members().forEach(this::received);
      }
    }

    private boolean offered(Envelope message) {
      try {
        return listener.message(message);
      } catch (RuntimeException broken) {
        listenerFailed(broken);
        return false;
      }
    }

    @Override
    public void noise(String stream, String text) {
      line(stream, LogRing.levelOf(text), text);
    }

    @Override
    public void stderr(String text) {
      line("stderr", LogRing.levelOf(text), text);
    }

    private void line(String stream, String level, String text) {
      LogLine line = log.add(stream, level, secrets.mask(text));
      try {
        listener.logLine(line);
      } catch (RuntimeException broken) {
        listenerFailed(broken);
      }
    }

    @Override
    public void sessionLost(String session) {
      delivery.lost(session);
    }

    @Override
    public void ended(String reason, Optional<Integer> exitCode) {
      end(reason, exitCode);
    }
  }

  private void listenerFailed(RuntimeException broken) {
    LOG.log(
        Level.WARNING,
        "SLUICE-0304: a listener of " + definition.id() + " failed; the connection goes on",
        broken);
  }

  /** Ends it for a reason of the hub's own, budgets for example; does not block. */
  private void endBecause(String reason) {
    endReason = reason;
    closeSoon();
  }

  private void closeSoon() {
    endings.execute(this::close);
  }

  private void end(String reason, Optional<Integer> exitCode) {
    String own = endReason;
    String shown = UpstreamException.cut(secrets.mask(own != null ? own : reason));
    // What the hub ended itself did not exit by itself: its code says nothing.
    Optional<Integer> shownCode = own != null ? Optional.empty() : exitCode;
    if (!ended.complete(new Ended(shown, shownCode))) {
      return;
    }
    refresh.stop();
    calls.end("the connection to " + definition.id() + " ended: " + shown);
    // Until the start has succeeded, its exception tells.
    if (open && told.compareAndSet(false, true)) {
      try {
        listener.ended(shown, shownCode);
      } catch (RuntimeException broken) {
        listenerFailed(broken);
      }
    }
  }

  private CompletableFuture<?> readLists() {
    return handshake(deadline())
        .list(info)
        .handle(
            (read, problem) -> {
              if (problem == null) {
                changed(read);
              } else if (!ended.isDone()) {
                LOG.log(
                    Level.WARNING,
                    "SLUICE-0305: the lists of {0} changed and could not be read again: {1}",
                    definition.id(),
                    secrets.mask(String.valueOf(UpstreamException.from(problem).getMessage())));
              }
              return null;
            });
  }

  private void changed(Catalogue read) {
    catalogue = read;
    if (!ended.isDone()) {
      try {
        listener.catalogueChanged(read);
      } catch (RuntimeException broken) {
        listenerFailed(broken);
      }
    }
  }

  /**
   * Ends the session and the child: close stdin, wait, TERM to the tree, wait, KILL to the tree.
   * Blocks for the sum of the deadlines at most; idempotent. In-flight calls fail at once.
   */
  @Override
  public void close() {
    if (!closed.compareAndSet(false, true)) {
      return;
    }
    String reason = endReason == null ? "closed by the hub" : String.valueOf(endReason);
    endReason = reason;
    calls.end("the connection to " + definition.id() + " ended: " + secrets.mask(reason));
    connection.close();
    end(reason, Optional.empty());
  }
}
