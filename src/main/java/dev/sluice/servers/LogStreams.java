package dev.sluice.servers;

import dev.sluice.events.Frame;
import dev.sluice.rest.ApiException;
import dev.sluice.servers.upstream.LogRing;
import dev.sluice.threads.Bounded;
import dev.sluice.threads.OwnThreads;
import jakarta.annotation.PostConstruct;
import jakarta.annotation.PreDestroy;
import jakarta.enterprise.concurrent.ManagedScheduledExecutorService;
import jakarta.enterprise.concurrent.ManagedThreadFactory;
import jakarta.enterprise.context.ApplicationScoped;
import jakarta.inject.Inject;
import java.lang.System.Logger;
import java.lang.System.Logger.Level;
import java.time.Duration;
import java.util.Map;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.Future;
import java.util.concurrent.ThreadLocalRandom;
import java.util.concurrent.TimeUnit;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;

/**
 * All readers that follow a server's log, at most {@value #MAX_FOLLOWERS}, those being closed
 * included. They are written to and closed by threads of their own, so that a reader that stalls
 * holds up nothing else. Any thread may call. Ends them all at undeployment.
 */
@ApplicationScoped
public class LogStreams {

  private static final Logger LOG = System.getLogger(LogStreams.class.getName());

  /** Readers at once; a further one is refused with 503. */
  public static final int MAX_FOLLOWERS = 256;

  /** For closings that wait when the hub ends. */
  private static final Duration GRACE = Duration.ofSeconds(1);

  /** Threads that write; no write blocks, so that a few serve all readers. */
  private static final int WRITING = 4;

  /**
   * Threads that close: with a peer that does not read, a server may hold each of them for long.
   */
  private static final int CLOSING = 16;

  private static final long TICK_SECONDS = 15;

  @Inject private ServerRegistry registry;
  @Inject @Bounded private ManagedThreadFactory threads;
  @Inject @Bounded private ManagedScheduledExecutorService timer;

  private final Map<LogFollower, McpServer> followers = new ConcurrentHashMap<>();
  private final String boot = Integer.toString(ThreadLocalRandom.current().nextInt(1 << 30), 36);
  private @Nullable Future<?> ticking;

  private OwnThreads writing;
  private OwnThreads closing;

  @PostConstruct
  void start() {
    writing = new OwnThreads(threads, "sluice-log", WRITING, MAX_FOLLOWERS);
    closing = new OwnThreads(threads, "sluice-log-closing", CLOSING, MAX_FOLLOWERS);
    ticking = timer.scheduleAtFixedRate(this::tick, TICK_SECONDS, TICK_SECONDS, TimeUnit.SECONDS);
  }

  @PreDestroy
  void stop() {
    if (ticking != null) {
      ticking.cancel(false);
    }
    followers.keySet().forEach(LogFollower::end);
    int left = closing.close(GRACE);
    if (left > 0) {
      LOG.log(
          Level.WARNING,
          "SLUICE-0212: {0} readers of logs waited to be closed, behind others that do not read;"
              + " they end with the server",
          left);
    }
    writing.close();
  }

  /** Readers now. */
  public int followers() {
    return followers.size();
  }

  /** Readers that are written to or wait for it. */
  public int writing() {
    return writing.busy();
  }

  /** Readers that are being closed or wait for it. */
  public int closing() {
    return closing.busy();
  }

  /**
   * The server, if another reader may follow its log.
   *
   * @throws ApiException 404, or 503 at the limit
   */
  McpServer admit(String id) {
    McpServer server = registry.servers().get(id);
    int now = followers.size() + closing.busy();
    if (now >= MAX_FOLLOWERS) {
      throw ApiException.unavailable(
          "too_many_followers",
          "There are " + now + " readers of logs, at most " + MAX_FOLLOWERS + ".",
          Duration.ofSeconds(30));
    }
    return server;
  }

  /**
   * Takes a reader, who gets a server's log once {@link LogFollower#begin begun}.
   *
   * @param lastId the id of the last line that the reader has, or null
   * @param lines how many of the newest lines a new reader gets first
   */
  LogFollower follow(
      McpServer server,
      @Nullable String lastId,
      int lines,
      Function<Frame, CompletionStage<?>> send,
      Runnable close) {
    LogRing ring = server.logs();
    // The numbers of a ring begin anew with the hub and with a server that is added again.
    String run = boot + Integer.toString(System.identityHashCode(ring), 36);
    long known = seq(lastId, run, ring.newest());
    long last = known >= 0 ? known : Math.max(ring.oldest() - 1, ring.newest() - lines);
    LogFollower[] self = new LogFollower[1];
    LogFollower follower =
        new LogFollower(
            ring,
            run,
            last,
            writing,
            send,
            () -> {
              followers.remove(self[0]);
              if (!closing.offer(close)) {
                // Never full, see admit(): the hub has ended.
                LOG.log(Level.DEBUG, "the hub ends: the server closes the stream itself");
              }
            });
    self[0] = follower;
    followers.put(follower, server);
    return follower;
  }

  private static long seq(@Nullable String id, String run, long newest) {
    if (id == null || !id.startsWith(run + ":")) {
      return -1;
    }
    String digits = id.substring(run.length() + 1);
    if (digits.isEmpty()
        || digits.length() > 18
        || !digits.chars().allMatch(c -> c >= '0' && c <= '9')) {
      return -1;
    }
    long seq = Long.parseLong(digits);
    return seq <= newest ? seq : -1;
  }

  /** Only looks and wakes; each reader writes on a thread of its own. */
  private void tick() {
    followers.forEach(
        (follower, server) -> {
          if (registry.servers().find(server.id()).filter(s -> s == server).isPresent()) {
            follower.tick();
          } else {
            follower.end();
          }
        });
  }
}
