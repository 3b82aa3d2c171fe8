package dev.sluice.rest;

import dev.sluice.settings.Setting;
import dev.sluice.settings.Settings;
import dev.sluice.threads.Bounded;
import jakarta.annotation.PostConstruct;
import jakarta.annotation.PreDestroy;
import jakarta.enterprise.concurrent.ManagedExecutorService;
import jakarta.enterprise.concurrent.ManagedScheduledExecutorService;
import jakarta.enterprise.context.ApplicationScoped;
import jakarta.inject.Inject;
import java.time.Duration;
import java.util.ArrayDeque;
import java.util.Queue;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicLong;
import org.jspecify.annotations.Nullable;

/**
 * The bounds of request bodies that do not come together with their head: of one, of all that are
 * arriving at once, and of the requests that run when they have arrived (Payara gives those threads
 * of a pool without bound). Any thread may call; no method blocks.
 */
@ApplicationScoped
public class Bodies {

  /** Bytes that all arriving bodies may hold at least. */
  private static final long LEAST_TOTAL = 64L << 20;

  /** Requests that may run at once after their bodies have arrived. */
  private static final int MAX_RUNNING = 64;

  private final AtomicLong held = new AtomicLong();

  /** Those that are arriving, wait, or were dispatched; bounded by the bytes that they hold. */
  private final Set<ArrivingBody> bodies = ConcurrentHashMap.newKeySet();

  /** Whole ones that wait until others have run; under this object's lock, as {@code running}. */
  private final Queue<ArrivingBody> waiting = new ArrayDeque<>();

  private int running;

  @Inject private Settings settings;
  @Inject @Bounded private ManagedExecutorService work;
  @Inject @Bounded private ManagedScheduledExecutorService timer;
  private @Nullable Future<?> sweep;

  @PostConstruct
  void start() {
    sweep =
        timer.scheduleWithFixedDelay(
            () -> bodies.forEach(body -> body.check(System.nanoTime())), 1, 1, TimeUnit.SECONDS);
  }

  @PreDestroy
  void stop() {
    if (sweep != null) {
      sweep.cancel(false);
    }
  }

  /** Bytes of one body at most. */
  int limit() {
    return settings.integer(Setting.HTTP_BODY_LIMIT);
  }

  /** In which a body must have arrived. */
  Duration within() {
    return settings.seconds(Setting.HTTP_BODY_SECONDS);
  }

  /** Whether so many bytes more may be held; if so, they are. */
  boolean hold(long bytes) {
    if (held.addAndGet(bytes) <= maxBytes()) {
      return true;
    }
    held.addAndGet(-bytes);
    return false;
  }

  /** Gives back what was {@link #hold held}. */
  void release(long bytes) {
    held.addAndGet(-bytes);
  }

  void began(ArrivingBody body) {
    bodies.add(body);
  }

  void ended(ArrivingBody body) {
    bodies.remove(body);
  }

  /** Runs a request whose body has arrived, now or when another has {@link #ran}. */
  void run(ArrivingBody arrived) {
    synchronized (this) {
      if (running == MAX_RUNNING) {
        waiting.add(arrived);
        return;
      }
      running++;
    }
    dispatch(arrived);
  }

  /** A request that was {@link #run} has gone through its servlet, or never will. */
  void ran() {
    ArrivingBody next;
    synchronized (this) {
      next = waiting.poll();
      if (next == null) {
        running--;
        return;
      }
    }
    dispatch(next);
  }

  /**
   * Dispatches from another thread than the one that read, once the container has let go of the
   * request: a dispatch in the moment in which Payara does is never run.
   */
  private void dispatch(ArrivingBody body) {
    if (body.isLetGo()) {
      work.execute(body::dispatch);
    } else {
      Future<?> unused = timer.schedule(() -> dispatch(body), 1, TimeUnit.MILLISECONDS);
    }
  }

  /**
   * What is arriving now.
   *
   * @param arriving bodies that arrive or wait for the thread that reads them
   * @param bytes that these hold
   * @param maxBytes that they may hold
   * @param running requests that run after their bodies have arrived
   * @param maxRunning that may run
   */
  public record Gauges(int arriving, long bytes, long maxBytes, int running, int maxRunning) {}

  /** What is arriving now. */
  public synchronized Gauges gauges() {
    return new Gauges(bodies.size(), held.get(), maxBytes(), running, MAX_RUNNING);
  }

  /** Bytes that arriving bodies may hold: 64 MiB, or two bodies of the largest size. */
  long maxBytes() {
    return Math.max(LEAST_TOTAL, 2L * limit());
  }
}
