package dev.sluice.servers.upstream;

import dev.sluice.jsonrpc.Envelope;
import dev.sluice.servers.ServerId;
import dev.sluice.servers.upstream.UpstreamException.Kind;
import java.lang.System.Logger;
import java.lang.System.Logger.Level;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.concurrent.Executor;
import java.util.concurrent.atomic.AtomicInteger;
import org.jspecify.annotations.Nullable;

/**
 * Hands messages to a connection and sees to it that a lost session is renewed once for all: who
 * comes meanwhile waits (at most {@value #MAX_PARKED}, more are refused), and who was refused for
 * the sake of a session that has been replaced already is just sent again. Any thread may call.
 *
 * <p>Nothing is sent a second time but what the server refused for its session's sake, and that
 * once: what may have been done already is never repeated. An answer to the server is not repeated
 * at all: its question was asked in the session that is gone.
 */
final class Delivery {

  /** Messages waiting for a new session. */
  static final int MAX_PARKED = 1_024;

  private static final Logger LOG = System.getLogger(Delivery.class.getName());

  /** Whose session it is. */
  interface Owner {
    /** Opens a new session; never blocks. */
    CompletableFuture<Void> renew();

    /** There is no session, and none is to be had; called on {@code work}. */
    void lost(String why);
  }

  private final ServerId server;
  private final Connection connection;
  private final Secrets secrets;
  private final Executor work;
  private final Owner owner;
  private final AtomicInteger parked = new AtomicInteger();
  private final Object lock = new Object();
  private @Nullable CompletableFuture<Void> renewal; // guarded by lock
  private volatile boolean stands;

  /**
   * Makes it.
   *
   * @param secrets masked in the messages of all failures
   * @param work where a renewal is ended
   */
  Delivery(ServerId server, Connection connection, Secrets secrets, Executor work, Owner owner) {
    this.server = server;
    this.connection = connection;
    this.secrets = secrets;
    this.work = work;
    this.owner = owner;
  }

  /** The first session stands: from now on a lost one is renewed. */
  void sessionStands() {
    stands = true;
  }

  /**
   * The server was heard to have lost that session; nothing happens if another one took its place.
   */
  void lost(String session) {
    if (stands) {
      CompletableFuture<?> unused = renewed(session);
    }
  }

  /** Sends it; what {@link Connection#send} says of the future holds here. */
  CompletableFuture<Void> deliver(Envelope message) {
    CompletableFuture<Void> delivery = new CompletableFuture<>();
    deliver(message, delivery, true);
    return delivery;
  }

  private void deliver(Envelope message, CompletableFuture<Void> delivery, boolean mayRenew) {
    CompletableFuture<Void> pending = pending();
    if (pending != null && !message.method().equals("initialize")) {
      park(pending, message, delivery, mayRenew);
      return;
    }
    if (delivery.isDone()) {
      return; // given up while it waited
    }
    CompletableFuture<Void> sending = connection.send(message);
    CompletableFuture<?> unused =
        delivery.whenComplete(
            (sent, problem) -> {
              if (delivery.isCancelled()) {
                sending.cancel(true);
              }
            });
    unused =
        sending.whenComplete(
            (sent, problem) -> {
              Throwable cause =
                  problem instanceof CompletionException && problem.getCause() != null
                      ? problem.getCause()
                      : problem;
              if (cause == null) {
                delivery.complete(null);
              } else if (cause instanceof Connection.SessionLost lost
                  && stands
                  && !isAnswer(message)) {
                if (mayRenew) {
                  // The server has refused it for its session's sake, so sending it again is safe.
                  park(renewed(lost.session()), message, delivery, false);
                } else {
                  String again =
                      "the server no longer knows the session, though it was opened anew just now";
                  delivery.completeExceptionally(UpstreamException.of(Kind.DISCONNECTED, again));
                  work.execute(() -> owner.lost(again));
                }
              } else {
                delivery.completeExceptionally(UpstreamException.from(cause).masked(secrets));
              }
            });
  }

  private void park(
      CompletableFuture<Void> pending,
      Envelope message,
      CompletableFuture<Void> delivery,
      boolean mayRenew) {
    if (isAnswer(message)) {
      delivery.completeExceptionally(
          UpstreamException.of(Kind.DISCONNECTED, "the session in which it was asked is gone"));
      return;
    }
    if (parked.incrementAndGet() > MAX_PARKED) {
      parked.decrementAndGet();
      delivery.completeExceptionally(
          UpstreamException.of(Kind.BUSY, MAX_PARKED + " messages wait for a new session already"));
      return;
    }
    CompletableFuture<?> unused =
        pending.whenComplete(
            (done, problem) -> {
              parked.decrementAndGet();
              if (problem == null) {
                deliver(message, delivery, mayRenew);
              } else {
                delivery.completeExceptionally(UpstreamException.from(problem));
              }
            });
  }

  private static boolean isAnswer(Envelope message) {
    return message.kind() == Envelope.Kind.RESPONSE || message.kind() == Envelope.Kind.ERROR;
  }

  /** Messages that wait for a new session. */
  int parked() {
    return parked.get();
  }

  private @Nullable CompletableFuture<Void> pending() {
    synchronized (lock) {
      return renewal;
    }
  }

  /** A new session in place of the lost one, unless there is one already. */
  private CompletableFuture<Void> renewed(String lost) {
    CompletableFuture<Void> mine;
    synchronized (lock) {
      if (renewal != null) {
        return renewal;
      }
      if (!lost.equals(connection.session())) {
        return CompletableFuture.completedFuture(null);
      }
      mine = new CompletableFuture<>();
      renewal = mine;
    }
    CompletableFuture<?> unused =
        owner.renew().whenCompleteAsync((done, problem) -> renewed(mine, problem), work);
    return mine;
  }

  private void renewed(CompletableFuture<Void> mine, @Nullable Throwable problem) {
    if (problem == null) {
      LOG.log(
          Level.INFO, "SLUICE-0306: {0} no longer knew the session; a new one was opened", server);
    } else {
      UpstreamException failed = UpstreamException.from(problem).masked(secrets);
      owner.lost("the session was lost and could not be renewed: " + failed.getMessage());
    }
    synchronized (lock) {
      renewal = null;
    }
    if (problem == null) {
      mine.complete(null);
    } else {
      mine.completeExceptionally(UpstreamException.from(problem));
    }
  }
}
