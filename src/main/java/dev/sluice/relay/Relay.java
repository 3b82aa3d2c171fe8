package dev.sluice.relay;

import dev.sluice.access.Caller;
import dev.sluice.servers.ClientTransport;
import dev.sluice.servers.RelayedServer;
import dev.sluice.servers.ServerRegistry;
import dev.sluice.servers.Servers;
import dev.sluice.settings.Settings;
import dev.sluice.threads.Bounded;
import dev.sluice.threads.OwnThreads;
import jakarta.annotation.PostConstruct;
import jakarta.annotation.PreDestroy;
import jakarta.enterprise.concurrent.ManagedExecutorService;
import jakarta.enterprise.concurrent.ManagedScheduledExecutorService;
import jakarta.enterprise.concurrent.ManagedThreadFactory;
import jakarta.enterprise.context.ApplicationScoped;
import jakarta.inject.Inject;
import java.security.SecureRandom;
import java.time.Duration;
import java.util.Base64;
import java.util.EnumMap;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.CompletionException;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.Future;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicLong;
import org.jspecify.annotations.Nullable;

/**
 * All client sessions, as many as the {@link RelayLimits} say. Any thread may call; nothing blocks.
 * Ends them all at undeployment.
 */
@ApplicationScoped
public class Relay {

  static final System.Logger LOG = System.getLogger(Relay.class.getName());

  /** How long the end of the hub waits for peers to take their close. */
  private static final Duration GRACE = Duration.ofSeconds(3);

  /** Peers that may hold up their close at once, each with a thread. */
  private static final int HANGING = 16;

  @Inject private ServerRegistry registry;
  @Inject private Settings settings;
  @Inject @Bounded private ManagedExecutorService work;
  @Inject @Bounded private ManagedScheduledExecutorService timer;
  @Inject @Bounded private ManagedThreadFactory threads;

  private final Map<String, Session> sessions = new ConcurrentHashMap<>();
  private final AtomicInteger count = new AtomicInteger();
  private final Map<String, Integer> ofCallers = new ConcurrentHashMap<>();
  private final AtomicLong refusedSessions = new AtomicLong();
  private final AtomicLong refusedRequests = new AtomicLong();
  private final AtomicLong slowClients = new AtomicLong();
  private final SecureRandom random = new SecureRandom();
  private final AtomicLong strays = new AtomicLong();
  private RelayLimits limits;
  private Sharing sharing;
  private @Nullable Future<?> ticking;
  private OwnThreads closing;
  private volatile boolean leaving;
  private Servers servers;

  /**
   * Figures of all sessions.
   *
   * @param streamable sessions over Streamable HTTP
   * @param sse sessions over HTTP+SSE
   * @param webSocket sessions over WebSocket
   * @param maxSessions of all three together
   * @param inFlight requests of clients that wait for answers
   * @param asked requests of servers that wait for clients' answers
   * @param streams of Streamable HTTP
   * @param keptStreams of these, those without a connection
   * @param heldBytes that wait for clients or are kept for them
   * @param children that sessions share
   * @param childWaiting requests that wait for the answers of those
   * @param childSubscriptions of those
   * @param strayAnswers of servers, that nobody waited for
   * @param refusedSessions at a limit
   * @param refusedRequests at a limit
   * @param slowClients whose sessions were ended for that
   */
  public record Gauges(
      int streamable,
      int sse,
      int webSocket,
      int maxSessions,
      int inFlight,
      int asked,
      int streams,
      int keptStreams,
      long heldBytes,
      int children,
      int childWaiting,
      int childSubscriptions,
      long strayAnswers,
      long refusedSessions,
      long refusedRequests,
      long slowClients) {}

  /** There are as many sessions as there may be. */
  static final class Exhausted extends RuntimeException {
    private static final long serialVersionUID = 1L;

    Exhausted(String message) {
      super(message);
    }
  }

  @PostConstruct
  void start() {
    limits = RelayLimits.of(settings);
    sharing = new Sharing(this::strayAnswer, limits);
    closing = new OwnThreads(threads, "sluice-mcp-closing", HANGING, limits.sessions());
    servers = registry.servers(); // kept: asking the registry, an EJB, costs more than a look-up
    ticking = timer.scheduleAtFixedRate(this::tick, 1, 1, TimeUnit.SECONDS);
  }

  @PreDestroy
  void stop() {
    if (ticking != null) {
      ticking.cancel(false);
    }
    leave();
  }

  /** Makes the bean, so that {@link #leave} need not when the application ends. */
  void begin() {
    LOG.log(System.Logger.Level.DEBUG, "the relay is open");
  }

  /** Ends every session, when the application ends; blocks for {@link #GRACE} at most. */
  void leave() {
    leaving = true;
    sessions.values().forEach(session -> end(session, SessionEnd.GOING_AWAY));
    int left = closing.close(GRACE);
    if (left > 0) {
      LOG.log(
          System.Logger.Level.WARNING,
          "SLUICE-0501: {0} MCP sockets waited to be closed, behind others whose peers do not read;"
              + " they end with the server",
          left);
    }
  }

  /** How much there may be of what. */
  RelayLimits limits() {
    return limits;
  }

  /** Why a stage failed. */
  static Throwable cause(Throwable failure) {
    return failure instanceof CompletionException && failure.getCause() != null
        ? failure.getCause()
        : failure;
  }

  /** Which sessions use a child together. */
  Sharing sharing() {
    return sharing;
  }

  /**
   * Closes a client's connection on a thread for that: with a stalled peer both servers may hold
   * the caller for long. When all hang there, or at the end of the hub, the caller does it.
   */
  void closing(Runnable close) {
    if (!closing.offer(close)) {
      close.run();
    }
  }

  /**
   * The server of that name, if it may be used.
   *
   * @throws dev.sluice.rest.ApiException 404 or 409
   */
  RelayedServer server(String name) {
    RelayedServer server = servers.relayed(name);
    server.check();
    return server;
  }

  /**
   * A new session; its server is reached when the client initializes it.
   *
   * @throws Exhausted at a limit
   */
  Session open(RelayedServer server, Caller caller, ClientTransport transport, ClientEnd client) {
    if (leaving) {
      throw new Exhausted("The hub is shutting down.");
    }
    if (count.incrementAndGet() > limits.sessions()) {
      count.decrementAndGet();
      throw exhausted("The hub has " + limits.sessions() + " sessions, which is the most it may.");
    }
    if (ofCallers.merge(caller.name(), 1, Integer::sum) > limits.sessionsOfCaller()) {
      giveBack(caller);
      throw exhausted("You have " + limits.sessionsOfCaller() + " sessions, the most you may.");
    }
    String id = name(24);
    SessionAccount account = new SessionAccount(server, transport, name(9));
    Session session = new Session(id, server, caller, account, this, client);
    sessions.put(id, session);
    if (leaving) { // after it was added: either it is seen here, or leave() sees the session
      end(session, SessionEnd.GOING_AWAY);
    }
    return session;
  }

  /**
   * Refuses a session before it exists, while there is still another way to say so.
   *
   * @throws Exhausted at a limit
   */
  void checkRoom(Caller caller) {
    if (count.get() >= limits.sessions()
        || ofCallers.getOrDefault(caller.name(), 0) >= limits.sessionsOfCaller()) {
      throw exhausted("There are as many sessions as there may be.");
    }
  }

  private Exhausted exhausted(String message) {
    refusedSessions.incrementAndGet();
    return new Exhausted(message);
  }

  private void giveBack(Caller caller) {
    count.decrementAndGet();
    ofCallers.computeIfPresent(caller.name(), (name, one) -> one == 1 ? null : one - 1);
  }

  private String name(int bytes) {
    byte[] bits = new byte[bytes];
    random.nextBytes(bits);
    return Base64.getUrlEncoder().withoutPadding().encodeToString(bits);
  }

  /** The caller's session with that server, if there is one. */
  Optional<Session> find(String id, String server, Caller caller) {
    return Optional.ofNullable(sessions.get(id))
        .filter(found -> found.belongsTo(caller) && found.server().equals(server));
  }

  /** Ends a session, once; who is told of it finds it gone. */
  void end(Session session, SessionEnd why) {
    if (sessions.remove(session.id(), session)) {
      giveBack(session.caller());
      if (why == SessionEnd.TOO_SLOW) {
        slowClients.incrementAndGet();
      }
    }
    session.end(why);
  }

  /** A server answered what nobody waits for. */
  void strayAnswer() {
    strays.incrementAndGet();
  }

  /** A request was refused at a limit. */
  void refusedRequest() {
    refusedRequests.incrementAndGet();
  }

  /** Connections that are being closed, or wait for it. */
  public int closing() {
    return closing.busy();
  }

  /** Connections that may be so at most; beyond it whoever closes does it. */
  public int maxClosing() {
    return closing.limit();
  }

  /** The figures now; looks at every session. */
  public Gauges gauges() {
    Map<ClientTransport, Integer> of = new EnumMap<>(ClientTransport.class);
    int inFlight = 0;
    int asked = 0;
    Held held = Held.NOTHING;
    for (Session session : sessions.values()) {
      of.merge(session.transport(), 1, Integer::sum);
      inFlight += session.inFlight();
      asked += session.asked();
      held = held.and(session.client().held());
    }
    Sharing.Gauges shared = sharing.gauges();
    return new Gauges(
        of.getOrDefault(ClientTransport.STREAMABLE_HTTP, 0),
        of.getOrDefault(ClientTransport.SSE, 0),
        of.getOrDefault(ClientTransport.WEBSOCKET, 0),
        limits.sessions(),
        inFlight,
        asked,
        held.streams(),
        held.kept(),
        held.bytes(),
        shared.children(),
        shared.waiting(),
        shared.subscriptions(),
        strays.get(),
        refusedSessions.get(),
        refusedRequests.get(),
        slowClients.get());
  }

  private void tick() {
    try {
      work.execute(this::look);
    } catch (RejectedExecutionException ending) {
      LOG.log(System.Logger.Level.DEBUG, "no look at sessions while the hub ends", ending);
    }
  }

  private void look() {
    long now = System.nanoTime();
    sharing.tick(now);
    for (Session session : sessions.values()) {
      try {
        session.tick(now);
        if (!session.mayGoOn()) {
          end(session, SessionEnd.REMOVED);
        } else if (session.isExpired(now, limits.idle(), limits.age())) {
          end(session, SessionEnd.EXPIRED);
        }
      } catch (RuntimeException defect) { // thrown on, it would end the look at all others
        LOG.log(System.Logger.Level.DEBUG, "a session could not be looked at", defect);
      }
    }
  }
}
