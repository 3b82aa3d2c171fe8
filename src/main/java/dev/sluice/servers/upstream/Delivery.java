package dev.sluice.servers.upstream;

import dev.sluice.jsonrpc.Envelope;
import dev.sluice.servers.upstream.UpstreamException.Kind;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;

/**
 * Hands messages to a connection and sees to it that a lost session is renewed once for all: who
 * comes meanwhile waits (at most {@value #MAX_PARKED}, more are refused), and who was refused for
 * the sake of a session that has been replaced already is just sent again. Any thread may call.
 */
final class Delivery {

  /** Messages waiting for a new session. */
  static final int MAX_PARKED = 1_024;

  private final Connection connection;
  private final Secrets secrets;
  private final Supplier<CompletableFuture<Void>> renew;
  private final AtomicInteger parked = new AtomicInteger();
  private final Object lock = new Object();
  private @Nullable CompletableFuture<Void> renewal; // guarded by lock
  private volatile boolean stands;

  /**
   * Makes it.
   *
   * @param secrets masked in the messages of all failures
   * @param renew opens a new session; never blocks
   */
  Delivery(Connection connection, Secrets secrets, Supplier<CompletableFuture<Void>> renew) {
    this.connection = connection;
    this.secrets = secrets;
    this.renew = renew;
  }

  /** The first session stands: from now on a lost one is renewed. */
  void sessionStands() {
    stands = true;
  }

  /** Sends it; what {@link Connection#send} says of the future holds here. */
  CompletableFuture<Void> deliver(Envelope message) {
    CompletableFuture<Void> delivery = new CompletableFuture<>();
    deliver(message, delivery, true);
    return delivery;
  }

  private void deliver(Envelope message, CompletableFuture<Void> delivery, boolean mayRenew) {
    CompletableFuture<Void> pending = message.method().equals("initialize") ? null : pending();
    if (pending != null) {
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
              } else if (cause instanceof Connection.SessionLost lost && mayRenew && stands) {
                // The server has refused it for its session's sake, so sending it again is safe.
                park(renewed(lost.session()), message, delivery, false);
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
        renew
            .get()
            .whenComplete(
                (done, problem) -> {
                  synchronized (lock) {
                    renewal = null;
                  }
                  if (problem == null) {
                    mine.complete(null);
                  } else {
                    mine.completeExceptionally(UpstreamException.from(problem));
                  }
                });
    return mine;
  }
}
