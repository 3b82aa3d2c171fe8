package dev.sluice.streams;

import dev.sluice.events.CloseCode;
import dev.sluice.events.Subscription;
import java.lang.System.Logger;
import java.lang.System.Logger.Level;
import java.time.Duration;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;

/**
 * The WebSocket sessions that are subscribed, and whether their peers still answer. As many as the
 * fan-out takes subscribers. Any thread; nothing blocks.
 */
final class WatchedSockets {

  private static final Logger LOG = System.getLogger(WatchedSockets.class.getName());

  private final Map<WebSocketOutlet, Subscription> sockets = new ConcurrentHashMap<>();

  /** Takes a session, which may have ended while it was being subscribed. */
  void add(WebSocketOutlet outlet, Subscription subscription) {
    sockets.put(outlet, subscription);
    if (outlet.isOver()) { // it left before it was there to be removed
      gone(outlet);
    }
  }

  /** The session has ended, whether it was added yet or not: its lane is freed. */
  void gone(WebSocketOutlet outlet) {
    outlet.over();
    Subscription subscription = sockets.remove(outlet);
    if (subscription != null) {
      subscription.gone();
    }
  }

  /** Sessions now. */
  int size() {
    return sockets.size();
  }

  /**
   * One pass over all sessions each second: cheaper than a timer for each. It only looks, and hands
   * pings to threads of their own: on Payara a ping waits for the frame before it.
   *
   * @param now the moment, by {@link System#nanoTime}
   * @param period between two pings of a session
   * @param deadline for a pong, beyond which a session is closed with 4008
   */
  void look(long now, Duration period, Duration deadline) {
    sockets.forEach(
        (outlet, subscription) -> {
          try {
            if (!outlet.alive(now, period.toNanos(), deadline.toNanos())) {
              LOG.log(
                  Level.DEBUG, "closing a peer that stopped answering pings: {0}", subscription);
              subscription.close(
                  CloseCode.TOO_SLOW, "no pong within " + deadline.toSeconds() + " s; resume");
              sockets.remove(outlet, subscription);
            }
          } catch (RuntimeException defect) { // thrown on, it would end the watch over all others
            LOG.log(Level.DEBUG, "a peer could not be watched", defect);
          }
        });
  }
}
