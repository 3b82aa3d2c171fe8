package dev.sluice.events;

import java.util.concurrent.atomic.AtomicLong;
import org.jspecify.annotations.Nullable;

/**
 * A thread's right to run a shard. Around every call to an outlet it shows that it may hang; a
 * watchdog that sees it hang takes the right away, and the thread finds out when the call returns.
 */
final class Worker {

  /** Odd while inside an outlet; grows by two per call; negative once the right is taken. */
  private final AtomicLong calls = new AtomicLong();

  private volatile @Nullable Thread thread;
  private @Nullable Subscription current;
  private long entered;

  void bind(Thread self) {
    thread = self;
  }

  @Nullable Thread thread() {
    return thread;
  }

  void enter(Subscription subscription) {
    current = subscription;
    entered = calls.getPlain() + 1;
    calls.setRelease(entered);
  }

  /** False if the right was taken meanwhile: touch nothing of the shard any more. */
  boolean leave() {
    return calls.compareAndSet(entered, entered + 1);
  }

  /** The number of the call it is in, or -1 if in none. */
  long inside() {
    long now = calls.getAcquire();
    return (now & 1) == 1 ? now : -1;
  }

  /** Gives the right back, for good; false if it was taken before. */
  boolean retire() {
    return calls.getAndSet(-2) >= 0;
  }

  /** Takes the right away if it is still in that call; the subscription it hangs in, or null. */
  @Nullable Subscription revoke(long call) {
    Subscription hanging = current;
    return calls.compareAndSet(call, -2) ? hanging : null;
  }
}
