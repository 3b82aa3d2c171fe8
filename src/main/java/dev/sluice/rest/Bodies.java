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
import jakarta.servlet.ServletInputStream;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.time.Duration;
import java.util.ArrayDeque;
import java.util.Queue;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.Future;
import java.util.concurrent.Semaphore;
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

  private static final System.Logger LOG = System.getLogger(Bodies.class.getName());

  /** Bytes that all arriving bodies may hold at least. */
  private static final long LEAST_TOTAL = 64L << 20;

  /** Requests that may run at once after their bodies have arrived. */
  private static final int MAX_RUNNING = 64;

  /** Bodies that may be read with a thread at once. */
  private static final int MAX_BLOCKED = 8;

  private final AtomicLong held = new AtomicLong();

  /** Those whose servlet has not begun; bounded by the bytes that they hold. */
  private final Set<ArrivingBody> bodies = ConcurrentHashMap.newKeySet();

  /** Whole ones that wait for a place; under this object's lock, as {@code running}. */
  private final Queue<ArrivingBody> waiting = new ArrayDeque<>();

  /** Threads that may read a body. */
  private final Semaphore blocked = new Semaphore(MAX_BLOCKED);

  private int running;
  private volatile boolean ending;

  @Inject private Settings settings;
  @Inject @Bounded private ManagedExecutorService work;
  @Inject @Bounded private ManagedScheduledExecutorService timer;
  private @Nullable Future<?> sweep;

  @PostConstruct
  void start() {
    sweep = timer.scheduleWithFixedDelay(this::look, 1, 1, TimeUnit.SECONDS);
  }

  private void look() {
    long now = System.nanoTime();
    for (ArrivingBody body : bodies) {
      try {
        body.check(now);
      } catch (RuntimeException unexpected) { // else nobody would be looked at any more
        LOG.log(System.Logger.Level.DEBUG, "a body could not be looked at", unexpected);
      }
    }
  }

  /** Answers all that are still arriving, when the application ends; later ones at once. */
  @PreDestroy
  public void end() {
    ending = true;
    if (sweep != null) {
      sweep.cancel(false);
    }
    bodies.forEach(ArrivingBody::giveUp);
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

  /**
   * Reads a body with the calling thread, of which few may do that at once.
   *
   * @throws BodyFailure if it is too large or too slow, or there are too many; the time is looked
   *     at whenever bytes arrive, and one that sends nothing is ended by the server's own time
   *     limit
   */
  WholeBody blocking(ServletInputStream in) throws IOException {
    if (!blocked.tryAcquire()) {
      throw BodyFailure.tooManyUpgrades();
    }
    try {
      long begin = System.nanoTime();
      ByteArrayOutputStream body = new ByteArrayOutputStream();
      byte[] chunk = new byte[8192];
      for (int read = in.read(chunk); read >= 0; read = in.read(chunk)) {
        body.write(chunk, 0, read);
        if (body.size() > limit()) {
          throw BodyFailure.tooLarge(limit());
        }
        if (System.nanoTime() - begin > within().toNanos()) {
          throw BodyFailure.tooSlow(within());
        }
      }
      return WholeBody.of(body.toByteArray(), body.size());
    } finally {
      blocked.release();
    }
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
    if (!dispatch(arrived)) {
      ran();
    }
  }

  /** Gives the place of one on to the next; called once for each that had one. */
  void ran() {
    ArrivingBody next;
    do {
      synchronized (this) {
        next = waiting.poll();
        if (next == null) {
          running--;
          return;
        }
      }
    } while (!dispatch(next));
  }

  /**
   * Dispatches from another thread than the one that read, once the container has let go of the
   * request: a dispatch in the moment in which Payara does is never run.
   *
   * @return false if it never will be, because it was given up or there is no thread
   */
  private boolean dispatch(ArrivingBody body) {
    if (ending || !body.hasEnded()) {
      body.giveUp();
      return false;
    }
    try {
      if (body.isLetGo()) {
        work.execute(body::dispatch);
      } else {
        Future<?> unused =
            timer.schedule(
                () -> {
                  if (!dispatch(body)) {
                    ran();
                  }
                },
                1,
                TimeUnit.MILLISECONDS);
      }
      return true;
    } catch (RuntimeException noThread) { // the servers throw different ones when they end
      LOG.log(System.Logger.Level.DEBUG, "no thread for a request", noThread);
      body.giveUp();
      return false;
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
   * @param blocking bodies that are read with a thread
   * @param maxBlocking that may be
   */
  public record Gauges(
      int arriving,
      long bytes,
      long maxBytes,
      int running,
      int maxRunning,
      int blocking,
      int maxBlocking) {}

  /** What is arriving now. */
  public synchronized Gauges gauges() {
    return new Gauges(
        bodies.size(),
        held.get(),
        maxBytes(),
        running,
        MAX_RUNNING,
        MAX_BLOCKED - blocked.availablePermits(),
        MAX_BLOCKED);
  }

  /** Bytes that arriving bodies may hold: 64 MiB, or two bodies of the largest size. */
  long maxBytes() {
    return Math.max(LEAST_TOTAL, 2L * limit());
  }
}
