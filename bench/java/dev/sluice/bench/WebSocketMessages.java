package dev.sluice.bench;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;

/** Reads the upgrade and then the frames of a WebSocket connection. */
final class WebSocketMessages implements Wire.Reader {

  /** What comes out of it. */
  interface Sink {
    void opened() throws IOException;

    /** A whole text message; valid during the call. */
    void message(byte[] buffer, int offset, int length) throws IOException;

    void ping(byte[] payload) throws IOException;

    void lost(IOException why);
  }

  private final Sink sink;
  private boolean open;
  private byte[] parts = new byte[0]; // of a message in several frames

  WebSocketMessages(Sink sink) {
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
    if (!open) {
      int end = at + 3;
      while (end < limit && !(buffer[end] == '\n' && buffer[end - 2] == '\n')) {
        end++;
      }
      if (end >= limit) {
        return 0;
      }
      if (buffer[at + 9] != '1') {
        throw new IOException(new String(buffer, at, length, StandardCharsets.UTF_8));
      }
      open = true;
      at = end + 1;
      sink.opened();
    }
    while (limit - at >= 2) {
      long size = buffer[at + 1] & 0x7f;
      int head = size == 126 ? 4 : size == 127 ? 10 : 2;
      if (limit - at < head) {
        break;
      }
      if (head > 2) {
        size = 0;
        for (int i = 2; i < head; i++) {
          size = size << 8 | buffer[at + i] & 0xff;
        }
      }
      if (limit - at < head + size) {
        break;
      }
      frame(buffer[at] & 0xff, buffer, at + head, (int) size);
      at += head + (int) size;
    }
    return at - offset;
  }

  private void frame(int first, byte[] buffer, int at, int size) throws IOException {
    boolean last = (first & 0x80) != 0;
    switch (first & 0x0f) {
      case 0, 1 -> {
        if (last && parts.length == 0) {
          sink.message(buffer, at, size);
          return;
        }
        ByteBuffer all = ByteBuffer.allocate(parts.length + size);
        parts = all.put(parts).put(buffer, at, size).array();
        if (last) {
          byte[] whole = parts;
          parts = new byte[0];
          sink.message(whole, 0, whole.length);
        }
      }
      case 8 ->
          throw new IOException(
              "closed: " + new String(buffer, at, size, StandardCharsets.UTF_8).trim());
      case 9 -> sink.ping(java.util.Arrays.copyOfRange(buffer, at, at + size));
      default -> {}
    }
  }
}
