package dev.sluice.servers.upstream;

import java.io.ByteArrayOutputStream;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;

/**
 * Reads {@code text/event-stream} (WHATWG HTML) as it comes, in pieces of any size: line ends of
 * all three kinds, a byte order mark, comments, data of several lines. One event holds at most
 * {@link Bodies#MAX_MESSAGE} bytes. For one thread.
 */
final class EventParser {

  /** Where events go. */
  interface Sink {
    /**
     * An event.
     *
     * @param name {@code message} unless the event says otherwise
     */
    void event(String name, byte[] data);
  }

  /** An event or a line over the limit. */
  static final class TooLong extends RuntimeException {
    private static final long serialVersionUID = 1L;

    TooLong() {
      super("an event is longer than " + Bodies.MAX_MESSAGE + " bytes");
    }
  }

  private final Sink sink;
  private final ByteArrayOutputStream line = new ByteArrayOutputStream(256);
  private ByteArrayOutputStream data = new ByteArrayOutputStream(256);
  private boolean hasData;
  private boolean first = true;
  private boolean afterReturn;
  private String name = "";
  private String pendingId = "";
  private volatile String lastId = "";
  private volatile long retryMillis = -1;

  EventParser(Sink sink) {
    this.sink = sink;
  }

  /** The id of the newest event that had one; empty before. */
  String lastId() {
    return lastId;
  }

  /** What the server last asked to wait before a reconnect; -1 if it did not. */
  long retryMillis() {
    return retryMillis;
  }

  /**
   * A new body begins: what was left unfinished of the one before is forgotten, the id of the last
   * whole event stays.
   */
  void reset() {
    line.reset();
    data = new ByteArrayOutputStream(256);
    hasData = false;
    first = true;
    afterReturn = false;
    name = "";
    pendingId = lastId;
  }

  /** Reads on. */
  void feed(ByteBuffer bytes) {
    while (bytes.hasRemaining()) {
      byte c = bytes.get();
      if (c == '\n' && afterReturn) {
        afterReturn = false;
        continue;
      }
      afterReturn = c == '\r';
      if (c == '\n' || c == '\r') {
        endOfLine();
      } else {
        if (line.size() >= Bodies.MAX_MESSAGE) {
          throw new TooLong();
        }
        line.write(c);
      }
    }
  }

  private void endOfLine() {
    byte[] bytes = line.toByteArray();
    line.reset();
    int from = 0;
    if (first) {
      first = false;
      if (bytes.length >= 3
          && bytes[0] == (byte) 0xef
          && bytes[1] == (byte) 0xbb
          && bytes[2] == (byte) 0xbf) {
        from = 3;
      }
    }
    if (bytes.length == from) {
      dispatch();
      return;
    }
    int colon = from;
    while (colon < bytes.length && bytes[colon] != ':') {
      colon++;
    }
    int value = Math.min(colon + 1, bytes.length);
    if (value < bytes.length && bytes[value] == ' ') {
      value++;
    }
    field(new String(bytes, from, colon - from, StandardCharsets.UTF_8), bytes, value);
  }

  private void field(String field, byte[] bytes, int from) {
    switch (field) {
      case "data" -> {
        if (data.size() + bytes.length - from > Bodies.MAX_MESSAGE) {
          throw new TooLong();
        }
        if (hasData) {
          data.write('\n');
        }
        data.write(bytes, from, bytes.length - from);
        hasData = true;
      }
      case "event" -> name = text(bytes, from);
      case "id" -> {
        String id = text(bytes, from);
        if (id.length() <= 1024 && fitsHeader(id)) {
          pendingId = id;
        }
      }
      case "retry" -> {
        String number = text(bytes, from);
        if (number.matches("[0-9]{1,9}")) {
          retryMillis = Long.parseLong(number);
        }
      }
      default -> {
        // A comment, or a field the specification tells to ignore.
      }
    }
  }

  /** Only such an id can be sent back as {@code Last-Event-ID}; another is ignored. */
  private static boolean fitsHeader(String id) {
    return id.chars().allMatch(c -> c >= 0x20 && c < 0x7f);
  }

  private static String text(byte[] bytes, int from) {
    return new String(bytes, from, bytes.length - from, StandardCharsets.UTF_8);
  }

  private void dispatch() {
    byte[] content = data.toByteArray();
    String event = name.isEmpty() ? "message" : name;
    boolean any = hasData;
    // Only a whole event counts as received: one cut off after its id must come again.
    lastId = pendingId;
    data = new ByteArrayOutputStream(256);
    hasData = false;
    name = "";
    // An event without content only carries an id: MCP 2025-11-25 opens streams with one.
    if (any && content.length > 0) {
      sink.event(event, content);
    }
  }
}
