package dev.sluice.relay;

import java.util.ArrayDeque;
import java.util.Deque;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/**
 * What waits to be written to one client: in order, one message on the wire at a time, bounded.
 * Beyond the bounds the client is too slow, and {@code overflow} is called once. Any thread may
 * call; nothing blocks, and nothing is called under the lock.
 */
final class Outbox {

  /** Writes one message and reports once, inline or later, null for written. */
  interface Line {
    void write(byte[] message, Consumer<@Nullable Throwable> done);
  }

  /** Messages that wait. */
  static final int MAX_MESSAGES = 1_024;

  /** Bytes that wait; one message may be larger by itself. */
  static final long MAX_BYTES = 8L << 20;

  private final Line line;
  private final Runnable overflow;
  private final Runnable broken;

  // Guarded by this, held for a few instructions.
  private final Deque<byte[]> waiting = new ArrayDeque<>();
  private long bytes;
  private boolean writing;
  private boolean over;
  private @Nullable Runnable last;

  Outbox(Line line, Runnable overflow, Runnable broken) {
    this.line = line;
    this.overflow = overflow;
    this.broken = broken;
  }

  /** Adds a message; ignored once it is over. */
  void add(byte[] message) {
    boolean full = false;
    boolean begin = false;
    synchronized (this) {
      if (over) {
        return;
      }
      full =
          waiting.size() >= MAX_MESSAGES
              || (!waiting.isEmpty() && bytes + message.length > MAX_BYTES);
      if (full) {
        over = true;
        waiting.clear();
        bytes = 0;
      } else {
        waiting.add(message);
        bytes += message.length;
        begin = !writing;
        writing = true;
      }
    }
    if (full) {
      overflow.run();
    } else if (begin) {
      drain();
    }
  }

  /** Takes nothing more; calls when all of it is written, or at once if it is. */
  void finish(Runnable written) {
    boolean now;
    synchronized (this) {
      if (over && last != null) {
        return;
      }
      over = true;
      now = !writing;
      last = written;
    }
    if (now) {
      written.run();
    }
  }

  /** Forgets what waits. */
  void drop() {
    synchronized (this) {
      over = true;
      waiting.clear();
      bytes = 0;
    }
  }

  synchronized long bytes() {
    return bytes;
  }

  /** A loop, because a write that is reported inline must not call the next one from its report. */
  private void drain() {
    while (true) {
      byte[] next;
      Runnable finished;
      synchronized (this) {
        next = waiting.poll();
        finished = next == null ? last : null;
        writing = next != null;
        bytes -= next == null ? 0 : next.length;
      }
      if (next == null) {
        if (finished != null) {
          finished.run();
        }
        return;
      }
      Turn turn = new Turn();
      line.write(next, turn);
      if (!turn.inline()) {
        return;
      }
    }
  }

  /** One write: tells a report that came inline from one that came later. */
  private final class Turn implements Consumer<@Nullable Throwable> {
    private boolean reported;
    private boolean left;
    private boolean failed;

    @Override
    public void accept(@Nullable Throwable failure) {
      boolean later;
      synchronized (this) {
        reported = true;
        failed = failure != null;
        later = left;
      }
      if (later && failure == null) {
        drain();
      } else if (later) {
        fail();
      }
    }

    /** Whether it was written already; otherwise the report goes on by itself. */
    boolean inline() {
      boolean lost;
      synchronized (this) {
        left = true;
        if (!reported) {
          return false;
        }
        lost = failed;
      }
      if (lost) {
        fail();
      }
      return !lost;
    }

    private void fail() {
      drop();
      broken.run();
    }
  }
}
