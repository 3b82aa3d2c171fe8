package dev.sluice.servers;

import dev.sluice.events.EventSink;
import dev.sluice.servers.upstream.LogRing;
import dev.sluice.servers.upstream.ModernUpstream;
import dev.sluice.servers.upstream.StartFailure;
import dev.sluice.servers.upstream.StartPolicy;
import dev.sluice.servers.upstream.UpstreamClient;
import dev.sluice.servers.upstream.UpstreamPipe;
import dev.sluice.servers.upstream.Upstreams;
import java.time.Clock;
import java.time.Duration;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.Executor;
import java.util.concurrent.Future;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.TimeUnit;

/**
 * Does what servers decide: connects, closes and waits, never under a server's lock. Shared by all
 * servers; any thread may call.
 */
final class Supervision {

  private static final System.Logger LOG = System.getLogger(Supervision.class.getName());

  /** Starts and, apart from them, stops that run at once. */
  static final int PARALLEL = 16;

  private final Upstreams upstreams;
  private final EventSink events;
  private final Executor work;
  private final ScheduledExecutorService timer;
  private final Backoff backoff;
  private final Gate starts;
  private final Gate stops;
  private final Eras eras;

  /**
   * Makes the one of the hub.
   *
   * @param work for blocking work
   * @param timer only hands tasks to {@code work}
   */
  Supervision(
      Upstreams upstreams,
      EventSink events,
      Executor work,
      ScheduledExecutorService timer,
      Backoff backoff) {
    this.upstreams = upstreams;
    this.events = events;
    this.work = work;
    this.timer = timer;
    this.backoff = backoff;
    this.starts = new Gate(work, PARALLEL);
    this.stops = new Gate(work, PARALLEL);
    this.eras = new Eras(upstreams::eras, starts::execute, Clock.systemUTC());
  }

  EventSink events() {
    return events;
  }

  Backoff backoff() {
    return backoff;
  }

  Executor work() {
    return work;
  }

  /** The lines a server wrote. */
  LogRing log(ServerId id) {
    return upstreams.log(id);
  }

  /** Drops what is kept of a server that was removed. */
  void forget(ServerId id) {
    eras.forget(id);
    upstreams.forget(id);
  }

  /** Which protocol eras the servers speak. */
  Eras eras() {
    return eras;
  }

  /** The way to a server for stateless requests, see {@link Upstreams#modern}. */
  CompletableFuture<ModernUpstream> modern(ServerDefinition definition, StartPolicy policy) {
    return upstreams.modern(definition, starts::execute, policy);
  }

  /** Reaches a server for one client session; blocks, see {@link Upstreams#pipe}. */
  UpstreamPipe pipe(
      ServerDefinition definition, UpstreamPipe.Receiver receiver, StartPolicy policy) {
    return upstreams.pipe(definition, receiver, policy);
  }

  /** Runs a blocking start when a place is free. */
  void starting(Runnable start) {
    starts.execute(start);
  }

  /** Runs a blocking end when a place is free. */
  void stopping(Runnable stop) {
    stops.execute(stop);
  }

  /** Starts waiting for a place. */
  int waitingStarts() {
    return starts.waiting();
  }

  /** Stops waiting for a place. */
  int waitingStops() {
    return stops.waiting();
  }

  /** Runs the task on the work executor after the delay; not at all once the hub goes down. */
  void later(Duration delay, Runnable task) {
    var unused = schedule(delay, task);
  }

  /** Like {@link #later}; the future can be cancelled. */
  Future<?> schedule(Duration delay, Runnable task) {
    try {
      return timer.schedule(() -> soon(task), Math.max(1, delay.toMillis()), TimeUnit.MILLISECONDS);
    } catch (RejectedExecutionException shuttingDown) {
      LOG.log(System.Logger.Level.DEBUG, "timer is shut down", shuttingDown);
      return CompletableFuture.completedFuture(null);
    }
  }

  private void soon(Runnable task) {
    try {
      work.execute(task);
    } catch (RejectedExecutionException shuttingDown) {
      LOG.log(System.Logger.Level.DEBUG, "executor is shut down", shuttingDown);
    }
  }

  /** Connects when the server's former connection is gone and a place is free. */
  void launch(McpServer server, Connection connection, CompletableFuture<Void> after) {
    var unused =
        after.whenComplete((done, failed) -> starts.execute(() -> connect(server, connection)));
  }

  private void connect(McpServer server, Connection connection) {
    if (!connection.enter()) {
      connection.closed().complete(null);
      return;
    }
    long begin = System.nanoTime();
    UpstreamClient client;
    try {
      client = upstreams.connect(connection.definition(), connection);
    } catch (StartFailure failure) {
      connection.leave();
      connection.closed().complete(null);
      server.startFailed(connection, failure);
      return;
    } catch (Throwable defect) { // an Error too must not leave the server in "initializing"
      connection.leave();
      connection.closed().complete(null);
      LOG.log(
          System.Logger.Level.WARNING,
          "SLUICE-0201: Server " + server.id() + " could not be started by a defect of the hub",
          defect);
      server.startFailed(
          connection,
          new StartFailure(
              String.valueOf(defect), Optional.empty(), List.of(), "See the hub's log.", defect));
      return;
    }
    connection.connected(client);
    connection.leave();
    boolean counts = false;
    try {
      counts = server.started(connection, (System.nanoTime() - begin) / 1e6);
    } finally {
      if (!counts) {
        retire(connection, Duration.ZERO);
      }
    }
  }

  /**
   * Closes a connection that no longer counts: when its calls have ended, at the latest after
   * {@code drain}. {@link Connection#closed()} tells when it is gone.
   */
  void retire(Connection connection, Duration drain) {
    if (drain.isZero()) {
      stops.execute(() -> close(connection));
      return;
    }
    Future<?> deadline = schedule(drain, () -> connection.drained().complete(null));
    var unused =
        connection
            .drained()
            .whenComplete(
                (done, failed) -> {
                  deadline.cancel(false);
                  stops.execute(() -> close(connection));
                });
  }

  private static void close(Connection connection) {
    try {
      connection.clientIfConnected().ifPresent(UpstreamClient::close);
    } catch (RuntimeException defect) {
      LOG.log(
          System.Logger.Level.WARNING,
          "SLUICE-0202: Connection to " + connection.definition().id() + " did not close cleanly",
          defect);
    } finally {
      connection.closed().complete(null);
    }
  }
}
