package dev.sluice.relay;

import dev.sluice.settings.Setting;
import dev.sluice.settings.Settings;
import jakarta.inject.Inject;
import jakarta.websocket.OnClose;
import jakarta.websocket.OnError;
import jakarta.websocket.OnMessage;
import jakarta.websocket.OnOpen;
import jakarta.websocket.Session;
import jakarta.websocket.server.ServerEndpoint;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** {@code /ws?server=}: one server over WebSocket at the path that gomcp's clients want. */
@ServerEndpoint(
    value = "/ws",
    subprotocols = McpSocket.SUBPROTOCOL,
    configurator = McpSubprotocol.class)
public class NamedMcpEndpoint {

  private static final System.Logger LOG = System.getLogger(NamedMcpEndpoint.class.getName());

  @Inject private Relay relay;
  @Inject private ModernRelay modern;
  @Inject private Settings settings;

  private @Nullable McpSocket mcp;

  /** Opens a session. */
  @OnOpen
  public void open(Session socket) {
    mcp = new McpSocket(relay, modern, settings.integer(Setting.HTTP_BODY_LIMIT));
    List<String> named = socket.getRequestParameterMap().getOrDefault("server", List.of());
    mcp.open(socket, named.isEmpty() ? "" : named.get(0));
  }

  /** A part of a message of the client. */
  @OnMessage
  public void part(String part, boolean last) {
    if (mcp != null) {
      mcp.part(part, last);
    }
  }

  /** Binary is not MCP. */
  @OnMessage
  public void binary(byte[] bytes) {
    if (mcp != null) {
      mcp.binary(bytes);
    }
  }

  /** The container closes the socket itself and then calls {@link #close}. */
  @OnError
  public void error(Throwable failure) {
    LOG.log(System.Logger.Level.DEBUG, "an MCP socket failed", failure);
  }

  /** The client's calls, and its child process, end with it. */
  @OnClose
  public void close() {
    if (mcp != null) {
      mcp.close();
    }
  }
}
