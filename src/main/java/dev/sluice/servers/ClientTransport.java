package dev.sluice.servers;

import java.util.Locale;

/** By what way a client calls. */
public enum ClientTransport {
  /** The hub's own REST interface. */
  REST,
  /** MCP's Streamable HTTP, with sessions or stateless. */
  STREAMABLE_HTTP,
  /** MCP's former HTTP with server-sent events. */
  SSE,
  /** MCP over WebSocket. */
  WEBSOCKET;

  /** As events and figures write it. */
  public String wire() {
    return name().toLowerCase(Locale.ROOT);
  }
}
