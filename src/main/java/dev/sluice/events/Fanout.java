package dev.sluice.events;

import java.time.Duration;
import java.util.concurrent.ThreadFactory;
import java.util.function.Predicate;

/** Hands journal entries to bounded subscriptions from a few threads of its own. */
public final class Fanout implements AutoCloseable {

  /** Starts the sending threads. */
  public Fanout(Journal journal, FanoutSettings settings, ThreadFactory threads) {
    throw new UnsupportedOperationException(settings.toString() + threads);
  }

  /**
   * Takes a subscriber; no event after this call's start is missed. The first frame is a {@code
   * subscribed} frame.
   *
   * @param visible what this subscriber may see; asked once per topic and remembered
   * @throws SubscribersExhausted at the limit or while draining
   */
  public Subscription subscribe(
      SubscribeRequest first, Predicate<? super Topic> visible, Outlet outlet) {
    throw new UnsupportedOperationException(first.toString() + visible + outlet);
  }

  /** As {@link #subscribe}, without the first {@code subscribed} frame: the WebSocket's accept. */
  public Subscription subscribeQuietly(
      SubscribeRequest first, Predicate<? super Topic> visible, Outlet outlet) {
    throw new UnsupportedOperationException(first.toString() + visible + outlet);
  }

  /**
   * Refuses new subscribers, sends each one a {@code goaway} frame at a random moment of the window
   * and closes it with 1001. Blocks until all are gone, at most the window and two seconds.
   */
  public void drain(Duration window) {
    throw new UnsupportedOperationException(window.toString());
  }

  /** Reads all gauges; any thread. */
  public FanoutStats stats() {
    throw new UnsupportedOperationException();
  }

  /** Closes every subscription with 1001 and ends every thread. */
  @Override
  public void close() {
    throw new UnsupportedOperationException();
  }
}
