package dev.sluice.servers.upstream;

import dev.sluice.servers.upstream.UpstreamException.Kind;
import java.time.Duration;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.Future;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;

/**
 * The POSTs under way to one server: so many at once and no more, and none for ever, because a
 * server that takes messages and never answers their POSTs would otherwise fill the hub with open
 * sockets. Any thread may call.
 */
final class Posts {

  /**
   * How much is allowed.
   *
   * @param atOnce POSTs under way; one more is refused
   * @param oneWay how long the POST of a message without an answer of its own may take
   * @param afterAnswer how long a stream may go on after the answer it was opened for
   */
  record Limits(int atOnce, Duration oneWay, Duration afterAnswer) {
    static final Limits DEFAULT = new Limits(1_024, Duration.ofSeconds(30), Duration.ofSeconds(5));
  }

  private final Limits limits;
  private final ScheduledExecutorService timer;
  private final AtomicInteger underWay = new AtomicInteger();

  Posts(Limits limits, ScheduledExecutorService timer) {
    this.limits = limits;
    this.timer = timer;
  }

  /** Takes a place until the future completes; false, and the future failed, if all are taken. */
  boolean enter(CompletableFuture<Void> done) {
    if (underWay.incrementAndGet() > limits.atOnce) {
      underWay.decrementAndGet();
      done.completeExceptionally(
          UpstreamException.of(
              Kind.BUSY,
              "the server does not answer: " + limits.atOnce + " POSTs are under way already"));
      return false;
    }
    CompletableFuture<?> unused = done.whenComplete((v, e) -> underWay.decrementAndGet());
    return true;
  }

  /** Fails a POST that has nothing to wait for but its status. */
  void limitOneWay(CompletableFuture<Void> done) {
    after(
        limits.oneWay,
        done,
        () ->
            done.completeExceptionally(
                UpstreamException.of(
                    Kind.TIMEOUT,
                    "the server did not take the message within "
                        + limits.oneWay.toSeconds()
                        + " s")));
  }

  /** Ends an exchange whose answer has come, some time later. */
  void endAfterAnswer(CompletableFuture<Void> done) {
    after(limits.afterAnswer, done, () -> done.complete(null));
  }

  private void after(Duration delay, CompletableFuture<Void> done, Runnable task) {
    try {
      Future<?> alarm = timer.schedule(task, delay.toMillis(), TimeUnit.MILLISECONDS);
      CompletableFuture<?> unused = done.whenComplete((v, e) -> alarm.cancel(false));
    } catch (RejectedExecutionException closing) {
      done.cancel(true);
    }
  }

  /** POSTs under way. */
  int underWay() {
    return underWay.get();
  }
}
