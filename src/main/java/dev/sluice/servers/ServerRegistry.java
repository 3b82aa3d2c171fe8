package dev.sluice.servers;

import dev.sluice.events.EventSink;
import dev.sluice.events.RecordedEvent;
import dev.sluice.servers.upstream.Upstreams;
import dev.sluice.settings.Setting;
import dev.sluice.settings.Settings;
import dev.sluice.threads.Bounded;
import jakarta.annotation.PostConstruct;
import jakarta.annotation.PreDestroy;
import jakarta.ejb.ConcurrencyManagement;
import jakarta.ejb.ConcurrencyManagementType;
import jakarta.ejb.DependsOn;
import jakarta.ejb.Singleton;
import jakarta.ejb.Startup;
import jakarta.ejb.TransactionManagement;
import jakarta.ejb.TransactionManagementType;
import jakarta.enterprise.concurrent.ManagedExecutorService;
import jakarta.enterprise.concurrent.ManagedScheduledExecutorService;
import jakarta.enterprise.concurrent.ManagedThreadFactory;
import jakarta.enterprise.event.ObservesAsync;
import jakarta.inject.Inject;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ThreadLocalRandom;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;

/**
 * The registry of MCP servers in the container: made at start-up from the servers file and
 * discovery, and stopped as a whole at undeployment. Bean-managed concurrency: each server has a
 * lock of its own, and no method blocks but the end.
 */
@Singleton
@Startup
@DependsOn("House") // what stopping servers say still reaches the streams
@ConcurrencyManagement(ConcurrencyManagementType.BEAN)
@TransactionManagement(TransactionManagementType.BEAN)
public class ServerRegistry {

  private static final System.Logger LOG = System.getLogger(ServerRegistry.class.getName());

  /** How long an undeployment waits for the children to end, in seconds. */
  private static final long SHUTDOWN_SECONDS = 20;

  @Inject private Upstreams upstreams;
  @Inject private EventSink events;
  @Inject @Bounded private ManagedExecutorService work;
  @Inject @Bounded private ManagedScheduledExecutorService timer;
  @Inject @Bounded private ManagedThreadFactory threads;
  @Inject private Settings settings;

  private final List<DirectoryWatch> watches = new ArrayList<>();
  private Servers servers;
  private Groups groups;
  private Optional<ServersFile> file = Optional.empty();
  private Optional<Discovery> discovery = Optional.empty();

  /** Reads the servers file and the fragments and starts watching both. */
  @PostConstruct
  void open() {
    Supervision supervision =
        new Supervision(
            upstreams,
            events,
            work,
            timer,
            new Backoff(() -> ThreadLocalRandom.current().nextDouble()));
    servers = new Servers(supervision);
    groups = new Groups(servers, supervision);
    Variables variables =
        Variables.from(
            name ->
                Optional.ofNullable(System.getenv(name))
                    .or(() -> Optional.ofNullable(System.getProperty(name))));
    String path = settings.text(Setting.SERVERS_FILE);
    if (!path.isEmpty()) {
      ServersFile read =
          new ServersFile(Path.of(path).toAbsolutePath(), servers, groups, supervision, variables);
      String before = read.fingerprint();
      read.load("startup");
      file = Optional.of(read);
      watches.add(
          new DirectoryWatch(
              directoryOf(read.path()),
              before,
              read::fingerprint,
              () -> read.reloadIfChanged("watch"),
              threads));
    }
    String directory = settings.text(Setting.DISCOVERY_DIR);
    if (!directory.isEmpty()) {
      Discovery source =
          new Discovery(Path.of(directory).toAbsolutePath(), servers, supervision, variables);
      String before = source.fingerprint();
      source.scan();
      discovery = Optional.of(source);
      watches.add(
          new DirectoryWatch(
              source.directory(),
              before,
              source::fingerprint,
              () -> LOG.log(System.Logger.Level.DEBUG, "scan {0}", source.rescan()),
              threads));
    }
    LOG.log(
        System.Logger.Level.INFO,
        "SLUICE-0200: "
            + servers.list().size()
            + " servers registered"
            + file.map(f -> " from " + f.path()).orElse(" (sluice.servers.file is not set)"));
  }

  private static Path directoryOf(Path file) {
    Path parent = file.getParent();
    return parent == null ? file : parent;
  }

  /** Stops watching and ends all children, in parallel and with a deadline. */
  @PreDestroy
  void close() {
    watches.forEach(DirectoryWatch::close);
    try {
      servers.shutdown().get(SHUTDOWN_SECONDS, TimeUnit.SECONDS);
    } catch (InterruptedException interrupted) {
      Thread.currentThread().interrupt();
    } catch (ExecutionException | TimeoutException late) {
      LOG.log(
          System.Logger.Level.WARNING,
          "SLUICE-0208: Not all servers had ended " + SHUTDOWN_SECONDS + " s after the shutdown",
          late);
    }
  }

  /**
   * Health → circuit breaker → groups: each reaction is idempotent and looks at what is true now.
   */
  public void react(@ObservesAsync RecordedEvent recorded) {
    servers.on(recorded);
    groups.on(recorded);
    discovery.ifPresent(d -> d.on(recorded.event()));
  }

  /** The servers. */
  public Servers servers() {
    return servers;
  }

  /** Totals for system pages, readiness and metrics. */
  public ServersSummary summary() {
    return servers.summary();
  }

  /** The groups. */
  public Groups groups() {
    return groups;
  }

  /** The servers file, if the hub has one. */
  public Optional<ServersFile> file() {
    return file;
  }

  /** Discovery, if the hub has a directory to look into. */
  public Optional<Discovery> discovery() {
    return discovery;
  }
}
