package dev.sluice.servers.upstream;

import java.util.OptionalInt;

/** A request to a server failed. */
public final class UpstreamException extends RuntimeException {

  /** Why it failed. */
  public enum Kind {
    /** The server answered a JSON-RPC error. */
    ERROR_RESPONSE,
    /** No answer before the deadline. */
    TIMEOUT,
    /** The connection ended before the answer. */
    DISCONNECTED,
    /** The answer was not valid MCP, or the request could not be sent. */
    PROTOCOL,
    /** Too much is under way to this server already; nothing was sent. */
    BUSY
  }

  private final Kind kind;
  private final OptionalInt code;

  /** Makes the failure; {@code code} is the JSON-RPC code of an error response. */
  public UpstreamException(Kind kind, String message, OptionalInt code) {
    super(message);
    this.kind = kind;
    this.code = code;
  }

  /** A failure without a JSON-RPC code. */
  static UpstreamException of(Kind kind, String message) {
    return new UpstreamException(kind, message, OptionalInt.empty());
  }

  /** Why it failed. */
  public Kind kind() {
    return kind;
  }

  /** The JSON-RPC code of an error response. */
  public OptionalInt code() {
    return code;
  }
}
