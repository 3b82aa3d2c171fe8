package dev.sluice.servers.upstream;

import dev.sluice.servers.ServerDefinition;
import dev.sluice.servers.ServerDefinition.Transport;
import dev.sluice.servers.ServerId;
import dev.sluice.threads.Bounded;
import dev.sluice.threads.OwnThreads;
import jakarta.annotation.PostConstruct;
import jakarta.annotation.PreDestroy;
import jakarta.enterprise.concurrent.ManagedExecutorService;
import jakarta.enterprise.concurrent.ManagedThreadFactory;
import jakarta.enterprise.context.ApplicationScoped;
import jakarta.inject.Inject;
import java.lang.System.Logger;
import java.lang.System.Logger.Level;
import java.net.http.HttpClient;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.Executor;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.ScheduledThreadPoolExecutor;
import java.util.concurrent.ThreadFactory;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.function.Consumer;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/**
 * Opens connections to servers and owns what they share: the child-process supervisor, the HTTP
 * client, the threads, and the log lines of each server. Any thread may call.
 *
 * <p>At its start it ends the child processes that a killed hub left behind; at its end it ends all
 * connections and children.
 */
@ApplicationScoped
public class Upstreams implements AutoCloseable {

  private static final Logger LOG = System.getLogger(Upstreams.class.getName());

  private static final int SAMPLE_SECONDS = 2;
  private static final long CLOSE_SECONDS = 15;

  /** Connections that end themselves at once; each blocks until its child is gone. */
  private static final int ENDING = 16;

  private static final Duration CONNECT = Duration.ofSeconds(10);

  /** How long a server may take to say which era it speaks. */
  private static final Duration PROBE = Duration.ofSeconds(10);

  private final Executor work;
  private final ThreadFactory threads;
  private final ScheduledThreadPoolExecutor timer;
  private final OwnThreads endings;
  private final AtomicBoolean sampling = new AtomicBoolean();
  private final Supervisor supervisor;
  private final Posts.Limits posts;
  private final Map<ServerId, LogRing> logs = new ConcurrentHashMap<>();
  private final Set<UpstreamClient> clients = ConcurrentHashMap.newKeySet();
  private final Set<UpstreamPipe> pipes = ConcurrentHashMap.newKeySet();
  private final Map<ServerId, Posts> statelessPosts = new ConcurrentHashMap<>();
  private final ModernChannels channels;
  private final Object httpLock = new Object();
  private @Nullable HttpClient http; // guarded by httpLock
  private volatile boolean closing;

  /**
   * What all connections use together.
   *
   * @param connections to servers, those that are being opened or closed included
   * @param children processes that run
   * @param maxChildren processes at most, those whose trees are being ended included
   * @param callsInFlight requests of the hub that wait for an answer
   * @param messagesQueued messages to servers that are not written yet
   * @param logBytes bytes of log lines kept
   * @param maxLogBytes at most, for the servers whose lines are kept now
   * @param unknownAnswers answers that nobody waited for, of the connections that are open
   * @param readersHeld ended children whose output somebody else holds open, with a thread each
   * @param ending connections that end themselves and block a thread until their child is gone
   */
  public record Gauges(
      int connections,
      int children,
      int maxChildren,
      int callsInFlight,
      int messagesQueued,
      long logBytes,
      long maxLogBytes,
      long unknownAnswers,
      int readersHeld,
      int ending) {}

  /** For the container's client proxy only; never used as a bean. */
  @SuppressWarnings("NullAway") // the proxy hands every call to the real bean
  protected Upstreams() {
    this.work = null;
    this.threads = null;
    this.timer = null;
    this.endings = null;
    this.supervisor = null;
    this.posts = null;
    this.channels = null;
  }

  /** The bean. */
  @Inject
  public Upstreams(@Bounded ManagedExecutorService work, @Bounded ManagedThreadFactory threads) {
    this(work, threads, ChildProcess.Patience.DEFAULT, Posts.Limits.DEFAULT);
  }

  /**
   * Outside a container.
   *
   * @param work where futures complete; must not be a single thread
   * @param threads makes the threads that read, write and keep time
   * @param patience deadlines of the steps by which a child is ended
   * @param posts bounds of what is under way to one HTTP server
   */
  Upstreams(
      Executor work, ThreadFactory threads, ChildProcess.Patience patience, Posts.Limits posts) {
    this.posts = posts;
    this.work = work;
    this.threads = threads;
    // Deadlines are many and nearly all are cancelled: they must go when they are, which managed
    // schedulers do not promise.
    this.timer = new ScheduledThreadPoolExecutor(1, threads);
    this.timer.setRemoveOnCancelPolicy(true);
    this.timer.setExecuteExistingDelayedTasksAfterShutdownPolicy(false);
    this.endings = new OwnThreads(threads, "sluice-ending", ENDING, Supervisor.MAX_CHILDREN);
    this.supervisor = new Supervisor(threads, patience);
    this.channels = new ModernChannels(this::channel, this::end);
  }

  /** Ends orphans, begins to watch the budgets. */
  @PostConstruct
  void start() {
    int orphans = supervisor.endOrphans();
    if (orphans > 0) {
      LOG.log(Level.INFO, "SLUICE-0307: ended {0} processes that a killed hub had left", orphans);
    }
    Object unused =
        timer.scheduleWithFixedDelay(
            this::sample, SAMPLE_SECONDS, SAMPLE_SECONDS, TimeUnit.SECONDS);
  }

  /**
   * Starts or reaches the server, shakes hands and lists what it offers. Blocks for the
   * definition's start timeout at most (and, if that fails, for the end of its child);
   * interruptible.
   *
   * @throws StartFailure if it does not become usable; everything it began is ended by then
   */
  public UpstreamClient connect(ServerDefinition definition, UpstreamListener listener) {
    LogRing log = log(definition.id());
    UpstreamClient[] made = new UpstreamClient[1];
    UpstreamClient client =
        new UpstreamClient(
            definition,
            connection(definition),
            new Watched(listener, () -> clients.remove(made[0])),
            log,
            work,
            this::end,
            timer);
    made[0] = client;
    clients.add(client);
    boolean started = false;
    try {
      if (closing) { // after it was added: either it is seen here, or close() sees the client
        throw new StartFailure("the hub is shutting down", Optional.empty(), List.of(), "", null);
      }
      client.start();
      started = true;
    } finally {
      if (!started) {
        clients.remove(client);
      }
    }
    return client;
  }

  /**
   * Starts or reaches the server for one client session, which does the handshake itself. Blocks
   * for the definition's start timeout at most; interruptible.
   *
   * @param starts asked first
   * @throws StartFailure if it cannot be reached or started
   */
  public UpstreamPipe pipe(
      ServerDefinition definition, UpstreamPipe.Receiver receiver, StartPolicy starts) {
    starts.admit();
    UpstreamPipe[] made = new UpstreamPipe[1];
    UpstreamPipe pipe =
        new UpstreamPipe(
            definition,
            connection(definition),
            receiver,
            log(definition.id()),
            work,
            this::end,
            timer,
            starts,
            () -> pipes.remove(made[0]));
    made[0] = pipe;
    pipes.add(pipe);
    if (closing) { // after it was added: either it is seen here, or close() sees the pipe
      pipe.close();
      throw new StartFailure("the hub is shutting down", Optional.empty(), List.of(), "", null);
    }
    try {
      pipe.open();
    } catch (StartFailure failure) {
      starts.failed(failure);
      throw failure;
    }
    return pipe;
  }

  private ModernChannel channel(ServerDefinition definition, Consumer<String> gone) {
    return new ModernChannel(definition, connection(definition), log(definition.id()), gone);
  }

  /**
   * The way to a server for requests of the stateless era: one POST each to an HTTP server, one
   * child or socket for all of them otherwise.
   *
   * @param blocking where a child is started, if there is none yet
   * @param starts asked before one is
   * @return fails with {@link StartFailure} if it cannot be had, or with what {@code starts}
   *     refuses with
   */
  public CompletableFuture<ModernUpstream> modern(
      ServerDefinition definition, Executor blocking, StartPolicy starts) {
    return definition.transport() instanceof Transport.Http remote
        ? CompletableFuture.completedFuture(stateless(definition, remote))
        : channels.of(definition, blocking, starts);
  }

  private ModernHttp stateless(ServerDefinition definition, Transport.Http remote) {
    return new ModernHttp(
        remote.url(),
        new HttpCalls(http(), remote.headers()),
        statelessPosts.computeIfAbsent(definition.id(), id -> new Posts(posts, timer)),
        log(definition.id()),
        Secrets.of(definition));
  }

  /**
   * Asks a server which eras it speaks, over connections and children of their own; blocks for at
   * most the start timeout and twice {@link #PROBE}.
   *
   * @throws StartFailure if it cannot be started or reached
   * @throws UpstreamException if it does not say
   */
  public EraVerdict eras(ServerDefinition definition) {
    boolean modern;
    if (definition.transport() instanceof Transport.Http remote) {
      modern = EraProbe.modern(stateless(definition, remote), PROBE, false);
    } else if (definition.transport() instanceof Transport.Sse) {
      modern = false;
    } else {
      try (ModernChannel disposable = channel(definition, reason -> {})) {
        disposable.open();
        modern = EraProbe.modern(disposable, PROBE, true);
      }
    }
    boolean legacy = !modern || EraProbe.legacy(connection(definition), PROBE);
    return new EraVerdict(legacy, modern, true, Instant.now());
  }

  private Connection connection(ServerDefinition definition) {
    Transport transport = definition.transport();
    if (transport instanceof Transport.Stdio stdio) {
      return new StdioConnection(definition.id(), stdio, supervisor);
    }
    if (transport instanceof Transport.Http remote) {
      return new StreamableHttpConnection(
          remote.url(), new HttpCalls(http(), remote.headers()), timer, posts);
    }
    if (transport instanceof Transport.Sse remote) {
      return new SseConnection(
          remote.url(),
          new HttpCalls(http(), remote.headers()),
          definition.startTimeout(),
          new Posts(posts, timer));
    }
    if (transport instanceof Transport.Ws remote) {
      return new WebSocketConnection(
          remote.url(), remote.headers(), http(), definition.startTimeout(), timer);
    }
    throw new IllegalStateException("no connection for " + transport.mode());
  }

  /** One client for all; its selector thread ends when nobody holds the client any more. */
  private HttpClient http() {
    synchronized (httpLock) {
      if (http == null) {
        // The client's own thread would otherwise keep the application's class loader for ever.
        Thread current = Thread.currentThread();
        ClassLoader before = current.getContextClassLoader();
        current.setContextClassLoader(ClassLoader.getPlatformClassLoader());
        try {
          http =
              HttpClient.newBuilder()
                  .executor(work)
                  // Over plain http the client would offer h2c with each new connection, which some
                  // servers take for a WebSocket upgrade.
                  .version(HttpClient.Version.HTTP_1_1)
                  .connectTimeout(CONNECT)
                  .followRedirects(HttpClient.Redirect.NEVER)
                  .build();
        } finally {
          current.setContextClassLoader(before);
        }
      }
      return http;
    }
  }

  /** The newest lines a server wrote, kept over restarts of its child until {@link #forget}. */
  public LogRing log(ServerId server) {
    return logs.computeIfAbsent(server, id -> new LogRing());
  }

  /** Drops what is kept of a server that was removed. */
  public void forget(ServerId server) {
    channels.forget(server);
    statelessPosts.remove(server);
    logs.remove(server);
  }

  /** The state of all connections now. */
  public Gauges gauges() {
    List<UpstreamClient> open = List.copyOf(clients);
    List<ChildProcess> children = supervisor.children();
    return new Gauges(
        open.size(),
        (int) children.stream().filter(ChildProcess::alive).count(),
        Supervisor.MAX_CHILDREN,
        open.stream().mapToInt(UpstreamClient::inFlight).sum(),
        open.stream().mapToInt(UpstreamClient::queued).sum(),
        logs.values().stream().mapToLong(LogRing::bytes).sum(),
        (long) logs.size() * LogRing.MAX_BYTES,
        open.stream().mapToLong(UpstreamClient::unknownAnswers).sum(),
        supervisor.readersHeld(),
        endings.busy());
  }

  private void end(Runnable close) {
    if (!endings.offer(close)) {
      close.run();
    }
  }

  /** One look at a time: where processes are many it may take longer than the time between two. */
  private void sample() {
    if (!sampling.compareAndSet(false, true)) {
      return;
    }
    try {
      work.execute(
          () -> {
            try {
              Budgets.check(holders());
              channels.look();
            } finally {
              sampling.set(false);
            }
          });
    } catch (RejectedExecutionException busy) {
      sampling.set(false);
      LOG.log(Level.DEBUG, "budgets are looked at next time");
    }
  }

  private List<Budgets.Holder> holders() {
    return Stream.of(
            clients.stream().map(UpstreamClient::holder),
            pipes.stream().map(UpstreamPipe::holder),
            channels.open().stream().map(ModernChannel::holder))
        .flatMap(all -> all)
        .flatMap(Optional::stream)
        .toList();
  }

  /** On a thread of its own, or on this one when there are no more to be had (Payara's end). */
  private void begin(Runnable close, List<Thread> closers) {
    try {
      Thread thread = threads.newThread(close);
      thread.start();
      closers.add(thread);
    } catch (RuntimeException refused) {
      close.run();
    }
  }

  private static void closeQuietly(AutoCloseable one) {
    try {
      one.close();
    } catch (Exception defect) {
      LOG.log(Level.DEBUG, "a connection did not close cleanly", defect);
    }
  }

  /** Ends all connections, children and threads; blocks until they are gone. */
  @Override
  @PreDestroy
  public void close() {
    closing = true;
    List<Thread> closers = new ArrayList<>();
    List<AutoCloseable> open = new ArrayList<>(clients);
    open.addAll(pipes);
    open.addAll(channels.closing());
    try {
      for (AutoCloseable one : open) {
        begin(() -> closeQuietly(one), closers);
      }
      for (Thread thread : closers) {
        thread.join(TimeUnit.SECONDS.toMillis(CLOSE_SECONDS));
      }
    } catch (InterruptedException interrupted) {
      Thread.currentThread().interrupt();
    } finally {
      timer.shutdownNow();
      endings.close();
      synchronized (httpLock) {
        http = null;
      }
    }
  }
}
