package dev.sluice.sse;

import java.nio.charset.StandardCharsets;

/** The bytes of one event. */
public final class SseText {

  private static final byte[] ID = ascii("id: ");
  private static final byte[] NAME = ascii("event: ");
  private static final byte[] RETRY = ascii("retry: ");
  private static final byte[] DATA = ascii("data: ");

  private SseText() {}

  /**
   * Writes an event.
   *
   * @param id its id, empty for none; without line ends and NUL
   * @param name its name, empty for a plain message; without line ends
   * @param retryMillis how long a client waits before it comes back, -1 to leave that as it is
   * @param data the data; without line ends, as JSON on one line is
   * @throws IllegalArgumentException if a part holds a line end, which would end the field
   */
  public static byte[] event(String id, String name, long retryMillis, byte[] data) {
    byte[] idBytes = field("id", id);
    byte[] nameBytes = field("name", name);
    byte[] retry = retryMillis < 0 ? new byte[0] : ascii(Long.toString(retryMillis));
    for (byte one : data) {
      if (one == '\n' || one == '\r') {
        throw new IllegalArgumentException("the data of an event must be one line");
      }
    }
    int length = DATA.length + data.length + 2;
    length += idBytes.length > 0 ? ID.length + idBytes.length + 1 : 0;
    length += nameBytes.length > 0 ? NAME.length + nameBytes.length + 1 : 0;
    length += retry.length > 0 ? RETRY.length + retry.length + 1 : 0;
    byte[] event = new byte[length];
    int at = line(event, 0, ID, idBytes);
    at = line(event, at, NAME, nameBytes);
    at = line(event, at, RETRY, retry);
    System.arraycopy(DATA, 0, event, at, DATA.length);
    at += DATA.length;
    System.arraycopy(data, 0, event, at, data.length);
    at += data.length;
    event[at++] = '\n';
    event[at] = '\n';
    return event;
  }

  /** Writes a comment, which clients skip; it keeps a connection alive. */
  public static byte[] comment(String text) {
    byte[] checked = field("comment", text);
    return checked.length == 0
        ? ascii(":\n\n")
        : ascii(": " + new String(checked, StandardCharsets.UTF_8) + "\n\n");
  }

  private static int line(byte[] event, int from, byte[] field, byte[] value) {
    if (value.length == 0) {
      return from;
    }
    System.arraycopy(field, 0, event, from, field.length);
    int at = from + field.length;
    System.arraycopy(value, 0, event, at, value.length);
    at += value.length;
    event[at++] = '\n';
    return at;
  }

  private static byte[] field(String what, String value) {
    for (int i = 0; i < value.length(); i++) {
      char one = value.charAt(i);
      if (one == '\n' || one == '\r' || one == 0) {
        throw new IllegalArgumentException(
            "the " + what + " of an event must not hold line ends or NUL");
      }
    }
    return value.getBytes(StandardCharsets.UTF_8);
  }

  private static byte[] ascii(String text) {
    return text.getBytes(StandardCharsets.UTF_8);
  }
}
