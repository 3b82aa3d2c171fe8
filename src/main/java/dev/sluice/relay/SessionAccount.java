package dev.sluice.relay;

import dev.sluice.jsonrpc.Envelope;
import dev.sluice.jsonrpc.Envelope.Part;
import dev.sluice.servers.ClientTransport;
import dev.sluice.servers.RelayedServer;
import jakarta.json.JsonObject;
import jakarta.json.JsonString;
import java.time.Duration;
import java.util.concurrent.atomic.AtomicLong;
import org.jspecify.annotations.Nullable;

/**
 * What is told of one session: that it was opened, once its client has been introduced to the
 * server, and after that, once, that it was closed. A session that never got so far is not told of.
 * Any thread may call; nothing blocks.
 */
final class SessionAccount {

  private enum Told {
    NOTHING,
    OPENED,
    CLOSED
  }

  private final RelayedServer server;
  private final ClientTransport transport;
  private final String reference;
  private final AtomicLong requests = new AtomicLong();
  private final AtomicLong calls = new AtomicLong();
  private final AtomicLong failedCalls = new AtomicLong();
  private volatile @Nullable Envelope initialize;

  // Under this object's lock: publishing never blocks, and the order is that of the events.
  private Told told = Told.NOTHING;
  private long opened;

  /**
   * Makes it.
   *
   * @param reference names the session to everybody; its id is known to its client only
   */
  SessionAccount(RelayedServer server, ClientTransport transport, String reference) {
    this.server = server;
    this.transport = transport;
    this.reference = reference;
  }

  ClientTransport transport() {
    return transport;
  }

  /** The client introduces itself. */
  void introduced(Envelope message) {
    initialize = message;
  }

  /** The client asks for something. */
  void asked() {
    requests.incrementAndGet();
  }

  /** The client calls a tool. */
  void called() {
    calls.incrementAndGet();
  }

  /** A tool call had no result, or one that is an error. */
  void failed() {
    failedCalls.incrementAndGet();
  }

  /** The server took the client. */
  void opened(String protocolVersion) {
    Envelope introduction = initialize;
    initialize = null; // it may be large
    JsonObject params =
        introduction == null ? null : Sharing.object(introduction.json(Part.PARAMS));
    JsonObject client =
        params != null && params.get("clientInfo") instanceof JsonObject told ? told : null;
    synchronized (this) {
      if (told == Told.NOTHING) {
        told = Told.OPENED;
        opened = System.nanoTime();
        server.sessionOpened(
            reference, transport, text(client, "name"), text(client, "version"), protocolVersion);
      }
    }
  }

  private static String text(@Nullable JsonObject client, String member) {
    return client != null && client.get(member) instanceof JsonString text ? text.getString() : "";
  }

  /** The session is over. */
  synchronized void closed(SessionEnd why) {
    boolean known = told == Told.OPENED;
    told = Told.CLOSED;
    if (known) {
      server.sessionClosed(
          reference,
          transport,
          why.wire(),
          Duration.ofNanos(System.nanoTime() - opened),
          requests.get(),
          calls.get(),
          failedCalls.get());
    }
  }
}
