package dev.sluice.relay;

import dev.sluice.access.Caller;
import dev.sluice.access.IdleTimers;
import dev.sluice.jsonrpc.Envelope;
import dev.sluice.jsonrpc.Envelope.Kind;
import dev.sluice.jsonrpc.Envelope.Part;
import dev.sluice.jsonrpc.MalformedMessageException;
import dev.sluice.rest.ApiException;
import dev.sluice.servers.RelayedServer;
import java.nio.charset.StandardCharsets;
import java.util.Map;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * MCP over one WebSocket, one JSON-RPC message a frame. Nothing is sent before the client's first
 * message. A session is the connection: its end is the session's end. {@link RelayDoorFilter} has
 * refused what cannot become a session.
 *
 * <p>One instance a socket; no callback blocks.
 */
final class McpSocket {

  /** What clients of MCP offer. */
  static final String SUBPROTOCOL = "mcp";

  private static final System.Logger LOG = System.getLogger(McpSocket.class.getName());
  private static final int UNSUPPORTED = 1003;
  private static final int TOO_LARGE = 1009;
  private static final int TRY_LATER = 1013;
  private static final int REMOVED = 4404;
  private static final String PING = "sluice-lock-step";

  private final Relay relay;
  private final ModernRelay stateless;
  private final int limit;

  /** A message of which the end has not come yet. */
  private final StringBuilder parts = new StringBuilder();

  private @Nullable Session session;
  private @Nullable WebSocketEnd end;
  private @Nullable ModernSocket modern;

  McpSocket(Relay relay, ModernRelay stateless, int limit) {
    this.relay = relay;
    this.stateless = stateless;
    this.limit = limit;
  }

  /** Opens the session; its server is reached with the client's {@code initialize}. */
  void open(jakarta.websocket.Session socket, String server) {
    IdleTimers.none(socket);
    socket.setMaxBinaryMessageBufferSize(64 * 1024);
    Session[] made = new Session[1];
    WebSocketEnd own =
        new WebSocketEnd(
            socket,
            relay::closing,
            () -> relay.end(made[0], SessionEnd.TOO_SLOW),
            () -> relay.end(made[0], SessionEnd.CLIENT));
    end = own;
    Caller caller =
        socket.getUserPrincipal() instanceof Caller known ? known : new Caller("", Set.of());
    try {
      RelayedServer target = relay.server(server);
      made[0] = relay.open(target, caller, "ws", own);
      session = made[0];
      modern = new ModernSocket(stateless, target, own);
    } catch (ApiException refused) {
      own.close(REMOVED, "no such server");
    } catch (Relay.Exhausted full) {
      own.close(TRY_LATER, "too many sessions");
    }
  }

  /** Takes a message as it comes in: Undertow holds whole text messages to no limit. */
  void part(String part, boolean last) {
    Session to = session;
    WebSocketEnd own = end;
    if (to == null || own == null || to.isOver()) {
      return;
    }
    if (parts.length() + part.length() > limit) {
      parts.setLength(0);
      parts.trimToSize();
      session = null;
      own.close(TOO_LARGE, "a message may have " + limit + " characters");
      relay.end(to, SessionEnd.CLIENT);
      return;
    }
    if (last && parts.isEmpty()) {
      message(to, own, part.getBytes(StandardCharsets.UTF_8));
      return;
    }
    parts.append(part);
    if (last) {
      byte[] whole = parts.toString().getBytes(StandardCharsets.UTF_8);
      parts.setLength(0);
      message(to, own, whole);
    }
  }

  private void message(Session to, WebSocketEnd own, byte[] bytes) {
    Envelope message;
    try {
      message = Envelope.read(bytes);
    } catch (MalformedMessageException malformed) {
      own.send(
          Envelope.error((String) null, malformed.code(), String.valueOf(malformed.getMessage())),
          null);
      return;
    }
    ModernSocket requests = modern;
    if (requests != null && requests.take(message)) {
      to.touch();
      return;
    }
    if (message.kind() == Kind.BATCH && !to.version().equals("2025-03-26")) {
      own.send(
          Envelope.error(
              (String) null, Session.INVALID_REQUEST, "batches are part of MCP 2025-03-26 only"),
          null);
      return;
    }
    boolean response = message.kind() == Kind.RESPONSE || message.kind() == Kind.ERROR;
    if (response && ("\"" + PING + "\"").equals(message.idText())) {
      return; // the answer to our own
    }
    to.receive(singleVersion(message));
    if (message.method().equals("notifications/initialized")) {
      // A lock-step client takes the next message for the answer to this notification and would
      // be one behind from here on; to every other one it is a ping.
      own.send(Envelope.request("\"" + PING + "\"", "ping", null), null);
    }
  }

  /** The clients of gomcp send a list of versions; servers want one. */
  private static Envelope singleVersion(Envelope message) {
    String versions = message.json(Part.PROTOCOL_VERSION);
    if (!message.method().equals("initialize") || versions == null || !versions.startsWith("[")) {
      return message;
    }
    for (String version : new String[] {"2025-11-25", "2025-06-18", "2025-03-26", "2024-11-05"}) {
      if (versions.contains("\"" + version + "\"")) {
        byte[] one = ("\"" + version + "\"").getBytes(StandardCharsets.UTF_8);
        try {
          return Envelope.read(message.splice(Map.of(Part.PROTOCOL_VERSION, one)));
        } catch (MalformedMessageException impossible) {
          LOG.log(System.Logger.Level.DEBUG, "a spliced message is unreadable", impossible);
        }
      }
    }
    return message;
  }

  /** Binary is not MCP: 1003. */
  void binary(byte[] bytes) {
    WebSocketEnd own = end;
    Session to = session;
    if (own != null && to != null) {
      session = null;
      own.close(UNSUPPORTED, bytes.length + " bytes of binary; MCP is JSON text");
      relay.end(to, SessionEnd.CLIENT);
    }
  }

  /** The client's calls, and its child process, end with it. */
  void close() {
    ModernSocket requests = modern;
    if (requests != null) {
      requests.close();
    }
    Session gone = session;
    if (gone != null) {
      relay.end(gone, SessionEnd.CLIENT);
    }
  }
}
