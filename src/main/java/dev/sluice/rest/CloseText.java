package dev.sluice.rest;

/** What the close frame of a WebSocket may say (RFC 6455 §5.5). */
public final class CloseText {

  /** A close frame's payload is at most 125 bytes, two of them the code. */
  private static final int MAX = 123;

  private CloseText() {}

  /** The reason in ASCII, cut to what fits. */
  public static String fitting(String reason) {
    String ascii = reason.replaceAll("[^\\x20-\\x7e]", "?");
    return ascii.length() <= MAX ? ascii : ascii.substring(0, MAX);
  }
}
