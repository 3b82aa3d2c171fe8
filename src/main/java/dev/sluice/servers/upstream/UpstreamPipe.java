package dev.sluice.servers.upstream;

import dev.sluice.jsonrpc.Envelope;
import dev.sluice.servers.ServerDefinition;
import dev.sluice.servers.upstream.UpstreamException.Kind;
import java.lang.System.Logger;
import java.lang.System.Logger.Level;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.Executor;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.atomic.AtomicBoolean;
import org.jspecify.annotations.Nullable;

/**
 * A connection to a server, or a child process, that belongs to one client session: carries the
 * messages of both sides as they are and says nothing of its own. It watches {@code initialize} go
 * by, because HTTP needs to know the version that was agreed on.
 *
 * <p>Life: made and opened by {@link Upstreams#pipe}, then usable until it ends, by {@link #close}
 * or by the other side. Any thread may call.
 */
public final class UpstreamPipe implements AutoCloseable {

  /** Who gets what the server says; called by the connection's threads, returns quickly. */
  public interface Receiver {
    /** A message of the server; batches are taken apart. */
    void received(Envelope message);

    /** The connection is over, unless {@link #close} was called; called once. */
    void ended(String reason);
  }

  private static final Logger LOG = System.getLogger(UpstreamPipe.class.getName());

  private final ServerDefinition definition;
  private final Connection connection;
  private final Receiver receiver;
  private final LogRing log;
  private final Secrets secrets;
  private final Executor work;
  private final Runnable gone;
  private final AtomicBoolean over = new AtomicBoolean();
  private volatile @Nullable String initializing;

  UpstreamPipe(
      ServerDefinition definition,
      Connection connection,
      Receiver receiver,
      LogRing log,
      Executor work,
      Runnable gone) {
    this.definition = definition;
    this.connection = connection;
    this.receiver = receiver;
    this.log = log;
    this.secrets = Secrets.of(definition);
    this.work = work;
    this.gone = gone;
  }

  /** The hub's own {@code initialize}, for those who do the handshake themselves. */
  public static Envelope initialize(long id, String version) {
    return Envelope.request(id, "initialize", Handshake.params(version));
  }

  /** Starts or reaches the server; blocks. */
  void open() {
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
    CompletableFuture<Void> sending = connection.send(message);
    if (method.equals("notifications/initialized")) {
      connection.listen();
    }
    CompletableFuture<Void> told = new CompletableFuture<>();
    CompletableFuture<?> unused =
        told.whenComplete(
            (done, problem) -> {
              if (told.isCancelled()) {
                sending.cancel(true);
              }
            });
    unused =
        sending.whenComplete(
            (done, problem) -> {
              if (problem == null) {
                told.complete(null);
                return;
              }
              UpstreamException masked = UpstreamException.from(problem).masked(secrets);
              told.completeExceptionally(masked);
              Throwable cause = problem.getCause() == null ? problem : problem.getCause();
              if (cause instanceof Connection.SessionLost) {
                end("the server no longer knows the session");
              }
            });
    return told;
  }

  /** Messages sent that the transport has not done with. */
  public int queued() {
    return connection.queued() + connection.child().map(ChildProcess::queued).orElse(0);
  }

  private void end(String reason) {
    if (over.compareAndSet(false, true)) {
      gone.run();
      receiver.ended(UpstreamException.cut(secrets.mask(reason)));
      try {
        work.execute(connection::close);
      } catch (RejectedExecutionException closing) {
        LOG.log(Level.DEBUG, "{0} ends with the hub", definition.id());
      }
    }
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
      String first = initializing;
      if (first != null
          && message.kind() == Envelope.Kind.RESPONSE
          && first.equals(message.idText())) {
        initializing = null;
        String version = message.string(Envelope.Part.RESULT_PROTOCOL_VERSION);
        if (version != null) {
          connection.negotiated(version);
        }
      }
      if (!over.get()) {
        receiver.received(message);
      }
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
