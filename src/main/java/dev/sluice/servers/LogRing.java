package dev.sluice.servers;

import dev.sluice.servers.upstream.LogLine;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.List;

/**
 * The newest lines a server wrote to its standard error, over all its runs: at most {@link
 * #MAX_LINES} and {@link #MAX_CHARS}, the oldest go first. Any thread may call.
 */
final class LogRing {

  /** Lines kept. */
  static final int MAX_LINES = 1000;

  /** Characters kept. */
  static final int MAX_CHARS = 512 * 1024;

  private final Deque<LogLine> lines = new ArrayDeque<>();
  private int chars;

  synchronized void add(LogLine line) {
    lines.addLast(line);
    chars += line.text().length();
    while (lines.size() > MAX_LINES || chars > MAX_CHARS) {
      chars -= lines.removeFirst().text().length();
    }
  }

  /** The newest {@code count} lines, oldest first. */
  synchronized List<LogLine> last(int count) {
    return lines.stream().skip(Math.max(0, lines.size() - count)).toList();
  }

  /** At most {@code count} lines after the one numbered {@code seq}, oldest first. */
  synchronized List<LogLine> after(long seq, int count) {
    return lines.stream().filter(l -> l.seq() > seq).limit(count).toList();
  }
}
