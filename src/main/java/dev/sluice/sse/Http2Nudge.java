package dev.sluice.sse;

import java.lang.System.Logger;
import java.lang.System.Logger.Level;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.TimeUnit;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/**
 * Pushes out what a server forgot. Seen on WildFly 39 with HTTP/2, also with its own REST sinks:
 * the last event of a burst waits until the next write. We take it for a wake-up that Undertow
 * loses between the writing thread and its I/O thread; not proven. An empty comment after a moment
 * of quiet is that next write.
 */
final class Http2Nudge {

  /** How long a stream is quiet before it is nudged, in milliseconds. */
  private static final long QUIET_MS = 20;

  private static final Logger LOG = System.getLogger(Http2Nudge.class.getName());
  private static final byte[] COMMENT = SseText.comment("");

  private final SseResponse stream;
  private final ScheduledExecutorService timer;

  // Guarded by this, held for a few instructions, never during a write.
  private boolean busy;
  private boolean scheduled;
  private long lastWritten;
  private byte @Nullable [] held;
  private Consumer<@Nullable Throwable> heldDone = failure -> {};

  Http2Nudge(SseResponse stream, ScheduledExecutorService timer) {
    this.stream = stream;
    this.timer = timer;
  }

  /** Sends an event, after the comment that may be on its way. */
  void send(byte[] event, Consumer<@Nullable Throwable> done) {
    synchronized (this) {
      if (busy) {
        held = event;
        heldDone = done;
        return;
      }
      busy = true;
    }
    stream.start(event, failure -> written(failure, done));
  }

  private void written(@Nullable Throwable failure, @Nullable Consumer<@Nullable Throwable> done) {
    byte[] next;
    Consumer<@Nullable Throwable> nextDone;
    boolean schedule;
    synchronized (this) {
      next = held;
      nextDone = heldDone;
      held = null;
      busy = next != null;
      lastWritten = System.nanoTime();
      schedule = done != null && failure == null && !scheduled;
      scheduled |= schedule;
    }
    if (next != null) {
      stream.start(next, problem -> written(problem, nextDone));
    }
    if (schedule) {
      later();
    }
    if (done != null) {
      done.accept(failure);
    }
  }

  private void later() {
    try {
      var unused = timer.schedule(this::nudge, QUIET_MS, TimeUnit.MILLISECONDS);
    } catch (RejectedExecutionException ending) {
      LOG.log(Level.DEBUG, "no nudge while the hub ends", ending);
    }
  }

  private void nudge() {
    boolean early;
    synchronized (this) {
      early = System.nanoTime() - lastWritten < TimeUnit.MILLISECONDS.toNanos(QUIET_MS) / 2;
      scheduled = early && !busy;
      if (busy) {
        return; // the write that is under way starts the timer anew
      }
      busy = !early;
    }
    if (early) {
      later();
    } else {
      stream.start(COMMENT, failure -> written(failure, null));
    }
  }
}
