package dev.sluice.relay;

import jakarta.websocket.server.ServerEndpointConfig;
import java.util.List;

/** Selects {@code mcp} when it is offered, and nothing otherwise: strict clients of both kinds. */
public class McpSubprotocol extends ServerEndpointConfig.Configurator {

  @Override
  public String getNegotiatedSubprotocol(List<String> supported, List<String> requested) {
    return requested.contains(McpSocket.SUBPROTOCOL) ? McpSocket.SUBPROTOCOL : "";
  }
}
