package dev.sluice.jsonrpc;

/**
 * Bytes that are not a JSON-RPC message. The message names what is wrong and at which byte; it
 * repeats nothing of the content, which may hold secrets.
 */
public final class MalformedMessageException extends Exception {

  private static final long serialVersionUID = 1L;

  /** JSON-RPC: not JSON. */
  public static final int PARSE_ERROR = -32700;

  /** JSON-RPC: JSON, but not a message. */
  public static final int INVALID_REQUEST = -32600;

  private final int code;
  private final int offset;

  MalformedMessageException(int code, int offset, String problem) {
    super(problem + " (at byte " + offset + ")");
    this.code = code;
    this.offset = offset;
  }

  /** The JSON-RPC error code to answer with: {@link #PARSE_ERROR} or {@link #INVALID_REQUEST}. */
  public int code() {
    return code;
  }

  /** Where, in bytes from the start of the message. */
  public int offset() {
    return offset;
  }
}
