package dev.sluice.bench;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;

/** Reads the HTTP/1.1 responses of one connection: whole JSON bodies, or event streams. */
final class HttpResponses implements Wire.Reader {

  /** What comes out of it. */
  interface Sink {
    /** A head has come; the {@code last} response of a connection is followed by its end. */
    void head(int status, String session, boolean last) throws IOException;

    /** A JSON body, or the data of an event; valid during the call. */
    void data(String event, byte[] buffer, int offset, int length) throws IOException;

    /** The response is over; another request may be sent. */
    void end() throws IOException;

    /** The connection is over. */
    void lost(IOException why);
  }

  private static final int HEAD = 0;
  private static final int WHOLE = 1;
  private static final int CHUNK = 2;
  private static final int IN_CHUNK = 3;

  private final Sink sink;
  private int state = HEAD;
  private int left; // of the body or the chunk
  private boolean events;
  private String event = "";
  private byte[] line = new byte[512];
  private int lineLength;
  private byte[] body = new byte[0]; // a chunked body that is no event stream
  private int scanned;

  HttpResponses(Sink sink) {
    this.sink = sink;
  }

  @Override
  public void lost(IOException why) {
    sink.lost(why);
  }

  @Override
  public int read(byte[] buffer, int offset, int length) throws IOException {
    int at = offset;
    int limit = offset + length;
    while (at < limit) {
      int next =
          switch (state) {
            case HEAD -> head(buffer, at, limit);
            case WHOLE -> whole(buffer, at, limit);
            case CHUNK -> chunk(buffer, at, limit);
            default -> inChunk(buffer, at, limit);
          };
      if (next < 0) {
        break;
      }
      at = next;
    }
    return at - offset;
  }

  /** Behind the head; -1 if it is not whole. */
  private int head(byte[] buffer, int from, int limit) throws IOException {
    int end = Math.max(from + 3, scanned);
    while (end < limit && !(buffer[end] == '\n' && buffer[end - 2] == '\n')) {
      end++;
    }
    if (end >= limit) {
      scanned = from == 0 ? end : 0;
      return -1;
    }
    scanned = 0;
    int status =
        (buffer[from + 9] - '0') * 100 + (buffer[from + 10] - '0') * 10 + buffer[from + 11] - '0';
    String session = "";
    left = 0;
    events = false;
    boolean chunked = false;
    boolean last = false;
    for (int start = from + 12; start < end; start++) {
      if (buffer[start] != '\n') {
        continue;
      }
      int name = start + 1;
      switch (buffer[name] | 0x20) {
        case 'c' -> {
          if (is(buffer, name, "content-length:")) {
            left = number(buffer, name + 15);
          } else if (is(buffer, name, "content-type:")) {
            events = is(buffer, name + 13, " text/event-stream");
          } else {
            last |= is(buffer, name, "connection: close");
          }
        }
        case 't' -> chunked |= is(buffer, name, "transfer-encoding: chunked");
        case 'm' -> {
          if (is(buffer, name, "mcp-session-id:")) {
            int value = name + 15;
            int stop = value;
            while (buffer[stop] != '\r') {
              stop++;
            }
            session = new String(buffer, value, stop - value, StandardCharsets.US_ASCII).trim();
          }
        }
        default -> {}
      }
    }
    sink.head(status, session, last);
    state = chunked ? CHUNK : WHOLE;
    if (!chunked && left == 0) {
      state = HEAD;
      sink.end();
    }
    return end + 1;
  }

  private static boolean is(byte[] buffer, int at, String lower) {
    for (int i = 0; i < lower.length(); i++) {
      char wanted = lower.charAt(i);
      int one = buffer[at + i];
      if (one != wanted && (one | 0x20) != wanted) {
        return false;
      }
    }
    return true;
  }

  private static int number(byte[] buffer, int from) {
    int at = from;
    while (buffer[at] == ' ') {
      at++;
    }
    int number = 0;
    for (; buffer[at] >= '0' && buffer[at] <= '9'; at++) {
      number = number * 10 + buffer[at] - '0';
    }
    return number;
  }

  private int whole(byte[] buffer, int from, int limit) throws IOException {
    if (limit - from < left) {
      return -1;
    }
    int end = from + left;
    state = HEAD;
    if (events) {
      lines(buffer, from, end);
    } else {
      sink.data("", buffer, from, left);
    }
    sink.end();
    return end;
  }

  private int chunk(byte[] buffer, int from, int limit) throws IOException {
    int end = from;
    while (end < limit && buffer[end] != '\n') {
      end++;
    }
    if (end == limit) {
      return -1;
    }
    int size = 0;
    int digits = 0;
    for (int i = from; i < end; i++) {
      int digit = Character.digit(buffer[i], 16);
      if (digit < 0) {
        break;
      }
      size = size * 16 + digit;
      digits++;
    }
    if (digits == 0) {
      return end + 1; // the line that ends the chunk before
    }
    if (size > 0) {
      left = size;
      state = IN_CHUNK;
      return end + 1;
    }
    if (limit - end < 3) {
      return -1; // the last chunk's own empty line
    }
    state = HEAD;
    if (!events && body.length > 0) {
      byte[] all = body;
      body = new byte[0];
      sink.data("", all, 0, all.length);
    }
    lineLength = 0;
    sink.end();
    return end + 3;
  }

  private int inChunk(byte[] buffer, int from, int limit) throws IOException {
    int take = Math.min(left, limit - from);
    left -= take;
    if (left == 0) {
      state = CHUNK;
    }
    if (events) {
      lines(buffer, from, from + take);
    } else {
      int had = body.length;
      body = Arrays.copyOf(body, had + take);
      System.arraycopy(buffer, from, body, had, take);
    }
    return from + take;
  }

  private void lines(byte[] buffer, int from, int to) throws IOException {
    int start = from;
    for (int i = from; i < to; i++) {
      if (buffer[i] != '\n') {
        continue;
      }
      if (lineLength == 0) {
        line(buffer, start, i);
      } else {
        keep(buffer, start, i);
        int length = lineLength;
        lineLength = 0;
        line(line, 0, length);
      }
      start = i + 1;
    }
    keep(buffer, start, to);
  }

  private void keep(byte[] buffer, int from, int to) {
    if (lineLength + to - from > line.length) {
      line = Arrays.copyOf(line, 2 * (lineLength + to - from));
    }
    System.arraycopy(buffer, from, line, lineLength, to - from);
    lineLength += to - from;
  }

  private void line(byte[] buffer, int from, int to) throws IOException {
    int end = to > from && buffer[to - 1] == '\r' ? to - 1 : to;
    if (end - from > 5 && is(buffer, from, "data:")) {
      int value = buffer[from + 5] == ' ' ? from + 6 : from + 5;
      sink.data(event, buffer, value, end - value);
    } else if (end - from > 6 && is(buffer, from, "event:")) {
      event = new String(buffer, from + 6, end - from - 6, StandardCharsets.UTF_8).trim();
    } else if (end == from) {
      event = "";
    }
  }
}
