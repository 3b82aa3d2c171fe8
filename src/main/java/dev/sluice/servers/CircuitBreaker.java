package dev.sluice.servers;

import java.time.Duration;
import java.util.Locale;

/**
 * Refuses calls to a server whose transport failed {@code threshold} times in a row: closed → open
 * → (after the reset timeout) half_open with exactly one probe → closed or open again. A success in
 * between starts the count anew; answers that say no (JSON-RPC errors, {@code isError}) are
 * successes of the transport.
 *
 * <p>Not thread-safe: its server guards it with its own lock.
 */
final class CircuitBreaker {

  /** The states; the wire name is the lower-case name. */
  enum State {
    CLOSED,
    OPEN,
    HALF_OPEN;

    String wire() {
      return name().toLowerCase(Locale.ROOT);
    }
  }

  /** Told of each change, under the server's lock: returns quickly and does no I/O. */
  interface Changes {
    void changed(State from, State to);
  }

  private final int threshold;
  private final Duration reset;
  private final Changes changes;
  private State state = State.CLOSED;
  private int failures;
  private long openedAt;
  private boolean probing;
  private int generation;

  CircuitBreaker(int threshold, Duration reset, Changes changes) {
    this.threshold = threshold;
    this.reset = reset;
    this.changes = changes;
  }

  /**
   * Whether a call may go now; a half-open circuit lets exactly one through until its result is
   * recorded or it is given back.
   *
   * @param now {@link System#nanoTime()}
   */
  boolean allow(long now) {
    halfOpenWhenDue(now);
    return switch (state) {
      case CLOSED -> true;
      case OPEN -> false;
      case HALF_OPEN -> {
        boolean free = !probing;
        probing = true;
        yield free;
      }
    };
  }

  /** An open circuit whose time has come becomes half-open. */
  void halfOpenWhenDue(long now) {
    if (state == State.OPEN && now - openedAt >= reset.toNanos()) {
      probing = false;
      move(State.HALF_OPEN);
    }
  }

  /** The transport worked. */
  void success() {
    failures = 0;
    probing = false;
    if (state == State.HALF_OPEN) {
      move(State.CLOSED);
    }
  }

  /** The transport failed. */
  void failure(long now) {
    failures++;
    probing = false;
    if (state == State.HALF_OPEN || (state == State.CLOSED && failures >= threshold)) {
      openedAt = now;
      move(State.OPEN);
    }
  }

  /** A call that was let through never reached the transport: its place is free again. */
  void giveBack() {
    probing = false;
  }

  /** Time until an open circuit lets a probe through; zero otherwise. */
  Duration untilProbe(long now) {
    if (state != State.OPEN) {
      return Duration.ZERO;
    }
    long left = reset.toNanos() - (now - openedAt);
    return left <= 0 ? Duration.ZERO : Duration.ofNanos(left);
  }

  /** Grows with each change of state: results of calls let in before a change are stale. */
  int generation() {
    return generation;
  }

  State state() {
    return state;
  }

  int failures() {
    return failures;
  }

  private void move(State to) {
    State from = state;
    state = to;
    generation++;
    changes.changed(from, to);
  }
}
