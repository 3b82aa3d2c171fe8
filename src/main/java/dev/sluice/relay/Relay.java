package dev.sluice.relay;

import dev.sluice.access.Caller;
import dev.sluice.servers.RelayedServer;
import dev.sluice.servers.ServerRegistry;
import dev.sluice.servers.Servers;
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
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.Future;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicLong;
import org.jspecify.annotations.Nullable;

/**
 * All client sessions, at most {@value #MAX_SESSIONS}, and {@value #MAX_OF_CALLER} of one caller.
 * Any thread may call; nothing blocks. Ends them all at undeployment.
 */
@ApplicationScoped
public class Relay {

  static final System.Logger LOG = System.getLogger(Relay.class.getName());

  /** Sessions at once. */
  public static final int MAX_SESSIONS = 10_000;

  /** Sessions of one caller at once. */
  public static final int MAX_OF_CALLER = 5_000;

  /** A session that nothing uses for so long is ended. */
  static final Duration IDLE = Duration.ofHours(2);

  /** No session grows older. */
  static final Duration AGE = Duration.ofHours(24);

  /** How long the end of the hub waits for peers to take their close. */
  private static final Duration GRACE = Duration.ofSeconds(3);

  /** Peers that may hold up their close at once, each with a thread. */
  private static final int HANGING = 16;

  @Inject private ServerRegistry registry;
  @Inject @Bounded private ManagedExecutorService work;
  @Inject @Bounded private ManagedScheduledExecutorService timer;
  @Inject @Bounded private ManagedThreadFactory threads;

  private final Map<String, Session> sessions = new ConcurrentHashMap<>();
  private final Sharing sharing = new Sharing(this::strayAnswer);
  private final SecureRandom random = new SecureRandom();
  private final AtomicLong strays = new AtomicLong();
  private @Nullable Future<?> ticking;
  private OwnThreads closing;
  private volatile boolean leaving;
  private Servers servers;

  /** There are as many sessions as there may be. */
  static final class Exhausted extends RuntimeException {
    private static final long serialVersionUID = 1L;

    Exhausted(String message) {
      super(message);
    }
  }

  @PostConstruct
  void start() {
    closing = new OwnThreads(threads, "sluice-mcp-closing", HANGING, MAX_SESSIONS);
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
  Session open(RelayedServer server, Caller caller, String transport, ClientEnd client) {
    if (leaving) {
      throw new Exhausted("The hub is shutting down.");
    }
    if (sessions.size() >= MAX_SESSIONS) {
      throw new Exhausted("The hub has " + MAX_SESSIONS + " sessions, which is the most it may.");
    }
    if (sessions.values().stream().filter(one -> one.belongsTo(caller)).count() >= MAX_OF_CALLER) {
      throw new Exhausted("You have " + MAX_OF_CALLER + " sessions, which is the most you may.");
    }
    byte[] bits = new byte[24];
    random.nextBytes(bits);
    String id = Base64.getUrlEncoder().withoutPadding().encodeToString(bits);
    Session session = new Session(id, server, caller, transport, this, client);
    sessions.put(id, session);
    if (leaving) { // after it was added: either it is seen here, or leave() sees the session
      end(session, SessionEnd.GOING_AWAY);
    }
    return session;
  }

  /** The caller's session with that server, if there is one. */
  Optional<Session> find(String id, String server, Caller caller) {
    return Optional.ofNullable(sessions.get(id))
        .filter(found -> found.belongsTo(caller) && found.server().equals(server));
  }

  /** Ends a session, once; who is told of it finds it gone. */
  void end(Session session, SessionEnd why) {
    sessions.remove(session.id(), session);
    session.end(why);
  }

  /** A server answered what nobody waits for. */
  void strayAnswer() {
    strays.incrementAndGet();
  }

  /** Answers of servers that nobody waited for, most often because they came too late. */
  public long strayAnswers() {
    return strays.get();
  }

  /** Sessions now. */
  public int sessions() {
    return sessions.size();
  }

  /** Connections that are being closed, or wait for it. */
  public int closing() {
    return closing.busy();
  }

  /** Connections that may be so at most; beyond it whoever closes does it. */
  public int maxClosing() {
    return closing.limit();
  }

  /** Requests of clients that wait for an answer now. */
  public int inFlight() {
    return sessions.values().stream().mapToInt(Session::inFlight).sum();
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
        } else if (session.isExpired(now, IDLE, AGE)) {
          end(session, SessionEnd.EXPIRED);
        }
      } catch (RuntimeException defect) { // thrown on, it would end the look at all others
        LOG.log(System.Logger.Level.DEBUG, "a session could not be looked at", defect);
      }
    }
  }
}
