package dev.sluice.servers.upstream;

import dev.sluice.jsonrpc.Envelope;
import java.util.Map;

/**
 * The way to one server that speaks the stateless era (2026-07-28), common to all clients: every
 * request stands for itself. Any thread may call; nothing blocks.
 */
public sealed interface ModernUpstream permits ModernHttp, ModernChannel {

  /** The revision that is spoken. */
  String VERSION = "2026-07-28";

  /** Who gets what belongs to one request; called by the connection's threads, returns quickly. */
  interface Receiver {
    /**
     * A message that belongs to the request, with the request's own id, progress token and
     * subscription id. A response or an error is the last.
     *
     * @param status the HTTP status that goes with it if it is the whole answer
     */
    void received(int status, Envelope message);

    /**
     * There will be no answer; the last.
     *
     * @param status the HTTP status with which the server refused, 0 if there was none
     */
    void failed(UpstreamException why, int status);
  }

  /** A request under way. */
  interface Exchange {
    /** Gives it up: the server is told and nothing more is received. Idempotent. */
    void cancel();
  }

  /**
   * Sends a request.
   *
   * @param headers further HTTP headers for a server that is reached by HTTP: {@code Mcp-Param-*}
   */
  Exchange send(Envelope message, Map<String, String> headers, Receiver receiver);
}
