package dev.sluice.rest;

import dev.sluice.settings.Setting;
import dev.sluice.settings.Settings;
import dev.sluice.threads.Bounded;
import jakarta.annotation.PostConstruct;
import jakarta.annotation.PreDestroy;
import jakarta.enterprise.concurrent.ManagedScheduledExecutorService;
import jakarta.enterprise.context.ApplicationScoped;
import jakarta.inject.Inject;
import jakarta.servlet.ServletInputStream;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.time.Duration;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.Future;
import java.util.concurrent.Semaphore;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicLong;
import org.jspecify.annotations.Nullable;

/**
 * The bounds of request bodies that do not come together with their head: of one, of all that are
 * arriving at once, and of the threads that wait for them where it cannot be done without. Any
 * thread may call; only {@link #waitFor} blocks.
 */
@ApplicationScoped
public class Bodies {

  private static final System.Logger LOG = System.getLogger(Bodies.class.getName());

  /** Bytes that all arriving bodies may hold at least. */
  private static final long LEAST_TOTAL = 64L << 20;

  private final AtomicLong held = new AtomicLong();

  /** Those whose servlet has not begun; bounded by the bytes that they hold. */
  private final Set<ArrivingBody> bodies = ConcurrentHashMap.newKeySet();

  @Inject private Settings settings;
  @Inject @Bounded private ManagedScheduledExecutorService timer;
  private Semaphore threads = new Semaphore(0);
  private int maxThreads;
  private @Nullable Future<?> sweep;
  private volatile boolean ending;

  @PostConstruct
  void start() {
    maxThreads = settings.integer(Setting.HTTP_BODY_THREADS);
    threads = new Semaphore(maxThreads);
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

  boolean isEnding() {
    return ending;
  }

  /** Bytes of one body at most. */
  int limit() {
    return settings.integer(Setting.HTTP_BODY_LIMIT);
  }

  /**
   * Bytes that are taken of a body at most. What is over the limit is read and thrown away, since
   * one whose connection is cut while it sends does not see the answer.
   */
  long most() {
    return 16L * limit();
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

  /**
   * Reads a body with the calling thread, of which only some may do that at once.
   *
   * @throws BodyFailure if it is too large or too slow, or too many wait; the time is looked at
   *     when bytes arrive, and one that sends nothing is ended by the server's own time limit
   */
  WholeBody waitFor(ServletInputStream in) throws IOException {
    if (!threads.tryAcquire()) {
      throw BodyFailure.noThread(maxThreads);
    }
    long begin = System.nanoTime();
    try {
      ByteArrayOutputStream body = new ByteArrayOutputStream();
      byte[] chunk = new byte[8192];
      long size = 0;
      for (int read = in.read(chunk); read >= 0; read = in.read(chunk)) {
        size += read;
        if (size <= limit()) {
          body.write(chunk, 0, read);
        } else if (size > most()) {
          break;
        }
        if (isTooLong(begin)) {
          throw BodyFailure.tooSlow(within());
        }
      }
      if (size > limit()) {
        throw BodyFailure.tooLarge(limit());
      }
      return WholeBody.of(body.toByteArray(), body.size());
    } catch (IOException broken) {
      throw !(broken instanceof BodyFailure) && isTooLong(begin)
          ? BodyFailure.tooSlow(within())
          : broken;
    } finally {
      threads.release();
    }
  }

  private boolean isTooLong(long begin) {
    return System.nanoTime() - begin > within().toNanos();
  }

  /**
   * What is arriving now.
   *
   * @param arriving bodies that arrive without a thread
   * @param bytes that these hold
   * @param maxBytes that they may hold
   * @param threads that wait for bodies
   * @param maxThreads that may
   */
  public record Gauges(int arriving, long bytes, long maxBytes, int threads, int maxThreads) {}

  /** What is arriving now. */
  public Gauges gauges() {
    return new Gauges(
        bodies.size(), held.get(), maxBytes(), maxThreads - threads.availablePermits(), maxThreads);
  }

  /** Bytes that arriving bodies may hold: 64 MiB, or two bodies of the largest size. */
  long maxBytes() {
    return Math.max(LEAST_TOTAL, 2L * limit());
  }
}
