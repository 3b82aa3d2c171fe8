package dev.sluice.streams;

import dev.sluice.access.Caller;
import dev.sluice.events.CloseCode;
import dev.sluice.events.Fanout;
import dev.sluice.events.SubscribeRequest;
import dev.sluice.events.Subscription;
import dev.sluice.events.Topic;
import dev.sluice.settings.Setting;
import dev.sluice.settings.Settings;
import dev.sluice.threads.Bounded;
import jakarta.annotation.PostConstruct;
import jakarta.annotation.PreDestroy;
import jakarta.enterprise.concurrent.ManagedScheduledExecutorService;
import jakarta.enterprise.concurrent.ManagedThreadFactory;
import jakarta.enterprise.context.ApplicationScoped;
import jakarta.inject.Inject;
import jakarta.servlet.http.HttpServletRequest;
import jakarta.servlet.http.HttpServletResponse;
import java.io.IOException;
import java.lang.System.Logger;
import java.lang.System.Logger.Level;
import java.security.Principal;
import java.time.Duration;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import java.util.function.Predicate;
import org.jspecify.annotations.Nullable;

/**
 * Binds connections to the fan-out: who may see what, and which WebSocket peers still answer. As
 * many entries as the fan-out takes subscribers.
 */
@ApplicationScoped
public class EventStreams {

  private static final Logger LOG = System.getLogger(EventStreams.class.getName());

  /** The right to see events, beside the administrator's to do everything. */
  static final String READ = "audit:read";

  /** Subscribers are sent away over this window; servers kill undeployments that take long. */
  private static final Duration DRAIN = Duration.ofSeconds(1);

  @Inject private Fanout fanout;
  @Inject private Settings settings;
  @Inject @Bounded private ManagedThreadFactory threads;
  @Inject @Bounded private ManagedScheduledExecutorService timer;

  private final Map<WebSocketOutlet, Subscription> sockets = new ConcurrentHashMap<>();
  private final SseFrames frames = new SseFrames();
  private Closer closer;
  private @Nullable Future<?> ticking;

  /** Starts the one timer that watches all WebSocket peers. */
  @PostConstruct
  void start() {
    closer = new Closer(threads, settings.integer(Setting.EVENTS_SUBSCRIBERS));
    ticking = timer.scheduleAtFixedRate(this::watch, 1, 1, TimeUnit.SECONDS);
  }

  /** Makes the bean, so that {@link #drain} needs no injection when the application ends. */
  void begin() {
    LOG.log(Level.DEBUG, "streams are open");
  }

  /** Sends all subscribers away; blocks until they are gone, three seconds at most. */
  void drain() {
    fanout.drain(DRAIN);
  }

  /** Ends the timer; the fan-out closes the connections. */
  @PreDestroy
  void stop() {
    if (ticking != null) {
      ticking.cancel(false);
    }
    closer.close();
  }

  /**
   * What the caller may see; nothing for who is nobody.
   *
   * @param principal the one that the access filter set
   */
  static Predicate<Topic> visible(@Nullable Principal principal) {
    return mayRead(principal) ? Fanout.SEES_ALL : topic -> false;
  }

  /** Whether the caller may open a stream at all. */
  static boolean mayRead(@Nullable Principal principal) {
    return principal instanceof Caller caller && caller.has(READ);
  }

  /**
   * Subscribes a WebSocket session from this moment on, so that no event after its opening is
   * missed.
   *
   * <p>Without {@code since} nothing is said, because a client's first frame is the answer to its
   * own subscribe; with it the answer says what of the past there still is.
   *
   * @throws dev.sluice.events.SubscribersExhausted at the limit
   */
  Subscription open(SubscribeRequest request, @Nullable Principal caller, WebSocketOutlet outlet) {
    Subscription subscription =
        request.since() == null
            ? fanout.subscribeQuietly(request, visible(caller), outlet)
            : fanout.subscribe(request, visible(caller), outlet);
    sockets.put(outlet, subscription);
    return subscription;
  }

  /**
   * Whether another stream would be taken, asked before a stream exists.
   *
   * @throws dev.sluice.events.SubscribersExhausted at the limit
   */
  void checkRoom() {
    fanout.checkRoom();
  }

  /** The session has ended: its lane is freed. */
  void gone(WebSocketOutlet outlet) {
    Subscription subscription = sockets.remove(outlet);
    if (subscription != null) {
      subscription.gone();
    }
  }

  /** The wire end of a session. */
  WebSocketOutlet outlet(jakarta.websocket.Session session) {
    return new WebSocketOutlet(session, closer);
  }

  /** The wire end of an SSE stream. */
  SseOutlet outlet(HttpServletRequest request, HttpServletResponse response) throws IOException {
    return new SseOutlet(frames, request, response, closer);
  }

  /**
   * Subscribes an SSE stream; its first frame waits until the stream is open.
   *
   * @throws dev.sluice.events.SubscribersExhausted at the limit
   */
  Subscription open(SubscribeRequest request, @Nullable Principal caller, SseOutlet outlet) {
    return fanout.subscribe(request, visible(caller), outlet);
  }

  /** One pass over all sessions each second: cheaper than a timer for each. */
  private void watch() {
    long now = System.nanoTime();
    long period = settings.seconds(Setting.EVENTS_PING_SECONDS).toNanos();
    Duration deadline = settings.seconds(Setting.EVENTS_STALL_SECONDS);
    sockets.forEach(
        (outlet, subscription) -> {
          try {
            if (!outlet.alive(now, period, deadline.toNanos())) {
              LOG.log(
                  Level.DEBUG, "closing a peer that stopped answering pings: {0}", subscription);
              subscription.close(
                  CloseCode.TOO_SLOW, "no pong within " + deadline.toSeconds() + " s; resume");
            }
          } catch (RuntimeException defect) { // thrown on, it would end the watch over all others
            LOG.log(Level.DEBUG, "a peer could not be watched", defect);
          }
        });
  }
}
