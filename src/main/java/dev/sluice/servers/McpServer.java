package dev.sluice.servers;

import dev.sluice.events.DomainEvent;
import dev.sluice.events.DomainEvent.McpServerDegraded;
import dev.sluice.events.DomainEvent.McpServerIdleDetected;
import dev.sluice.events.DomainEvent.McpServerStarted;
import dev.sluice.rest.ApiException;
import dev.sluice.servers.upstream.LogRing;
import dev.sluice.servers.upstream.StartFailure;
import dev.sluice.servers.upstream.UpstreamListener;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.Objects;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.Future;
import org.jspecify.annotations.Nullable;

/**
 * One registered server: cold until it is wanted, started once however many ask, watched while
 * ready, started again by itself after a failure for as long as it is wanted, gone when removed.
 *
 * <p>All its state is behind one short lock: under it nothing waits and nothing does I/O; what has
 * to be done is handed to {@link Supervision} afterwards. Any thread may call.
 */
final class McpServer {

  private final ServerId id;
  private final Supervision supervision;
  private final CallHistory history = new CallHistory();
  private final CallGate calls;
  private final ChildStarts children;
  private final Object lock = new Object();

  // everything below is guarded by the lock
  private final LifeCycle cycle;
  private final Failures failures = new Failures();
  private final Registration registration;
  private boolean wanted;
  private @Nullable Connection connection;
  private CompletableFuture<Void> formerClosed = CompletableFuture.completedFuture(null);
  private CompletableFuture<Void> formerDrained = CompletableFuture.completedFuture(null);
  private Future<?> nextStart = CompletableFuture.completedFuture(null);

  McpServer(ServerId id, DefinitionReader.Read read, String source, Supervision supervision) {
    this.id = id;
    this.supervision = supervision;
    this.cycle = new LifeCycle(id, supervision.events());
    this.registration = new Registration(id, read, source, supervision.events());
    this.calls = new CallGate(id, read.definition().limits(), supervision);
    this.children = new ChildStarts(id, supervision.backoff(), this::definition);
  }

  ServerId id() {
    return id;
  }

  CallGate calls() {
    return calls;
  }

  /** The starts of children for clients of the relay. */
  ChildStarts children() {
    return children;
  }

  CallHistory history() {
    return history;
  }

  LogRing logs() {
    return supervision.log(id);
  }

  ServerDefinition definition() {
    synchronized (lock) {
      return registration.definition();
    }
  }

  String source() {
    synchronized (lock) {
      return registration.source();
    }
  }

  /**
   * The server's one start: begins it or joins the one under way. The future completes when the
   * server is ready or has failed.
   *
   * @param reason part of the event
   * @throws ApiException 409 if it may not start, 503 with the seconds to wait while it backs off
   */
  CompletableFuture<Connection> start(String reason) {
    Connection begun;
    synchronized (lock) {
      registration.checkStartable();
      switch (cycle.state()) {
        case READY, INITIALIZING -> {
          calls.used();
          return Objects.requireNonNull(connection).ready();
        }
        case DEGRADED ->
            Refusals.whileBackingOff(id, untilRetry(), failures.inARow(), failures.last());
        case COLD, DEAD -> {}
      }
      begun = begin(reason);
    }
    supervision.launch(this, begun, begun.after());
    return begun.ready();
  }

  private Connection begin(String reason) {
    Connection begun = new Connection(this, registration.definition(), formerClosed);
    cycle.transition(ServerState.INITIALIZING, reason);
    connection = begun;
    wanted = true;
    calls.used();
    return begun;
  }

  /**
   * Refuses what cannot be started.
   *
   * @throws ApiException 404 when removed, 409 when blocked, disabled or not usable
   */
  void checkStartable() {
    synchronized (lock) {
      registration.checkStartable();
    }
  }

  /** Under the lock, so that events have the order of the changes; it never blocks. */
  private void tell(DomainEvent event) {
    supervision.events().publish(event);
  }

  private Duration untilRetry() {
    return cycle.down() ? failures.untilRetry() : Duration.ZERO;
  }

  /** The handshake is done; false if the attempt no longer counts and must be closed. */
  boolean started(Connection done, double durationMs) {
    Optional<String> ended;
    synchronized (lock) {
      if (done != connection || cycle.state() != ServerState.INITIALIZING) {
        return false;
      }
      ended = done.endedEarly;
      if (ended.isEmpty()) {
        cycle.transition(ServerState.READY, "started");
        tell(
            new McpServerStarted(
                id.value(),
                registration.definition().transport().mode(),
                done.client().catalogue().tools().size(),
                durationMs));
        failures.ready();
        calls.used();
      }
    }
    if (ended.isPresent()) {
      supervision.retire(done, Duration.ZERO);
      startFailed(done, new StartFailure(ended.get(), Optional.empty(), List.of(), "", null));
      return true;
    }
    watch(done, Duration.ofMillis(1));
    done.ready().complete(done);
    return true;
  }

  /** The attempt failed. */
  void startFailed(Connection failed, StartFailure failure) {
    ApiException answer;
    synchronized (lock) {
      if (failed != connection || cycle.state() != ServerState.INITIALIZING) {
        return;
      }
      failures.startFailed(failure);
      fail("start failed: " + failure.getMessage(), failures.withFailedStart());
      answer = Refusals.startFailed(id, failure, failures.inARow(), untilRetry());
    }
    failed.ready().completeExceptionally(answer);
    launchOrSchedule(null);
  }

  /** To dead or degraded, with the time of the next start; the caller holds the lock. */
  private void fail(String reason, int inARow) {
    failures.down(inARow, supervision.backoff().after(inARow));
    connection = null;
    if (inARow < registration.definition().maxConsecutiveFailures()) {
      cycle.transition(ServerState.DEAD, reason);
    } else {
      cycle.transition(ServerState.DEGRADED, reason);
      tell(new McpServerDegraded(id.value(), inARow, failures.total(), cycle.reason()));
    }
  }

  private void launchOrSchedule(@Nullable Connection begun) {
    if (begun != null) {
      supervision.launch(this, begun, begun.after());
      return;
    }
    synchronized (lock) {
      nextStart.cancel(false);
      nextStart = supervision.schedule(untilRetry(), this::restart);
    }
  }

  private void restart() {
    @Nullable Connection begun;
    synchronized (lock) {
      if (!cycle.down() || !wanted || !registration.startable()) {
        return;
      }
      begun = untilRetry().isZero() ? begin("restart after back-off") : null;
    }
    launchOrSchedule(begun);
  }

  /** The connection ended by itself: a crash, if it counts and was not just too old. */
  void ended(Connection gone, String reason) {
    Connection begun = null;
    synchronized (lock) {
      if (gone != connection) {
        return;
      }
      if (cycle.state() == ServerState.INITIALIZING) {
        gone.endedEarly = Optional.of(reason);
        return;
      }
      if (reason.startsWith(UpstreamListener.AGED)) {
        toCold(reason);
        begun = begin("restart after maxAge");
      } else {
        retired(gone);
        fail("crashed: " + reason, failures.withCrash());
      }
    }
    supervision.retire(gone, Duration.ZERO);
    launchOrSchedule(begun);
  }

  /** The caller holds the lock and retires the connection afterwards. */
  private void retired(Connection gone) {
    gone.retired = true;
    gone.cancelTimers();
    connection = null;
    formerClosed = gone.closed();
    if (gone.calls > 0) {
      formerDrained = gone.drained();
    } else {
      gone.drained().complete(null);
    }
  }

  /**
   * Stops the server if it runs, and ends its wish to run; nothing happens to a cold one.
   *
   * @param reason part of the events
   * @param drain how long calls in flight may take to end; zero ends an earlier drain as well
   * @return completes when the child is gone; the value says whether anything was stopped
   */
  CompletableFuture<Boolean> stop(String reason, Duration drain) {
    @Nullable Connection gone;
    boolean ran;
    boolean was;
    CompletableFuture<Void> draining;
    CompletableFuture<Void> closed;
    synchronized (lock) {
      draining = formerDrained;
      gone = connection;
      // decided here: ready() completes only after the lock of the start has been left
      ran = cycle.state() == ServerState.READY;
      was = cycle.state() != ServerState.COLD;
      if (was) {
        toCold(reason);
      }
      closed = formerClosed;
    }
    if (drain.isZero()) {
      draining.complete(null);
    }
    if (gone != null) {
      gone.end(supervision, ran, reason, drain);
    }
    return closed.thenApply(v -> was);
  }

  /** The caller holds the lock. */
  private void toCold(String reason) {
    boolean ran = cycle.state() == ServerState.READY;
    failures.forgive();
    wanted = false;
    nextStart.cancel(false);
    Connection gone = connection;
    if (gone != null) {
      gone.stopped = true;
      retired(gone);
    }
    cycle.transition(ServerState.COLD, reason);
    if (ran) {
      tell(new DomainEvent.McpServerStopped(id.value(), cycle.reason()));
    }
  }

  /** Stops the server and refuses starts and calls until {@link #unblock()}. */
  CompletableFuture<Boolean> block(String reason) {
    synchronized (lock) {
      registration.block(reason);
    }
    return stop("blocked: " + reason, Duration.ZERO);
  }

  /** Allows starts again; false if it was not blocked. */
  boolean unblock() {
    synchronized (lock) {
      return registration.unblock();
    }
  }

  /** Ends it for good. */
  CompletableFuture<Boolean> remove(String reason, Duration drain) {
    synchronized (lock) {
      registration.remove();
    }
    return stop(reason, drain);
  }

  /**
   * Gives it another definition, in one step. If it ran, its calls may end, for as long as the old
   * definition gave them, and then it starts anew; a change that needs no restart (see {@link
   * ServerDefinition#sameProcess}) leaves it in the state it has. One that can be started only now
   * is started if it starts with the hub.
   */
  void redefine(DefinitionReader.Read changed, String by) {
    calls.limit(changed.definition().limits());
    children.forgive();
    @Nullable Connection gone;
    @Nullable Connection begun;
    boolean ran;
    DefinitionReader.Read before;
    synchronized (lock) {
      before = registration.read();
      registration.redefine(changed, by);
      gone = connection;
      ran = cycle.state() == ServerState.READY;
      if (changed.sameRun(before)) {
        if (gone != null && ran) {
          watch(gone, Duration.ofMillis(1));
        }
        return;
      }
      boolean again = wanted || (!before.usable() && changed.definition().autoStart());
      if (cycle.state() != ServerState.COLD) {
        toCold("definition changed");
      }
      begun = again && registration.startable() ? begin("definition changed") : null;
    }
    if (gone != null) {
      gone.end(supervision, ran, "definition changed", before.definition().callTimeout());
    }
    if (begun != null) {
      supervision.launch(this, begun, begun.after());
    }
  }

  private void watch(Connection watched, Duration untilIdle) {
    watched.after(supervision, Connection.Due.IDLE, untilIdle, () -> watchIdle(watched));
    probeLater(watched);
  }

  /** Counts a call on the connection; false if that was replaced in between. */
  boolean enter(Connection on) {
    synchronized (lock) {
      boolean counts = counts(on);
      on.calls += counts ? 1 : 0;
      return counts;
    }
  }

  /** The call left the connection; tells whether the hub itself has ended that. */
  boolean leave(Connection on) {
    boolean last;
    synchronized (lock) {
      on.calls--;
      last = on.retired && on.calls == 0;
    }
    if (last) {
      on.drained().complete(null);
    }
    return on.stopped;
  }

  /** The server answered: what failed before its start is over. */
  void proven() {
    synchronized (lock) {
      failures.proven();
    }
  }

  private void watchIdle(Connection watched) {
    Duration ttl;
    synchronized (lock) {
      ttl = registration.definition().idleTtl();
      if (watched != connection || ttl.isZero()) {
        return;
      }
      Duration idle = calls.idle();
      boolean free = calls.inFlight() == 0;
      if (free && idle.compareTo(ttl) >= 0) {
        tell(
            new McpServerIdleDetected(
                id.value(),
                idle.toMillis() / 1000.0,
                Instant.now().minus(idle).toEpochMilli() / 1000.0));
        toCold("idle");
        ttl = Duration.ZERO;
      } else if (free) {
        ttl = ttl.minus(idle).plusMillis(1);
      }
    }
    if (ttl.isZero()) {
      supervision.retire(watched, Duration.ZERO);
    } else {
      watched.after(supervision, Connection.Due.IDLE, ttl, () -> watchIdle(watched));
    }
  }

  /** Whether the connection is to be probed now: not while calls show how it does. */
  boolean probeable(Connection watched) {
    synchronized (lock) {
      return counts(watched) && watched.calls == 0;
    }
  }

  /** Whether the connection still counts. */
  boolean counts(Connection watched) {
    synchronized (lock) {
      return watched == connection && cycle.state() == ServerState.READY;
    }
  }

  /** A probe's result; a connection that failed too often is closed and the server degraded. */
  void probed(Connection watched, Ping ping) {
    Optional<String> failure = ping.problem();
    boolean degraded = false;
    synchronized (lock) {
      if (!counts(watched) || (failure.isPresent() && watched.calls > 0)) {
        return;
      }
      int inARow = failures.pinged(ping);
      if (failure.isEmpty()) {
        tell(new DomainEvent.HealthCheckPassed(id.value(), ping.durationMs()));
        return;
      }
      tell(new DomainEvent.HealthCheckFailed(id.value(), inARow, failure.get()));
      if (inARow >= registration.definition().maxConsecutiveFailures()) {
        retired(watched);
        fail("health check failed: " + failure.get(), inARow);
        degraded = true;
      }
    }
    if (degraded) {
      supervision.retire(watched, Duration.ZERO);
      launchOrSchedule(null);
    }
  }

  /** The next probe after this one. */
  void probeLater(Connection watched) {
    Runnable probe = () -> HealthProbe.run(this, watched);
    watched.after(supervision, Connection.Due.PROBE, definition().healthCheckInterval(), probe);
  }

  /** All that lists and details show, taken at one moment. */
  ServerView view() {
    synchronized (lock) {
      return new ServerView(
          id,
          registration.read(),
          registration.source(),
          cycle.state(),
          cycle.reason(),
          cycle.since(),
          cycle.runs(),
          registration.blocked(),
          failures.inARow(),
          failures.total(),
          untilRetry(),
          cycle.state() == ServerState.READY ? Optional.ofNullable(connection) : Optional.empty(),
          failures.last(),
          failures.lastPing(),
          calls.figures(),
          supervision.eras().known(registration.definition()));
    }
  }
}
