package dev.sluice.servers;

import dev.sluice.events.Frame;
import dev.sluice.servers.upstream.LogLine;
import dev.sluice.servers.upstream.LogRing;
import dev.sluice.threads.OwnThreads;
import jakarta.json.Json;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;

/**
 * One reader of a server's log, from the lines that are kept to those that come. One frame is in
 * flight; lines that were pushed out of the ring meanwhile are told by one warning frame in their
 * place, as the stream contract does for events. It holds no more than one copy of the ring's
 * references.
 *
 * <p>Life cycle: made, {@link #wake woken} until it is {@link #end ended} once, by a failed or
 * stalled write, the server's removal or the hub's end. Any thread may call; nothing blocks.
 */
final class LogFollower {

  private static final int IDLE = 0;
  private static final int RUNNING = 1;
  private static final int AGAIN = 2;

  private final LogRing ring;
  private final String run;
  private final OwnThreads threads;
  private final Function<Frame, CompletionStage<?>> send;
  private final Runnable closed;
  private final Runnable waker = this::wake;
  private final AtomicInteger stage = new AtomicInteger();
  private volatile boolean over;
  private volatile boolean beat;
  private volatile boolean pending;
  private boolean stalled;

  // owned by whoever drains
  private boolean greeted;
  private long last;
  private final Deque<LogLine> batch = new ArrayDeque<>();

  /**
   * Makes a follower that has not begun.
   *
   * @param run names this life of the ring: numbers of another one mean nothing
   * @param last number of the last line that the reader has
   * @param threads writes on them, one task at a time; ends when they take none
   * @param send writes one frame; the stage completes when it is written
   * @param closed called once at the end
   */
  LogFollower(
      LogRing ring,
      String run,
      long last,
      OwnThreads threads,
      Function<Frame, CompletionStage<?>> send,
      Runnable closed) {
    this.ring = ring;
    this.run = run;
    this.last = last;
    this.threads = threads;
    this.send = send;
    this.closed = closed;
  }

  LogRing ring() {
    return ring;
  }

  /** Begins to follow. */
  void begin() {
    ring.onLine(waker);
    wake();
  }

  /** There may be something to send. */
  void wake() {
    while (true) {
      int now = stage.get();
      if (now == AGAIN) {
        return;
      }
      if (stage.compareAndSet(now, now == IDLE ? RUNNING : AGAIN)) {
        if (now == IDLE) {
          later(this::drain);
        }
        return;
      }
    }
  }

  private void later(Runnable task) {
    if (!threads.offer(task)) {
      end();
    }
  }

  /**
   * Called at a fixed interval by one thread: sends a sign of life, by which a reader that has left
   * is noticed, and ends one that has not taken a frame for a whole interval.
   */
  void tick() {
    if (!pending) {
      stalled = false;
      beat = true;
      wake();
    } else if (stalled) {
      end();
    } else {
      stalled = true;
    }
  }

  /** Ends it; the reader may come back with its last id. */
  void end() {
    boolean first;
    synchronized (waker) {
      first = !over;
      over = true;
    }
    if (first) {
      ring.offLine(waker);
      closed.run();
    }
  }

  private void drain() {
    while (!over) {
      Frame frame = next();
      if (frame == null) {
        if (stage.compareAndSet(RUNNING, IDLE)) {
          return;
        }
        stage.set(RUNNING);
      } else if (!written(frame)) {
        return;
      }
    }
  }

  /** False when the drain goes on later, on another thread, or never. */
  private boolean written(Frame frame) {
    pending = true;
    CompletableFuture<?> write = send.apply(frame).toCompletableFuture();
    if (write.isDone()) {
      pending = false;
      if (write.isCompletedExceptionally()) {
        end();
        return false;
      }
      return true;
    }
    var unused =
        write.whenComplete(
            (ok, failure) -> {
              pending = false;
              if (failure == null) {
                later(this::drain);
              } else {
                end();
              }
            });
    return false;
  }

  private @Nullable Frame next() {
    if (!greeted) {
      greeted = true;
      return new Frame(
          "subscribed",
          "",
          Json.createObjectBuilder()
              .add("type", "subscribed")
              .add("from", id(last))
              .add("oldest", ring.oldest())
              .add("newest", ring.newest())
              .build()
              .toString());
    }
    if (batch.isEmpty()) {
      batch.addAll(ring.since(last, LogRing.MAX_LINES));
    }
    LogLine line = batch.peek();
    if (line == null) {
      if (beat) {
        beat = false;
        return new Frame("ping", "", "{\"type\":\"ping\",\"cursor\":\"" + id(last) + "\"}");
      }
      return null;
    }
    if (line.seq() > last + 1) {
      Frame gap = gap(last + 1, line.seq() - 1);
      last = line.seq() - 1;
      return gap;
    }
    batch.remove();
    last = line.seq();
    return new Frame("line", id(last), ServerJson.logLine(line).build().toString());
  }

  private Frame gap(long from, long to) {
    return new Frame(
        "warning",
        id(to),
        Json.createObjectBuilder()
            .add("type", "warning")
            .add("code", "lines_dropped")
            .add("reason", "retention")
            .add("dropped", to - from + 1)
            .add("from", id(from))
            .add("to", id(to))
            .build()
            .toString());
  }

  private String id(long seq) {
    return run + ":" + seq;
  }
}
