package dev.sluice.relay;

import dev.sluice.servers.RelayedServer;
import java.util.concurrent.CompletableFuture;
import org.jspecify.annotations.Nullable;

/** A request of a {@link Session}'s client that waits for its answer. */
final class Pending {

  /** JSON text. */
  final String id;

  final String method;

  /** Its progress token, JSON text. */
  final @Nullable String token;

  /** What counts it, if it calls a tool. */
  final RelayedServer.@Nullable Call call;

  /** When it is given up, on the clock of {@link System#nanoTime}. */
  volatile long deadline;

  volatile @Nullable CompletableFuture<Void> sending;

  Pending(
      String id,
      String method,
      @Nullable String token,
      RelayedServer.@Nullable Call call,
      long deadline) {
    this.id = id;
    this.method = method;
    this.token = token;
    this.call = call;
    this.deadline = deadline;
  }

  /**
   * It will not be answered; returns whether it was a call.
   *
   * @param fault as in {@link RelayedServer.Call#lost}
   */
  boolean lost(String why, String type, boolean fault) {
    CompletableFuture<Void> sent = sending;
    if (sent != null) {
      sent.cancel(true);
    }
    if (call != null) {
      call.lost(why, type, fault);
    }
    return call != null;
  }
}
