package dev.sluice.servers;

import dev.sluice.rest.ApiException;
import dev.sluice.servers.upstream.UpstreamClient;
import dev.sluice.servers.upstream.UpstreamListener;
import java.time.Duration;
import java.util.EnumMap;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.Future;
import org.jspecify.annotations.Nullable;

/**
 * One run of a server: from the attempt to start it to the end of its session. A server has at most
 * one that counts; others are being closed.
 */
final class Connection implements UpstreamListener {

  /** What is due on a connection; each kind once at a time. */
  enum Due {
    IDLE,
    PROBE
  }

  private static final System.Logger LOG = System.getLogger(Connection.class.getName());

  private final McpServer server;
  private final ServerDefinition definition;
  private final CompletableFuture<Void> after;
  private final CompletableFuture<Connection> ready = new CompletableFuture<>();
  private final CompletableFuture<Void> drained = new CompletableFuture<>();
  private final CompletableFuture<Void> closed = new CompletableFuture<>();
  private volatile @Nullable UpstreamClient client;

  /** The thread that connects, for its interruption; guarded by this. */
  private @Nullable Thread runner;

  /** Guarded by this. */
  private boolean cancelled;

  /** Guarded by this. */
  private final Map<Due, Future<?>> timers = new EnumMap<>(Due.class);

  /** Guarded by this. */
  private boolean timersOver;

  /** Calls on this connection; guarded by the server's lock. */
  int calls;

  /** Whether it was replaced and ends when its calls have; guarded by the server's lock. */
  boolean retired;

  /** Whether the hub itself ended it, for whatever reason. */
  volatile boolean stopped;

  /** Why it ended before it was ready; guarded by the server's lock. */
  Optional<String> endedEarly = Optional.empty();

  Connection(McpServer server, ServerDefinition definition, CompletableFuture<Void> after) {
    this.server = server;
    this.definition = definition;
    this.after = after;
  }

  /** The end of the server's former connection, which this one waits for. */
  CompletableFuture<Void> after() {
    return after;
  }

  ServerDefinition definition() {
    return definition;
  }

  /** Completes when it can be used, or with the reason why it cannot. */
  CompletableFuture<Connection> ready() {
    return ready;
  }

  /** Completes when it was retired and its last call has ended. */
  CompletableFuture<Void> drained() {
    return drained;
  }

  /** Completes when the session and the child are gone. */
  CompletableFuture<Void> closed() {
    return closed;
  }

  /** The session; only after {@link #ready()}. */
  UpstreamClient client() {
    UpstreamClient open = client;
    if (open == null) {
      throw new IllegalStateException("not connected yet");
    }
    return open;
  }

  Optional<UpstreamClient> clientIfConnected() {
    return Optional.ofNullable(client);
  }

  void connected(UpstreamClient open) {
    client = open;
  }

  /** Marks the calling thread as the one to interrupt; false if it was cancelled before. */
  synchronized boolean enter() {
    if (cancelled) {
      return false;
    }
    runner = Thread.currentThread();
    return true;
  }

  /** The thread goes back to its pool, without an interruption meant for this work. */
  synchronized void leave() {
    runner = null;
    boolean meantForThisWork = cancelled && Thread.interrupted();
    if (meantForThisWork) {
      LOG.log(System.Logger.Level.DEBUG, "start of {0} was interrupted", server.id());
    }
  }

  /** Ends an attempt that is still connecting. */
  synchronized void cancel() {
    cancelled = true;
    if (runner != null) {
      runner.interrupt();
    }
  }

  /** Arranges what is due next, in place of the same kind; nothing once it was retired. */
  void after(Supervision supervision, Due what, Duration delay, Runnable task) {
    Future<?> next = supervision.schedule(delay, task);
    Future<?> former;
    synchronized (this) {
      former = timersOver ? next : timers.put(what, next);
    }
    if (former != null) {
      former.cancel(false);
    }
  }

  /** Nothing is due any more: a timer would keep the connection and its client in memory. */
  synchronized void cancelTimers() {
    timersOver = true;
    timers.values().forEach(timer -> timer.cancel(false));
    timers.clear();
  }

  /** Timers that wait. */
  synchronized long pendingTimers() {
    return timers.values().stream().filter(timer -> !timer.isDone()).count();
  }

  /**
   * Ends it after its server has become cold, never under the server's lock.
   *
   * @param ran whether it was ready; if not, its attempt to start fails
   */
  void end(Supervision supervision, boolean ran, String reason, Duration drain) {
    if (ran) {
      supervision.retire(this, drain);
    } else {
      cancel();
      ready.completeExceptionally(
          ApiException.conflict(
              "server_stopped",
              "Server " + server.id() + " was stopped while it started: " + reason));
    }
  }

  @Override
  public void ended(String reason, Optional<Integer> exitCode) {
    server.ended(
        this,
        reason + exitCode.map(c -> reason.contains(" " + c) ? "" : ", exit code " + c).orElse(""));
  }
}
