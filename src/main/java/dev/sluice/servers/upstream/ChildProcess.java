package dev.sluice.servers.upstream;

import dev.sluice.servers.ServerId;
import java.io.IOException;
import java.io.InputStream;
import java.lang.System.Logger;
import java.lang.System.Logger.Level;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.time.Instant;
import java.util.HashSet;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ThreadFactory;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.stream.Collectors;
import java.util.stream.Stream;

/**
 * One child and the tree it grows: its three streams, each with a thread of its own, its exit, and
 * its end. Life: started by {@link Supervisor}, then running, then exited (by itself or by {@link
 * #stop}), then gone when the last process of its tree is.
 */
final class ChildProcess {

  /** Longest line of standard output: one message. */
  static final int MAX_LINE = 16 << 20;

  private static final Logger LOG = System.getLogger(ChildProcess.class.getName());

  private static final int KEEP_OF_TOO_LONG = 200;
  private static final Duration DRAIN = Duration.ofMillis(500);
  private static final Duration LOOK_AGAIN = Duration.ofMillis(50);

  /** How long each step of an end may take. */
  record Patience(Duration afterClose, Duration afterTerm, Duration afterKill) {
    static final Patience DEFAULT =
        new Patience(Duration.ofSeconds(2), Duration.ofSeconds(3), Duration.ofSeconds(2));
  }

  /** Where output goes; called by the reading threads. */
  interface Output {
    /** One line of standard output. */
    void stdout(byte[] line);

    /** A line of standard output over the limit was skipped. */
    void skipped(String head, long length);

    /** One line of standard error. */
    void stderr(String line);

    /** It has ended and its output has been read; exactly once. */
    void exited(Exit exit);
  }

  private final ServerId server;
  private final String marker;
  private final boolean ownSession;
  private final Process process;
  private final long startTicks;
  private final Instant startedAt = Instant.now();
  private final Patience patience;
  private final Output output;
  private final InputQueue input = new InputQueue();
  private final CompletableFuture<Void> stdoutRead = new CompletableFuture<>();
  private final CompletableFuture<Void> stderrRead = new CompletableFuture<>();
  private final CompletableFuture<Exit> exited = new CompletableFuture<>();
  private final CompletableFuture<Void> gone = new CompletableFuture<>();
  private final Set<ProcessHandle> seen = new HashSet<>(); // guarded by itself

  ChildProcess(
      ServerId server,
      String marker,
      boolean ownSession,
      Process process,
      Patience patience,
      Output output) {
    this.server = server;
    this.marker = marker;
    this.ownSession = ownSession;
    this.process = process;
    this.startTicks =
        ProcessTable.entry(Long.toString(process.pid()))
            .map(ProcessTable.Entry::startTicks)
            .orElse(-1L);
    this.patience = patience;
    this.output = output;
  }

  /** Starts the threads. */
  void run(ThreadFactory threads) {
    thread(threads, "stdout", this::readStdout);
    thread(threads, "stderr", this::readStderr);
    thread(threads, "stdin", () -> input.drainTo(process.getOutputStream()));
    // What follows an exit may take seconds: it gets a thread of its own, not one of the JDK's
    // pool.
    CompletableFuture<Void> unused =
        process.onExit().thenRun(() -> thread(threads, "exit", this::afterExit));
  }

  /** Ends it at once because its threads could not be started. */
  void abandon() {
    input.end();
    process.descendants().forEach(ProcessHandle::destroyForcibly);
    process.destroyForcibly();
    exited.complete(new Exit(128 + 9));
    stdoutRead.complete(null);
    stderrRead.complete(null);
    gone.complete(null);
  }

  private void thread(ThreadFactory threads, String stream, Runnable task) {
    Thread thread = threads.newThread(task);
    thread.setName("sluice-" + server + "-" + stream);
    thread.setDaemon(true);
    thread.start();
  }

  private void readStdout() {
    read(
        process.getInputStream(),
        MAX_LINE,
        new LineReader.Sink() {
          @Override
          public void line(byte[] line) {
            output.stdout(line);
          }

          @Override
          public void tooLong(byte[] head, long length) {
            LOG.log(
                Level.WARNING,
                "SLUICE-0301: {0} wrote a line of {1} bytes, more than {2}; it was skipped",
                server,
                length,
                MAX_LINE);
            output.skipped(new String(head, StandardCharsets.UTF_8), length);
          }
        },
        stdoutRead);
  }

  private void readStderr() {
    read(
        process.getErrorStream(),
        LogRing.MAX_LINE_BYTES,
        new LineReader.Sink() {
          @Override
          public void line(byte[] line) {
            output.stderr(new String(line, StandardCharsets.UTF_8));
          }

          @Override
          public void tooLong(byte[] head, long length) {
            output.stderr(
                new String(head, StandardCharsets.UTF_8) + " … (" + length + " bytes, cut)");
          }
        },
        stderrRead);
  }

  private void read(
      InputStream stream, int maxLine, LineReader.Sink sink, CompletableFuture<Void> finished) {
    int keep = maxLine == MAX_LINE ? KEEP_OF_TOO_LONG : maxLine;
    try (stream) {
      new LineReader(stream, maxLine, keep).readAll(sink);
    } catch (IOException broken) {
      // Reading fails when the stream is closed at the child's end; its exit is told separately.
      LOG.log(Level.DEBUG, "reading of {0} ended: {1}", server, broken.getMessage());
    } catch (RuntimeException | Error defect) {
      // Nobody reads this child any more: it would look well and answer nothing.
      LOG.log(
          Level.ERROR,
          "SLUICE-0309: what " + server + " wrote could not be taken; its process is ended",
          defect);
      process.destroy();
    } finally {
      finished.complete(null);
    }
  }

  private void afterExit() {
    Exit exit = new Exit(process.exitValue());
    input.end();
    // Somebody the child left behind may hold its output open: then what is there has been read
    // long before this wait is over.
    await(CompletableFuture.allOf(stdoutRead, stderrRead), DRAIN);
    output.exited(exit);
    exited.complete(exit);
    try {
      endTree(Duration.ZERO);
    } finally {
      gone.complete(null);
    }
  }

  /** Writes one line, its end included, in the order of the calls; never blocks. */
  CompletableFuture<Void> write(byte[] line) {
    return input.offer(line);
  }

  /** Completes when it has ended and its output has been read. */
  CompletableFuture<Exit> exited() {
    return exited;
  }

  /** Completes when the last process of its tree has ended, or was given up. */
  CompletableFuture<Void> gone() {
    return gone;
  }

  /**
   * Closes its input, waits, TERM to the tree, waits, KILL to the tree; blocks until it is gone.
   */
  void stop() {
    Set<ProcessHandle> before = tree().collect(Collectors.toSet());
    LOG.log(Level.DEBUG, "ending {0}: {1} processes", server, before.size());
    input.end();
    if (!await(exited, patience.afterClose)) {
      endTree(patience.afterTerm);
    }
    await(gone, patience.afterTerm.plus(patience.afterKill).plus(DRAIN));
  }

  /** TERM, wait, KILL; a child that has exited leaves only those it left behind. */
  private void endTree(Duration grace) {
    Duration wait = grace.isZero() ? patience.afterTerm : grace;
    boolean gaveUp = !signal(wait, false) && !signal(patience.afterKill, true);
    if (gaveUp && !Thread.currentThread().isInterrupted()) {
      LOG.log(
          Level.WARNING,
          "SLUICE-0302: processes of {0} outlive KILL: {1}",
          server,
          tree().map(ProcessHandle::pid).toList());
    }
  }

  /** Signals the tree until nothing of it is left or the time is over; true if nothing is left. */
  private boolean signal(Duration limit, boolean kill) {
    long deadline = System.nanoTime() + limit.toNanos();
    Set<ProcessHandle> asked = new HashSet<>();
    while (true) {
      Set<ProcessHandle> left = tree().collect(Collectors.toSet());
      if (left.isEmpty()) {
        return true;
      }
      for (ProcessHandle member : left) {
        if (kill) {
          member.destroyForcibly();
        } else if (asked.add(member)) {
          member.destroy();
        }
      }
      long rest = deadline - System.nanoTime();
      if (rest <= 0 || Thread.currentThread().isInterrupted()) {
        return false;
      }
      await(
          CompletableFuture.allOf(
              left.stream().map(ProcessHandle::onExit).toArray(CompletableFuture<?>[]::new)),
          Duration.ofNanos(Math.min(rest, LOOK_AGAIN.toNanos())));
    }
  }

  /**
   * Who lives of the tree. What was once seen stays in it: a process whose parent has died can no
   * longer be found from above.
   */
  private Stream<ProcessHandle> tree() {
    Set<ProcessHandle> found = new HashSet<>();
    if (process.isAlive()) {
      found.add(process.toHandle());
      process.descendants().forEach(found::add);
    }
    if (ProcessTable.available()) {
      ProcessTable table = ProcessTable.read();
      table.tree(process.pid(), startTicks, ownSession, marker).stream()
          .map(table::handle)
          .flatMap(Optional::stream)
          .forEach(found::add);
    }
    synchronized (seen) {
      seen.addAll(found);
      seen.removeIf(member -> !ProcessTable.living(member));
      return Set.copyOf(seen).stream();
    }
  }

  private static boolean await(CompletableFuture<?> what, Duration limit) {
    try {
      what.get(limit.toMillis(), TimeUnit.MILLISECONDS);
      return true;
    } catch (TimeoutException late) {
      return false;
    } catch (InterruptedException interrupted) {
      Thread.currentThread().interrupt();
      return what.isDone();
    } catch (ExecutionException failed) {
      return true;
    }
  }

  /** Whose child it is. */
  ServerId server() {
    return server;
  }

  /** Process id of the child itself. */
  long pid() {
    return process.pid();
  }

  /** Whether the child itself runs. */
  boolean alive() {
    return process.isAlive();
  }

  /** When it was started. */
  Instant startedAt() {
    return startedAt;
  }

  /** Messages waiting to be written. */
  int queued() {
    return input.depth();
  }

  /** Completes when its output has ended: later than it, if somebody left its tree with it open. */
  CompletableFuture<Void> outputEnded() {
    return CompletableFuture.allOf(stdoutRead, stderrRead);
  }

  /**
   * Process ids of its tree, from a look at all processes; only itself where that is not to be had.
   */
  Set<Long> tree(ProcessTable table) {
    Set<Long> pids = new HashSet<>(table.tree(pid(), startTicks, ownSession, marker));
    if (alive()) {
      pids.add(pid());
    }
    return pids;
  }
}
