package dev.sluice.servers;

import java.io.IOException;
import java.nio.file.ClosedWatchServiceException;
import java.nio.file.Path;
import java.nio.file.StandardWatchEventKinds;
import java.nio.file.WatchKey;
import java.nio.file.WatchService;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ThreadFactory;
import java.util.concurrent.TimeUnit;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;

/**
 * Tells when files of one directory change, whichever way: written in place, replaced by rename, or
 * swapped by a symbolic link further up. The operating system's events only shorten the wait; a
 * fingerprint taken every {@link #POLL_MS} decides, so that nothing is missed where events are not
 * delivered (network file systems, a directory that is itself replaced).
 *
 * <p>Owns one thread until {@link #close()}.
 */
final class DirectoryWatch implements AutoCloseable {

  private static final System.Logger LOG = System.getLogger(DirectoryWatch.class.getName());

  /** Time between fingerprints without an event. */
  static final long POLL_MS = 2000;

  /** After an event, silence this long before the files are looked at. */
  static final long QUIET_MS = 150;

  /** Events of one burst that are waited for at most, so that a busy directory is looked at. */
  private static final int MAX_BURST = 20;

  private final Path directory;
  private final Supplier<String> fingerprint;
  private final Runnable changed;
  private final Thread thread;
  private final CountDownLatch closing = new CountDownLatch(1);
  private String last;
  private @Nullable WatchService watcher;
  private @Nullable WatchKey key;

  /**
   * Starts watching.
   *
   * @param first the fingerprint from before the files were first read: a change since then counts
   * @param fingerprint sizes and times of the files; on the watch's own thread
   * @param changed called on that thread after a change; hands its work on
   */
  DirectoryWatch(
      Path directory,
      String first,
      Supplier<String> fingerprint,
      Runnable changed,
      ThreadFactory threads) {
    this.directory = directory;
    this.fingerprint = fingerprint;
    this.changed = changed;
    this.last = first;
    this.thread = threads.newThread(this::run);
    this.thread.setName("sluice-watch-" + directory.getFileName());
    this.thread.setDaemon(true);
    this.thread.start();
  }

  private void run() {
    try {
      while (closing.getCount() > 0) {
        look();
        awaitEvent();
      }
    } catch (InterruptedException | ClosedWatchServiceException ended) {
      LOG.log(System.Logger.Level.DEBUG, "watch of {0} ended", directory);
    } finally {
      release();
    }
  }

  /** A failure is told, and the next look may succeed: the watch goes on. */
  private void look() {
    try {
      String now = fingerprint.get();
      if (!now.equals(last) && closing.getCount() > 0) {
        last = now;
        changed.run();
      }
    } catch (RuntimeException failed) {
      LOG.log(
          System.Logger.Level.WARNING,
          "SLUICE-0209: A look at " + directory + " failed; it is tried again",
          failed);
    }
  }

  private void awaitEvent() throws InterruptedException {
    WatchService service = register();
    if (service == null) {
      boolean ended = closing.await(POLL_MS, TimeUnit.MILLISECONDS);
      LOG.log(System.Logger.Level.TRACE, "polling {0}, ended {1}", directory, ended);
      return;
    }
    WatchKey event = service.poll(POLL_MS, TimeUnit.MILLISECONDS);
    for (int i = 0; event != null && i < MAX_BURST; i++) {
      event.pollEvents();
      event.reset();
      event = service.poll(QUIET_MS, TimeUnit.MILLISECONDS);
    }
  }

  /** The service, registered again if the directory was replaced; null while there is none. */
  private @Nullable WatchService register() {
    WatchKey held = key;
    if (held != null && held.isValid()) {
      return watcher;
    }
    release();
    try {
      WatchService service = directory.getFileSystem().newWatchService();
      watcher = service;
      key =
          directory.register(
              service,
              StandardWatchEventKinds.ENTRY_CREATE,
              StandardWatchEventKinds.ENTRY_DELETE,
              StandardWatchEventKinds.ENTRY_MODIFY);
      return service;
    } catch (IOException | UnsupportedOperationException notWatchable) {
      LOG.log(System.Logger.Level.DEBUG, "no events for " + directory + ", polling", notWatchable);
      release();
      return null;
    }
  }

  private void release() {
    WatchService service = watcher;
    watcher = null;
    key = null;
    if (service != null) {
      try {
        service.close();
      } catch (IOException failed) {
        LOG.log(System.Logger.Level.DEBUG, "watch service did not close", failed);
      }
    }
  }

  /** Ends the thread; waits for it a second at most. */
  @Override
  public void close() {
    closing.countDown();
    thread.interrupt();
    try {
      thread.join(1000);
    } catch (InterruptedException interrupted) {
      Thread.currentThread().interrupt();
    }
  }
}
