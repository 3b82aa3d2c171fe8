package dev.sluice.it;

import java.io.IOException;
import java.net.URI;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.TimeUnit;

/**
 * An MCP client in the text of its messages, whichever its transport. What comes is kept in order;
 * what should not be, such as a status other than MCP asks for, is kept among the messages.
 */
interface McpPeer extends AutoCloseable {

  /** Sends a message; what comes of it is seen in {@link #texts}. */
  McpPeer send(String message) throws Exception;

  /** What the hub sent and nobody has taken yet. */
  BlockingQueue<String> texts();

  @Override
  void close();

  /** A client over {@code http}, {@code sse} or {@code ws}. */
  static McpPeer open(String transport, URI hub, String server) throws Exception {
    return switch (transport) {
      case "http" -> new McpHttpPeer(hub, server);
      case "sse" -> new McpSsePeer(hub, server);
      default -> new McpSocketPeer(hub, "/mcp/" + server + "/ws", "mcp");
    };
  }

  /** The next message. */
  default String text() throws Exception {
    String text = texts().poll(30, TimeUnit.SECONDS);
    if (text == null) {
      throw new IOException("no message within 30 s");
    }
    return text;
  }

  /** The handshake, at the end of which nothing is on its way. */
  default McpPeer initialize(String capabilities) throws Exception {
    send(
        "{\"jsonrpc\":\"2.0\",\"id\":0,\"method\":\"initialize\",\"params\":{\"protocolVersion\":"
            + "\"2025-11-25\",\"capabilities\":"
            + capabilities
            + ",\"clientInfo\":{\"name\":\"it\",\"version\":\"1\"}}}");
    String answer = text();
    if (!answer.contains("\"protocolVersion\"")) {
      throw new IOException("not an answer to initialize: " + answer);
    }
    send("{\"jsonrpc\":\"2.0\",\"method\":\"notifications/initialized\"}");
    if (this instanceof McpSocketPeer && !text().contains("\"ping\"")) {
      throw new IOException("no ping after the handshake");
    }
    return this;
  }
}
