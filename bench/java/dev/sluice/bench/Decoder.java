package dev.sluice.bench;

/**
 * Cuts a connection's bytes into JSON objects. {@link #decode} takes what it can and answers how
 * many bytes it used; the rest comes again, with more behind it.
 */
interface Decoder {

  int decode(byte[] buffer, int offset, int length);

  /** The code of a close frame; 0 before one came. */
  default int closeCode() {
    return 0;
  }

  /** RFC 6455 frames from a server. */
  final class WebSocketFrames implements Decoder {
    private final Tally tally;
    private int closeCode;

    WebSocketFrames(Tally tally) {
      this.tally = tally;
    }

    @Override
    public int closeCode() {
      return closeCode;
    }

    @Override
    public int decode(byte[] buffer, int offset, int length) {
      int at = offset;
      int limit = offset + length;
      while (limit - at >= 2) {
        int opcode = buffer[at] & 0x0f;
        int size = buffer[at + 1] & 0x7f;
        int head = 2;
        if (size == 126) {
          if (limit - at < 4) {
            break;
          }
          size = (buffer[at + 2] & 0xff) << 8 | buffer[at + 3] & 0xff;
          head = 4;
        } else if (size == 127) {
          throw new IllegalStateException("a frame of more than 65 535 bytes");
        }
        if (limit - at < head + size) {
          break;
        }
        if (opcode == 1) {
          tally.message(buffer, at + head, size);
        } else if (opcode == 8 && size >= 2) {
          closeCode = (buffer[at + head] & 0xff) << 8 | buffer[at + head + 1] & 0xff;
        }
        at += head + size;
      }
      return at - offset;
    }
  }

  /** An event stream in HTTP/1.1 chunks. */
  final class EventStream implements Decoder {
    private final Tally tally;
    private final byte[] line = new byte[8192];
    private int lineLength;
    private int chunk;
    private boolean ended;

    EventStream(Tally tally) {
      this.tally = tally;
    }

    @Override
    public int closeCode() {
      return ended ? 1000 : 0;
    }

    @Override
    public int decode(byte[] buffer, int offset, int length) {
      int at = offset;
      int limit = offset + length;
      while (at < limit) {
        if (chunk == 0) {
          int end = at;
          while (end < limit && buffer[end] != '\n') {
            end++;
          }
          if (end == limit) {
            break;
          }
          int size = 0;
          int digits = 0;
          for (int i = at; i < end; i++) {
            int digit = Character.digit(buffer[i], 16);
            if (digit < 0) {
              break;
            }
            size = size * 16 + digit;
            digits++;
          }
          at = end + 1;
          if (digits > 0 && size == 0) {
            ended = true;
          }
          chunk = size; // an empty line ends the chunk before
        } else {
          int take = Math.min(chunk, limit - at);
          lines(buffer, at, take);
          at += take;
          chunk -= take;
        }
      }
      return at - offset;
    }

    private void lines(byte[] buffer, int offset, int length) {
      int start = offset;
      int limit = offset + length;
      for (int i = offset; i < limit; i++) {
        if (buffer[i] != '\n') {
          continue;
        }
        if (lineLength == 0) {
          line(buffer, start, i - start);
        } else {
          keep(buffer, start, i);
          line(line, 0, lineLength);
          lineLength = 0;
        }
        start = i + 1;
      }
      keep(buffer, start, limit);
    }

    private void keep(byte[] buffer, int from, int to) {
      System.arraycopy(buffer, from, line, lineLength, to - from);
      lineLength += to - from;
    }

    private void line(byte[] buffer, int offset, int length) {
      if (length > 5 && buffer[offset] == 'd' && buffer[offset + 4] == ':') {
        int skip = buffer[offset + 5] == ' ' ? 6 : 5;
        tally.message(buffer, offset + skip, length - skip);
      }
    }
  }
}
