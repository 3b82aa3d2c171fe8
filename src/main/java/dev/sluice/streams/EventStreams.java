package dev.sluice.streams;

import dev.sluice.access.Caller;
import dev.sluice.events.Fanout;
import dev.sluice.events.SubscribeRequest;
import dev.sluice.events.Subscription;
import dev.sluice.events.Topic;
import dev.sluice.settings.Setting;
import dev.sluice.settings.Settings;
import dev.sluice.threads.Bounded;
import dev.sluice.threads.OwnThreads;
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
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import java.util.function.Predicate;
import org.jspecify.annotations.Nullable;

/** Binds connections to the fan-out: who may see what, and which WebSocket peers still answer. */
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

  /** For closings that wait when the hub ends. */
  private static final Duration GRACE = Duration.ofSeconds(1);

  /** Threads that may hang at stalled peers, for closing and, apart from it, for pings. */
  private static final int HANGING = 16;

  private final WatchedSockets sockets = new WatchedSockets();
  private final SseFrames frames = new SseFrames();
  private OwnThreads closing;
  private OwnThreads pinging;
  private @Nullable Future<?> ticking;

  /** Starts the one timer that watches all WebSocket peers. */
  @PostConstruct
  void start() {
    int subscribers = settings.integer(Setting.EVENTS_SUBSCRIBERS);
    closing = new OwnThreads(threads, "sluice-closing", HANGING, subscribers);
    // Of its own: a ping that hangs is freed by the close of its connection.
    pinging = new OwnThreads(threads, "sluice-pinging", HANGING, subscribers);
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
    int left = closing.close(GRACE);
    if (left > 0) {
      LOG.log(
          Level.WARNING,
          "SLUICE-0116: {0} event streams waited to be closed, behind others whose peers do not"
              + " read; they end with the server",
          left);
    }
    pinging.close();
  }

  /**
   * What the streams' own threads are doing.
   *
   * @param closing connections being closed or waiting for it
   * @param maxClosing at most; beyond it whoever closes does it itself
   * @param pinging pings being written or waiting for it
   * @param maxPinging at most; beyond it a ping is tried again a second later
   * @param sockets WebSocket sessions that are watched; no more than subscribers
   */
  public record Gauges(int closing, int maxClosing, int pinging, int maxPinging, int sockets) {}

  /** Reads the gauges; any thread. */
  public Gauges gauges() {
    return new Gauges(
        closing.busy(), closing.limit(), pinging.busy(), pinging.limit(), sockets.size());
  }

  /**
   * Closes a connection on another thread: with a stalled peer both servers may hold the caller for
   * long, and the threads that complete tool calls must not wait for that. When too many are being
   * closed, or at the end of the hub, the caller does it: the fan-out's threads may hang there, and
   * its watchdog then goes on without them.
   */
  private void close(Runnable close) {
    if (!closing.offer(close)) {
      close.run();
    }
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
    sockets.add(outlet, subscription);
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
    sockets.gone(outlet);
  }

  /** The wire end of a session. */
  WebSocketOutlet outlet(jakarta.websocket.Session session) {
    return new WebSocketOutlet(session, this::close, pinging);
  }

  /** The wire end of an SSE stream. */
  SseOutlet outlet(HttpServletRequest request, HttpServletResponse response) throws IOException {
    return new SseOutlet(frames, request, response, this::close);
  }

  /**
   * Subscribes an SSE stream; its first frame waits until the stream is open.
   *
   * @throws dev.sluice.events.SubscribersExhausted at the limit
   */
  Subscription open(SubscribeRequest request, @Nullable Principal caller, SseOutlet outlet) {
    return fanout.subscribe(request, visible(caller), outlet);
  }

  private void watch() {
    sockets.look(
        System.nanoTime(),
        settings.seconds(Setting.EVENTS_PING_SECONDS),
        settings.seconds(Setting.EVENTS_STALL_SECONDS));
  }
}
