package dev.sluice.servers;

import dev.sluice.events.DomainEvent;
import dev.sluice.rest.ApiException;
import dev.sluice.servers.ServerDefinition.Limits;
import java.time.Duration;
import java.time.Instant;
import java.util.Optional;

/**
 * Lets the calls of one server in: a limited number at once, none while its circuit is open, one
 * probe while it is half-open; and counts how they end. Any thread may call.
 */
final class CallGate {

  /** Permission for one call; given back by {@link #release}. */
  record Admission(CircuitBreaker circuit, int generation) {
    /** Whether the circuit is still in the state in which it let the call in. */
    private boolean counts(CircuitBreaker now) {
      return now == circuit && now.generation() == generation;
    }
  }

  /** How a call ended, as far as the transport is concerned. */
  enum Outcome {
    /** The server answered, be it with an error. */
    ANSWERED,
    /** No answer: deadline, lost connection, not MCP. */
    TRANSPORT_FAILED,
    /** Tells nothing: it never reached the server, or the hub itself ended the connection. */
    NEUTRAL
  }

  /**
   * Figures for lists and details.
   *
   * @param inFlight calls let in and not over
   * @param invocations calls that are over
   * @param failedInvocations of these, the failed ones
   * @param lastSuccess when a call last succeeded
   * @param lastFailure when a call last failed
   * @param breaker the circuit's state
   * @param idle time since the last use
   */
  record Figures(
      int inFlight,
      long invocations,
      long failedInvocations,
      Optional<Instant> lastSuccess,
      Optional<Instant> lastFailure,
      CircuitBreaker.State breaker,
      Duration idle) {}

  private final ServerId id;
  private final Supervision supervision;

  private Limits limits;
  private CircuitBreaker breaker;
  private int inFlight;
  private long invocations;
  private long failedInvocations;
  private Optional<Instant> lastSuccess = Optional.empty();
  private Optional<Instant> lastFailure = Optional.empty();
  private long lastUsed = System.nanoTime();

  CallGate(ServerId id, Limits limits, Supervision supervision) {
    this.id = id;
    this.supervision = supervision;
    this.limits = limits;
    this.breaker = breaker(limits);
  }

  private CircuitBreaker breaker(Limits figures) {
    return new CircuitBreaker(
        figures.breakerThreshold(),
        figures.breakerReset(),
        (from, to) -> changed(from.wire(), to.wire()));
  }

  /** Publishing under the lock keeps events in the order of the changes; it never blocks. */
  private void changed(String from, String to) {
    supervision.events().publish(new DomainEvent.CircuitBreakerStateChanged(id.value(), from, to));
  }

  /** Other limits from now on; other figures of the circuit start with a closed one. */
  synchronized void limit(Limits changed) {
    boolean circuit =
        changed.breakerThreshold() != limits.breakerThreshold()
            || !changed.breakerReset().equals(limits.breakerReset());
    limits = changed;
    if (circuit) {
      if (breaker.state() != CircuitBreaker.State.CLOSED) {
        changed(breaker.state().wire(), CircuitBreaker.State.CLOSED.wire());
      }
      breaker = breaker(changed);
    }
  }

  /**
   * Lets a call in.
   *
   * @throws ApiException 429 if too many calls are in flight, 503 while the circuit is open
   */
  synchronized Admission admit() {
    if (inFlight >= limits.maxConcurrentCalls()) {
      throw ApiException.tooMany(
          "too_many_calls",
          "Server "
              + id
              + " has "
              + inFlight
              + " calls in flight, at most "
              + limits.maxConcurrentCalls()
              + " (maxConcurrentCalls).",
          Duration.ofSeconds(1));
    }
    long now = System.nanoTime();
    if (!breaker.allow(now)) {
      Duration wait = breaker.untilProbe(now);
      throw ApiException.unavailable(
          "circuit_open",
          "The circuit of server "
              + id
              + " is "
              + breaker.state().wire()
              + " after "
              + breaker.failures()
              + " transport failures in a row.",
          wait.isZero() ? Duration.ofSeconds(1) : wait);
    }
    inFlight++;
    lastUsed = now;
    return new Admission(breaker, breaker.generation());
  }

  /** The call is over; {@code failed} is what its caller saw. */
  void release(Admission admission, Outcome outcome, boolean failed) {
    Duration reset = Duration.ZERO;
    synchronized (this) {
      inFlight--;
      lastUsed = System.nanoTime();
      invocations++;
      if (failed) {
        failedInvocations++;
        lastFailure = Optional.of(Instant.now());
      } else {
        lastSuccess = Optional.of(Instant.now());
      }
      if (admission.counts(breaker)) {
        switch (outcome) {
          case ANSWERED -> breaker.success();
          case TRANSPORT_FAILED -> reset = failure();
          case NEUTRAL -> breaker.giveBack();
        }
      }
    }
    scheduleHalfOpen(reset);
  }

  /**
   * A health probe counts like a call while the circuit is closed; else only its own probe does.
   */
  void probed(boolean good) {
    Duration reset = Duration.ZERO;
    synchronized (this) {
      if (breaker.state() != CircuitBreaker.State.CLOSED) {
        return;
      }
      if (good) {
        breaker.success();
      } else {
        reset = failure();
      }
    }
    scheduleHalfOpen(reset);
  }

  /** The time until half-open if this failure opened the circuit; the caller holds the lock. */
  private Duration failure() {
    long now = System.nanoTime();
    CircuitBreaker.State before = breaker.state();
    breaker.failure(now);
    return before != breaker.state() ? breaker.untilProbe(now) : Duration.ZERO;
  }

  private void scheduleHalfOpen(Duration reset) {
    if (!reset.isZero()) {
      supervision.later(reset.plusMillis(1), this::halfOpen);
    }
  }

  private synchronized void halfOpen() {
    breaker.halfOpenWhenDue(System.nanoTime());
  }

  /** The server was used now. */
  synchronized void used() {
    lastUsed = System.nanoTime();
  }

  /** Time since the last use. */
  synchronized Duration idle() {
    return Duration.ofNanos(System.nanoTime() - lastUsed);
  }

  synchronized int inFlight() {
    return inFlight;
  }

  synchronized Figures figures() {
    return new Figures(
        inFlight,
        invocations,
        failedInvocations,
        lastSuccess,
        lastFailure,
        breaker.state(),
        Duration.ofNanos(System.nanoTime() - lastUsed));
  }
}
