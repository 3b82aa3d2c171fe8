package dev.sluice.streams;

import dev.sluice.events.CloseCode;
import dev.sluice.events.Frame;
import dev.sluice.events.Outlet;
import dev.sluice.events.Subscription;
import jakarta.ws.rs.sse.OutboundSseEvent;
import jakarta.ws.rs.sse.SseEventSink;
import java.lang.System.Logger;
import java.lang.System.Logger.Level;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.concurrent.Executor;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/**
 * The wire end of one SSE stream. One send is in flight; broadcast events wait in a small queue and
 * go between the fan-out's frames.
 */
final class SinkOutlet implements Outlet {

  /** Most broadcast events that wait. */
  static final int MAX_WAITING = 16;

  /** A stream that needs it is nudged when it has been quiet for so many milliseconds. */
  private static final long QUIET_MS = 20;

  private static final Logger LOG = System.getLogger(SinkOutlet.class.getName());

  private final EventBroadcaster broadcaster;
  private final SseEventSink sink;
  private final Executor closing;

  private final EventBroadcaster.@Nullable Nudge nudge;

  /** Guards those below; held for a few instructions, never during a send. */
  private final Object lock = new Object();

  private final Deque<Parcel> waiting = new ArrayDeque<>();
  private boolean inFlight;
  private boolean over;
  private boolean nudging;
  private long lastWritten;
  private @Nullable Subscription subscription;

  SinkOutlet(
      EventBroadcaster broadcaster,
      SseEventSink sink,
      Executor closing,
      EventBroadcaster.@Nullable Nudge nudge) {
    this.broadcaster = broadcaster;
    this.sink = sink;
    this.closing = closing;
    this.nudge = nudge;
  }

  SseEventSink sink() {
    return sink;
  }

  void subscribed(Subscription made) {
    synchronized (lock) {
      subscription = made;
    }
  }

  @Override
  public void send(Frame frame, Consumer<@Nullable Throwable> done) {
    submit(new Parcel(broadcaster.event(frame), done), true);
  }

  /** Queues a broadcast event; completes when it is written or the stream has ended. */
  CompletableFuture<@Nullable Void> offer(OutboundSseEvent event) {
    CompletableFuture<@Nullable Void> written = new CompletableFuture<>();
    submit(new Parcel(event, failure -> written.complete(null)), false);
    return written;
  }

  private void submit(Parcel parcel, boolean first) {
    boolean full;
    synchronized (lock) {
      if (!over && !inFlight) {
        inFlight = true;
        full = false;
      } else if (!over && (first || waiting.size() < MAX_WAITING)) {
        if (first) {
          waiting.addFirst(parcel);
        } else {
          waiting.addLast(parcel);
        }
        return;
      } else {
        full = true;
      }
    }
    if (full) {
      parcel.done.accept(new IllegalStateException("the stream has ended or is too slow"));
      subscription(found -> found.close(CloseCode.TOO_SLOW, "too many broadcast events wait"));
    } else {
      write(parcel);
    }
  }

  private void write(Parcel parcel) {
    try {
      sink.send(parcel.event)
          .whenComplete(
              (ok, failure) ->
                  written(
                      parcel,
                      failure instanceof CompletionException wrapped && wrapped.getCause() != null
                          ? wrapped.getCause()
                          : failure));
    } catch (IllegalStateException closed) {
      written(parcel, closed); // RESTEasy throws when the sink is closed, Jersey fails the stage
    }
  }

  private void written(Parcel parcel, @Nullable Throwable failure) {
    Parcel next;
    synchronized (lock) {
      next = failure == null ? waiting.poll() : null;
      inFlight = next != null;
    }
    if (failure != null) {
      broadcaster.failed(this, failure);
    }
    if (next != null) {
      write(next);
    }
    parcel.done.accept(failure);
    if (nudge != null && failure == null && parcel.event != nudge.event()) {
      nudgeWhenQuiet(nudge);
    }
  }

  /** At most one timer at a time waits. */
  private void nudgeWhenQuiet(EventBroadcaster.Nudge due) {
    synchronized (lock) {
      lastWritten = System.nanoTime();
      if (nudging || over) {
        return;
      }
      nudging = true;
    }
    later(due);
  }

  private void later(EventBroadcaster.Nudge due) {
    try {
      var unused = due.timer().schedule(() -> nudge(due), QUIET_MS, TimeUnit.MILLISECONDS);
    } catch (RejectedExecutionException ending) {
      LOG.log(Level.DEBUG, "no nudge while the hub ends", ending);
    }
  }

  private void nudge(EventBroadcaster.Nudge due) {
    boolean early;
    synchronized (lock) {
      early = System.nanoTime() - lastWritten < TimeUnit.MILLISECONDS.toNanos(QUIET_MS) / 2;
      nudging = early && !over && !inFlight;
      if (over || inFlight) {
        return; // a send in flight starts the timer anew when it is written
      }
      inFlight = !early;
    }
    if (early) {
      later(due);
    } else {
      write(new Parcel(due.event(), written -> {}));
    }
  }

  /** Closes on another thread: with a stalled peer both servers may hold the caller for long. */
  @Override
  public void close(CloseCode code, String reason) {
    Deque<Parcel> dropped;
    synchronized (lock) {
      over = true;
      dropped = new ArrayDeque<>(waiting);
      waiting.clear();
    }
    dropped.forEach(parcel -> parcel.done.accept(new IllegalStateException(reason)));
    broadcaster.ended(this);
    closing.execute(
        () -> {
          try {
            sink.close();
          } catch (RuntimeException alreadyGone) {
            LOG.log(Level.DEBUG, "a stream was gone before it was closed", alreadyGone);
          }
        });
  }

  /** Ends the stream. */
  void end() {
    subscription(found -> found.close(CloseCode.GOING_AWAY, "the hub is going away"));
  }

  /** Ends the subscription and leaves the stream open. */
  void leave() {
    subscription(Subscription::gone);
    broadcaster.ended(this);
  }

  private void subscription(Consumer<Subscription> action) {
    Subscription found;
    synchronized (lock) {
      found = subscription;
    }
    if (found != null) {
      action.accept(found);
    }
  }

  private record Parcel(OutboundSseEvent event, Consumer<@Nullable Throwable> done) {}
}
