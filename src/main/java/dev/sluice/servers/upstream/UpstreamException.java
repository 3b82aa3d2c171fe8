package dev.sluice.servers.upstream;

import java.util.OptionalInt;
import java.util.concurrent.CompletionException;
import java.util.concurrent.ExecutionException;

/**
 * A request to a server failed. Its message is at most {@value #MAX_MESSAGE} characters: parts of
 * it may come from the server, and it goes into events and answers.
 */
public final class UpstreamException extends RuntimeException {

  /** Characters of a message. */
  public static final int MAX_MESSAGE = 2_000;

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
    super(cut(message));
    this.kind = kind;
    this.code = code;
  }

  /** A failure without a JSON-RPC code. */
  public static UpstreamException of(Kind kind, String message) {
    return new UpstreamException(kind, message, OptionalInt.empty());
  }

  /** The problem in these words: the cause itself if it is one, else a lost connection. */
  public static UpstreamException from(Throwable problem) {
    Throwable cause = problem;
    while ((cause instanceof CompletionException || cause instanceof ExecutionException)
        && cause.getCause() != null) {
      cause = cause.getCause();
    }
    if (cause instanceof UpstreamException known) {
      return known;
    }
    String text = cause.getMessage();
    return of(Kind.DISCONNECTED, text == null ? cause.getClass().getSimpleName() : text);
  }

  /** The same without the secrets in its message. */
  UpstreamException masked(Secrets secrets) {
    String before = String.valueOf(getMessage());
    String after = secrets.mask(before);
    if (after.equals(before)) {
      return this;
    }
    UpstreamException copy = new UpstreamException(kind, after, code);
    copy.setStackTrace(getStackTrace());
    return copy;
  }

  /** The text, cut to {@value #MAX_MESSAGE} characters. */
  static String cut(String text) {
    return text.length() <= MAX_MESSAGE ? text : text.substring(0, MAX_MESSAGE - 2) + " …";
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
