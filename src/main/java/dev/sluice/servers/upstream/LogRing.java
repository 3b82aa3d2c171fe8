package dev.sluice.servers.upstream;

import java.nio.charset.StandardCharsets;
import java.time.Instant;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.Iterator;
import java.util.List;
import java.util.Locale;
import java.util.concurrent.CopyOnWriteArrayList;

/**
 * The newest lines one server wrote, over all starts of its child; at most {@value #MAX_LINES}
 * lines and {@value #MAX_BYTES} bytes, beyond which the oldest go. Any thread may use it.
 *
 * <p>Numbers have no holes, so a reader that finds {@link #oldest()} above its own last number plus
 * one knows how many lines it has missed.
 */
public final class LogRing {

  /** Lines kept. */
  public static final int MAX_LINES = 2_000;

  /** Bytes of text kept. */
  public static final int MAX_BYTES = 1 << 20;

  /** Bytes of one line; what is longer is cut and marked. */
  public static final int MAX_LINE_BYTES = 8 * 1024;

  private static final String CUT = " … (cut)";

  private final Deque<LogLine> lines = new ArrayDeque<>();
  private final List<Runnable> wakes = new CopyOnWriteArrayList<>();
  private long bytes;
  private long newest;

  /** Adds a line that is already masked; returns it with its number. */
  LogLine add(String stream, String level, String text) {
    String kept = cut(text);
    LogLine line;
    synchronized (lines) {
      line = new LogLine(++newest, Instant.now(), stream, level, kept);
      lines.addLast(line);
      bytes += size(line);
      while (lines.size() > MAX_LINES || bytes > MAX_BYTES) {
        bytes -= size(lines.removeFirst());
      }
    }
    for (Runnable wake : wakes) {
      wake.run();
    }
    return line;
  }

  /** Calls {@code wake} after every line, on the thread that read it: it must only hand over. */
  public void onLine(Runnable wake) {
    wakes.add(wake);
  }

  /** Ends what {@link #onLine} began. */
  public void offLine(Runnable wake) {
    wakes.remove(wake);
  }

  /**
   * The lines after number {@code seq} (0 for all), oldest first.
   *
   * @param limit most lines to return, the newest of them
   */
  public List<LogLine> since(long seq, int limit) {
    List<LogLine> found = new ArrayList<>();
    synchronized (lines) {
      Iterator<LogLine> backwards = lines.descendingIterator();
      while (found.size() < limit && backwards.hasNext()) {
        LogLine line = backwards.next();
        if (line.seq() <= seq) {
          break;
        }
        found.add(line);
      }
    }
    java.util.Collections.reverse(found);
    return found;
  }

  /** Number of the newest line ever written; 0 before the first. */
  public long newest() {
    synchronized (lines) {
      return newest;
    }
  }

  /** Number of the oldest line still kept; {@code newest() + 1} when there is none. */
  public long oldest() {
    synchronized (lines) {
      return newest - lines.size() + 1;
    }
  }

  /** Bytes of text kept now. */
  public long bytes() {
    synchronized (lines) {
      return bytes;
    }
  }

  /** The level a line speaks of, as far as its text tells: error, warning, info or debug. */
  static String levelOf(String text) {
    String head = text.substring(0, Math.min(text.length(), 200)).toLowerCase(Locale.ROOT);
    if (containsAny(head, "error", "fatal", "panic", "exception", "traceback", "critical")) {
      return "error";
    }
    if (head.contains("warn")) {
      return "warning";
    }
    return containsAny(head, "debug", "trace") ? "debug" : "info";
  }

  private static boolean containsAny(String text, String... words) {
    for (String word : words) {
      if (text.contains(word)) {
        return true;
      }
    }
    return false;
  }

  private static String cut(String text) {
    if (text.length() * 3L <= MAX_LINE_BYTES) {
      return text;
    }
    byte[] utf8 = text.getBytes(StandardCharsets.UTF_8);
    if (utf8.length <= MAX_LINE_BYTES) {
      return text;
    }
    int end = MAX_LINE_BYTES - CUT.getBytes(StandardCharsets.UTF_8).length;
    while ((utf8[end] & 0xc0) == 0x80) {
      end--;
    }
    return new String(utf8, 0, end, StandardCharsets.UTF_8) + CUT;
  }

  private static int size(LogLine line) {
    // Java keeps Latin text in one byte a character and other text in two.
    return 2 * line.text().length();
  }
}
