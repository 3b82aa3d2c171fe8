package dev.sluice.servers.upstream;

import java.io.IOException;
import java.io.InputStream;
import java.util.Arrays;

/**
 * Cuts a byte stream into lines of bounded length. Every byte is looked at once and copied a
 * bounded number of times, however long the line and however small the pieces it comes in.
 */
final class LineReader {

  private static final int INITIAL = 16 * 1024;

  /** Where the lines go; called by the thread that reads. */
  interface Sink {
    /** A line without its end ({@code \n} or {@code \r\n}); the array belongs to the sink. */
    void line(byte[] line);

    /** A line longer than allowed: its beginning, and how long it was. */
    void tooLong(byte[] head, long length);
  }

  private final InputStream in;
  private final int maxLine;
  private final int keepOfTooLong;

  /** Lines of up to {@code maxLine} bytes; of longer ones the first {@code keepOfTooLong}. */
  LineReader(InputStream in, int maxLine, int keepOfTooLong) {
    this.in = in;
    this.maxLine = maxLine;
    this.keepOfTooLong = keepOfTooLong;
  }

  /** Reads to the end of the stream; a last line without an end counts. */
  void readAll(Sink sink) throws IOException {
    byte[] buffer = new byte[INITIAL];
    int start = 0; // of the current line
    int end = 0; // of what was read
    long skipped = -1; // length of an over-long line so far, -1 outside one
    byte[] head = new byte[0];
    while (true) {
      if (end == buffer.length) {
        if (start > 0) {
          System.arraycopy(buffer, start, buffer, 0, end - start);
          end -= start;
          start = 0;
        }
        if (end > maxLine) {
          head = Arrays.copyOf(buffer, Math.min(end, keepOfTooLong));
          skipped = end;
          end = 0;
          buffer = new byte[INITIAL];
        } else if (end > buffer.length / 2) {
          buffer = Arrays.copyOf(buffer, (int) Math.min(buffer.length * 2L, maxLine + 1L));
        }
      }
      int count = in.read(buffer, end, buffer.length - end);
      if (count < 0) {
        break;
      }
      int scan = end;
      end += count;
      for (; scan < end; scan++) {
        if (buffer[scan] != '\n') {
          continue;
        }
        if (skipped >= 0) {
          sink.tooLong(head, skipped + scan - start);
          skipped = -1;
        } else {
          emit(sink, buffer, start, scan);
        }
        start = scan + 1;
      }
      if (skipped >= 0) {
        skipped += end - start;
        start = 0;
        end = 0;
      } else if (start == end) {
        start = 0;
        end = 0;
        if (buffer.length > 16 * INITIAL) {
          buffer = new byte[INITIAL];
        }
      }
    }
    if (skipped >= 0) {
      sink.tooLong(head, skipped);
    } else if (end > start) {
      emit(sink, buffer, start, end);
    }
  }

  private void emit(Sink sink, byte[] buffer, int start, int lineEnd) {
    int end = lineEnd > start && buffer[lineEnd - 1] == '\r' ? lineEnd - 1 : lineEnd;
    if (end - start > maxLine) {
      sink.tooLong(
          Arrays.copyOfRange(buffer, start, start + Math.min(end - start, keepOfTooLong)),
          end - start);
    } else {
      sink.line(Arrays.copyOfRange(buffer, start, end));
    }
  }
}
