package dev.sluice.threads;

import jakarta.annotation.PreDestroy;
import jakarta.enterprise.concurrent.ManagedExecutorService;
import jakarta.enterprise.concurrent.ManagedScheduledExecutorService;
import jakarta.enterprise.context.ApplicationScoped;
import jakarta.enterprise.event.Observes;
import jakarta.enterprise.event.Startup;
import jakarta.inject.Inject;
import java.lang.System.Logger.Level;
import java.util.concurrent.Future;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;

/**
 * How long a task waits for a thread of the timer and of the work pool, tried once a second. It is
 * the one figure of their load that both servers can give: the standard API tells neither how many
 * threads are busy nor how much waits.
 *
 * <p>Any thread may read. Begins with the application and ends with it.
 */
@ApplicationScoped
public class PoolDelays {

  private static final System.Logger LOG = System.getLogger(PoolDelays.class.getName());
  private static final long PERIOD_NANOS = TimeUnit.SECONDS.toNanos(1);

  @Inject @Bounded private ManagedExecutorService work;
  @Inject @Bounded private ManagedScheduledExecutorService timer;

  private @Nullable Future<?> ticking;
  private volatile boolean begun;
  private volatile long due;
  private volatile long timerDelay;
  private volatile boolean waiting;
  private volatile long handedOver;
  private volatile long workDelay;

  void begin(@Observes Startup started) {
    due = System.nanoTime() + PERIOD_NANOS;
    begun = true;
    ticking =
        timer.scheduleWithFixedDelay(this::look, PERIOD_NANOS, PERIOD_NANOS, TimeUnit.NANOSECONDS);
  }

  @PreDestroy
  void end() {
    if (ticking != null) {
      ticking.cancel(false);
    }
  }

  private void look() {
    long now = System.nanoTime();
    timerDelay = Math.max(0, now - due);
    due = now + PERIOD_NANOS;
    if (waiting) {
      return;
    }
    handedOver = now;
    waiting = true;
    try {
      work.execute(
          () -> {
            workDelay = System.nanoTime() - handedOver;
            waiting = false;
          });
    } catch (RejectedExecutionException ending) {
      waiting = false;
      LOG.log(Level.DEBUG, "the work pool takes nothing more", ending);
    }
  }

  /** Seconds by which the last look was late, or by which the next one is. */
  public double timerSeconds() {
    return begun ? seconds(Math.max(timerDelay, System.nanoTime() - due)) : 0;
  }

  /** Seconds that the last task waited for a thread, or that the one that waits has waited. */
  public double workSeconds() {
    return seconds(waiting ? Math.max(workDelay, System.nanoTime() - handedOver) : workDelay);
  }

  private static double seconds(long nanos) {
    return Math.max(0, nanos) / 1e9;
  }
}
