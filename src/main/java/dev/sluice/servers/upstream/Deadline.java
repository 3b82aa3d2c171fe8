package dev.sluice.servers.upstream;

import dev.sluice.servers.upstream.UpstreamException.Kind;
import java.time.Duration;
import java.util.concurrent.CancellationException;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.Future;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;

/**
 * The moment by which several steps together must be done.
 *
 * @param nanos as {@link System#nanoTime} counts
 */
record Deadline(long nanos) {

  /** A request tells its own deadline better; this much later nothing will tell any more. */
  private static final Duration ANSWERS_SHOW = Duration.ofSeconds(1);

  static Deadline in(Duration time) {
    return new Deadline(System.nanoTime() + time.toNanos());
  }

  /** What is left of it, at least a nanosecond. */
  Duration left() {
    return Duration.ofNanos(Math.max(1, nanos - System.nanoTime()));
  }

  /**
   * Fails the future at the deadline, on the timer's thread.
   *
   * @param what for people: what was not taken in time
   */
  <T> CompletableFuture<T> limit(
      CompletableFuture<T> sending, String what, ScheduledExecutorService timer) {
    try {
      Future<?> alarm =
          timer.schedule(
              () ->
                  sending.completeExceptionally(
                      UpstreamException.of(
                          Kind.TIMEOUT, "the server did not take " + what + " in time")),
              left().toNanos(),
              TimeUnit.NANOSECONDS);
      CompletableFuture<?> unused = sending.whenComplete((v, e) -> alarm.cancel(false));
    } catch (RejectedExecutionException closing) {
      sending.cancel(true);
    }
    return sending;
  }

  /**
   * Waits; blocks until shortly after the deadline at most, even if nobody is left who could
   * complete the future.
   *
   * @throws UpstreamException if the future failed, or did not complete
   */
  <T> T await(CompletableFuture<T> future, String what) throws InterruptedException {
    try {
      return future.get(left().plus(ANSWERS_SHOW).toNanos(), TimeUnit.NANOSECONDS);
    } catch (TimeoutException late) {
      future.cancel(true);
      throw UpstreamException.of(
          Kind.TIMEOUT, "no answer to " + what + " within the start timeout");
    } catch (ExecutionException | CancellationException failed) {
      throw UpstreamException.from(failed);
    }
  }
}
