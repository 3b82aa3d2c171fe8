package dev.sluice.relay;

import dev.sluice.jsonrpc.Envelope;
import dev.sluice.jsonrpc.Envelope.Kind;
import dev.sluice.jsonrpc.Envelope.Part;
import dev.sluice.servers.RelayedServer;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;

/**
 * The stateless requests on one WebSocket, at most {@link RelayLimits#requests} at once. There are
 * no headers: the body alone is judged. A request ends with its answer, with the client's {@code
 * notifications/cancelled}, or with the socket.
 */
final class ModernSocket {

  private final ModernRelay relay;
  private final RelayedServer server;
  private final ClientEnd end;
  private final Map<String, ModernExchange> running = new ConcurrentHashMap<>();
  private volatile boolean closed;

  ModernSocket(ModernRelay relay, RelayedServer server, ClientEnd end) {
    this.relay = relay;
    this.server = server;
    this.end = end;
  }

  /** Takes a message over if it is of the stateless era; returns whether it did. */
  boolean take(Envelope message) {
    if (message.method().equals("notifications/cancelled")) {
      String id = message.json(Part.REQUEST_ID);
      ModernExchange given = id == null ? null : running.get(id);
      if (given != null) {
        given.left();
        return true;
      }
    }
    if (!ModernLadder.isModern(message, List.of())) {
      return false;
    }
    if (message.kind() == Kind.NOTIFICATION) {
      return true; // there is no other one than the one above
    }
    String id = String.valueOf(message.idText());
    ModernExchange exchange =
        new ModernExchange(
            server,
            message,
            Map.of(),
            new ModernSocketReply(end),
            over -> {
              running.remove(id, over);
              relay.over(over);
            });
    if (running.size() >= relay.limits().requests()) {
      relay.refusedRequest();
      end.send(
          Envelope.error(
              message,
              Session.INTERNAL_ERROR,
              running.size() + " requests are in flight, which is the most there may be."),
          null);
    } else if (running.putIfAbsent(id, exchange) != null) {
      end.send(
          Envelope.error(
              message, Session.INVALID_REQUEST, "A request with this id is in flight already."),
          null);
    } else {
      relay.begin(server, exchange, ModernLadder.check(message, null));
      if (closed) {
        exchange.left();
      }
    }
    return true;
  }

  /** The socket is gone. */
  void close() {
    closed = true;
    new ArrayList<>(running.values()).forEach(ModernExchange::left);
  }
}
