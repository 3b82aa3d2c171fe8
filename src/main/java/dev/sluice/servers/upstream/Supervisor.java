package dev.sluice.servers.upstream;

import dev.sluice.servers.ServerDefinition.Transport.Stdio;
import dev.sluice.servers.ServerId;
import java.io.File;
import java.io.IOException;
import java.lang.System.Logger;
import java.lang.System.Logger.Level;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ThreadFactory;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicLong;
import org.jspecify.annotations.Nullable;

/**
 * The one owner of all child processes: starts them in sessions of their own, marks them, and finds
 * and ends those that a killed hub left behind. Any thread may call.
 *
 * <p>The marker {@code SLUICE_CHILD=<hub>:<server>:<start>} stands in the environment of a child
 * and, inherited, of all it starts; {@code <hub>} is the hub's process id and start time, so that a
 * hub can tell whether the owner still lives. Names and ports play no part.
 */
final class Supervisor {

  /** Children at once. */
  static final int MAX_CHILDREN = 256;

  private static final Logger LOG = System.getLogger(Supervisor.class.getName());

  private static final Duration ORPHAN_TERM = Duration.ofSeconds(2);
  private static final Duration ORPHAN_KILL = Duration.ofSeconds(2);

  private final ThreadFactory threads;
  private final ChildProcess.Patience patience;
  private final String hub = hub();
  private final AtomicLong starts = new AtomicLong();
  private final Map<Long, ChildProcess> children = new ConcurrentHashMap<>();
  private final AtomicInteger readersHeld = new AtomicInteger();
  private final @Nullable String setsid = setsid();

  Supervisor(ThreadFactory threads, ChildProcess.Patience patience) {
    this.threads = threads;
    this.patience = patience;
  }

  private static String hub() {
    return ProcessTable.entry("self")
        .map(self -> self.pid() + "." + self.startTicks())
        .orElseGet(
            () ->
                ProcessHandle.current().pid()
                    + "."
                    + ProcessHandle.current()
                        .info()
                        .startInstant()
                        .map(start -> start.toEpochMilli())
                        .orElse(0L));
  }

  private static @Nullable String setsid() {
    for (String place : new String[] {"/usr/bin/setsid", "/bin/setsid"}) {
      if (Files.isExecutable(Path.of(place))) {
        return place;
      }
    }
    return null;
  }

  /**
   * Starts a child.
   *
   * @throws StartFailure if its command or directory is not there, or the limit of children is
   *     reached
   */
  ChildProcess start(ServerId server, Stdio how, ChildProcess.Output output) {
    awaitPredecessors(server);
    if (children.size() >= MAX_CHILDREN) {
      throw failure(
          "the hub runs " + MAX_CHILDREN + " child processes already",
          "stop servers that are not needed, or raise their sharing",
          null);
    }
    String marker = hub + ":" + server + ":" + starts.incrementAndGet();
    Map<String, String> environment = ChildEnvironment.of(System.getenv(), how.env(), marker);
    File directory = directory(how);
    List<String> command = new ArrayList<>();
    if (setsid != null) {
      // The hub's child is no group leader, so setsid makes the session and becomes the command
      // without a fork: the process id that the hub sees is the session's.
      command.add(setsid);
    }
    command.add(resolve(how.command(), directory, environment));
    command.addAll(how.args());
    ProcessBuilder builder = new ProcessBuilder(command).directory(directory);
    builder.environment().clear();
    builder.environment().putAll(environment);
    Process process;
    try {
      process = builder.start();
    } catch (IOException refused) {
      throw failure(
          "\"" + how.command() + "\" cannot be started: " + refused.getMessage(),
          StartHint.of(how.command(), -1, List.of(String.valueOf(refused.getMessage()))),
          refused);
    }
    ChildProcess child =
        new ChildProcess(server, marker, setsid != null, process, patience, output);
    children.put(child.pid(), child);
    CompletableFuture<Void> unused =
        child
            .gone()
            .thenRun(
                () -> {
                  children.remove(child.pid(), child);
                  readersHeld.incrementAndGet();
                })
            .thenCompose(gone -> child.outputEnded())
            .thenRun(readersHeld::decrementAndGet);
    try {
      child.run(threads);
    } catch (RuntimeException | Error noThreads) {
      child.abandon();
      throw noThreads;
    }
    return child;
  }

  /** What an earlier child of the same server left may still hold its port or its files. */
  private void awaitPredecessors(ServerId server) {
    CompletableFuture<?>[] leaving =
        children.values().stream()
            .filter(child -> child.server().equals(server) && !child.alive())
            .map(ChildProcess::gone)
            .toArray(CompletableFuture<?>[]::new);
    try {
      CompletableFuture.allOf(leaving)
          .get(patience.afterTerm().plus(patience.afterKill()).toMillis(), TimeUnit.MILLISECONDS);
    } catch (TimeoutException | java.util.concurrent.ExecutionException late) {
      LOG.log(Level.DEBUG, "what {0} left behind is still there", server);
    } catch (InterruptedException interrupted) {
      Thread.currentThread().interrupt();
      throw failure("the start was interrupted", "", interrupted);
    }
  }

  private static @Nullable File directory(Stdio how) {
    if (how.cwd().isEmpty()) {
      return null;
    }
    File directory = new File(how.cwd().get());
    if (!directory.isDirectory()) {
      throw failure(
          "the working directory \"" + directory + "\" is not there",
          "set \"cwd\" to a directory that exists, or leave it out",
          null);
    }
    return directory;
  }

  /** The command as an absolute path; what cannot be found is told before anything is started. */
  private static String resolve(
      String command, @Nullable File directory, Map<String, String> environment) {
    if (command.isBlank()) {
      throw failure("\"command\" is empty", "name the program to run", null);
    }
    if (File.separatorChar == '\\') {
      return command; // The system knows its own rules of extensions.
    }
    if (command.contains("/")) {
      Path path = directory == null ? Path.of(command) : directory.toPath().resolve(command);
      if (!Files.exists(path)) {
        throw failure(
            "command not found: " + path, "check the path; a relative one starts at \"cwd\"", null);
      }
      if (Files.isDirectory(path) || !Files.isExecutable(path)) {
        throw failure(
            "permission denied: " + path + " is not executable",
            "make it executable (chmod +x), or run it by its interpreter",
            null);
      }
      return path.toAbsolutePath().toString();
    }
    String search = environment.getOrDefault("PATH", "/usr/local/bin:/usr/bin:/bin");
    for (String place : search.split(File.pathSeparator, -1)) {
      Path path = Path.of(place.isEmpty() ? "." : place, command);
      if (Files.isExecutable(path) && !Files.isDirectory(path)) {
        return path.toAbsolutePath().toString();
      }
    }
    throw failure(
        "command not found: \"" + command + "\" is in no directory of PATH (" + search + ")",
        StartHint.notFound(command),
        null);
  }

  private static StartFailure failure(
      String message, String suggestion, @Nullable Throwable cause) {
    return new StartFailure(message, Optional.empty(), List.of(), suggestion, cause);
  }

  /**
   * Ends the processes that carry the marker of a hub that no longer lives; blocks until they are
   * gone, four seconds at most.
   *
   * @return how many there were; always 0 on systems without {@code /proc}
   */
  int endOrphans() {
    Set<ProcessHandle> orphans = new HashSet<>();
    long termUntil = System.nanoTime() + ORPHAN_TERM.toNanos();
    long killUntil = termUntil + ORPHAN_KILL.toNanos();
    while (true) {
      List<ProcessHandle> living = orphans();
      if (living.isEmpty()) {
        return orphans.size();
      }
      boolean kill = System.nanoTime() > termUntil;
      for (ProcessHandle orphan : living) {
        if (kill) {
          orphan.destroyForcibly();
        } else if (orphans.add(orphan)) {
          LOG.log(
              Level.INFO,
              "SLUICE-0300: ending process {0}, left by a hub that is gone ({1})",
              Long.toString(orphan.pid()),
              ProcessTable.marker(orphan.pid()).orElse("?"));
          orphan.destroy();
        }
      }
      if (System.nanoTime() > killUntil) {
        LOG.log(
            Level.WARNING,
            "SLUICE-0303: orphans outlive KILL: {0}",
            living.stream().map(ProcessHandle::pid).toList());
        return orphans.size();
      }
      CompletableFuture<?> all =
          CompletableFuture.allOf(
              living.stream().map(ProcessHandle::onExit).toArray(CompletableFuture<?>[]::new));
      try {
        all.get(100, TimeUnit.MILLISECONDS);
      } catch (TimeoutException | java.util.concurrent.ExecutionException lookAgain) {
        LOG.log(Level.DEBUG, "{0} orphans still live", living.size());
      } catch (InterruptedException interrupted) {
        Thread.currentThread().interrupt();
        return orphans.size();
      }
    }
  }

  private static List<ProcessHandle> orphans() {
    if (!ProcessTable.available()) {
      return List.of();
    }
    ProcessTable table = ProcessTable.read();
    Set<Long> never = table.selfAndAncestors();
    List<ProcessHandle> orphans = new ArrayList<>();
    for (ProcessTable.Entry entry : table.all()) {
      if (never.contains(entry.pid())) {
        continue;
      }
      Optional<String> marker = ProcessTable.marker(entry.pid());
      // A hub in another container counts its processes by itself: its number means nothing here.
      if (marker.isPresent()
          && ownerGone(marker.get(), table)
          && ProcessTable.sameNamespace(entry.pid())) {
        ProcessHandle.of(entry.pid()).filter(ProcessHandle::isAlive).ifPresent(orphans::add);
      }
    }
    return orphans;
  }

  private static boolean ownerGone(String marker, ProcessTable table) {
    int dot = marker.indexOf('.');
    int colon = marker.indexOf(':');
    if (dot < 1 || colon < dot) {
      return false;
    }
    try {
      return !table.alive(
          Long.parseLong(marker.substring(0, dot)),
          Long.parseLong(marker.substring(dot + 1, colon)));
    } catch (NumberFormatException notOurs) {
      return false;
    }
  }

  /**
   * Children that are gone and whose output somebody outside of their trees holds open: a thread
   * each waits for its end.
   */
  int readersHeld() {
    return readersHeld.get();
  }

  /** The children that run, or whose trees are being ended. */
  List<ChildProcess> children() {
    return List.copyOf(children.values());
  }
}
