package dev.sluice.events;

import jakarta.json.Json;
import jakarta.json.JsonObject;
import jakarta.json.JsonReader;
import java.io.IOException;
import java.io.StringReader;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CountDownLatch;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/**
 * A peer whose reading the test controls: it can stop reading, or block the writer's thread. What
 * is written after it was closed does not arrive.
 */
final class Reader implements Outlet {

  private final List<Frame> frames = new ArrayList<>();
  private @Nullable Consumer<@Nullable Throwable> owed;
  private boolean stopped;
  private @Nullable CountDownLatch blocking;
  private @Nullable CloseCode closedWith;
  private int sending;
  private int mostAtOnce;
  private int blockedSends;

  @Override
  public void send(Frame frame, Consumer<@Nullable Throwable> done) {
    CountDownLatch gate;
    synchronized (this) {
      mostAtOnce = Math.max(mostAtOnce, ++sending);
      gate = blocking;
      if (gate != null) {
        blockedSends++;
      }
    }
    if (gate != null) {
      try {
        gate.await();
      } catch (InterruptedException stop) {
        synchronized (this) {
          sending--;
        }
        done.accept(stop);
        return;
      }
    }
    boolean closed;
    synchronized (this) {
      sending--;
      closed = closedWith != null;
      if (!closed) {
        frames.add(frame);
        if (stopped) {
          owed = done;
          return;
        }
      }
    }
    done.accept(closed ? new IOException("the connection is closed") : null);
  }

  @Override
  public synchronized void close(CloseCode code, String reason) {
    closedWith = code;
  }

  /** The next write stays unfinished until {@link #read}. */
  synchronized Reader stop() {
    stopped = true;
    return this;
  }

  /** Reads on. */
  void read() {
    Consumer<@Nullable Throwable> done;
    synchronized (this) {
      stopped = false;
      done = owed;
      owed = null;
    }
    if (done != null) {
      done.accept(null);
    }
  }

  /** Finishes the one write in flight and stops at the next. */
  void readOne() {
    Consumer<@Nullable Throwable> done;
    synchronized (this) {
      done = owed;
      owed = null;
    }
    if (done != null) {
      done.accept(null);
    }
  }

  synchronized Reader block() {
    if (blocking == null) {
      blocking = new CountDownLatch(1);
    }
    return this;
  }

  synchronized void unblock() {
    if (blocking != null) {
      blocking.countDown();
      blocking = null;
    }
  }

  synchronized boolean hasWriteInFlight() {
    return owed != null;
  }

  /** Whether a call to {@link #send} has not come back. */
  synchronized boolean isSending() {
    return sending > 0;
  }

  synchronized int blockedSends() {
    return blockedSends;
  }

  synchronized int mostAtOnce() {
    return mostAtOnce;
  }

  synchronized @Nullable CloseCode closedWith() {
    return closedWith;
  }

  synchronized List<Frame> frames() {
    return List.copyOf(frames);
  }

  synchronized int size() {
    return frames.size();
  }

  List<Frame> of(String kind) {
    return frames().stream().filter(frame -> frame.kind().equals(kind)).toList();
  }

  List<Long> seqs() {
    return of("event").stream().map(frame -> EventId.parse(frame.id()).seq()).toList();
  }

  List<JsonObject> json(String kind) {
    return of(kind).stream().map(frame -> parse(frame.json())).toList();
  }

  static JsonObject parse(String text) {
    try (JsonReader reader = Json.createReader(new StringReader(text))) {
      return reader.readObject();
    }
  }
}
