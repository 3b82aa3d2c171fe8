package dev.sluice.bench;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.ByteBuffer;
import java.nio.channels.SelectionKey;
import java.nio.channels.Selector;
import java.util.ArrayList;
import java.util.List;
import java.util.Queue;
import java.util.concurrent.CompletionException;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.LockSupport;

/** All clients of a run: one selector thread, so that the server keeps the processors. */
final class Load implements AutoCloseable {

  private static final int AT_ONCE = 50;

  private final Selector selector;
  private final Thread thread;
  private final Queue<Connection> arriving = new ConcurrentLinkedQueue<>();
  private volatile boolean open = true;

  Load() throws IOException {
    selector = Selector.open();
    thread = new Thread(this::run, "load");
    thread.setDaemon(true);
    thread.start();
  }

  /**
   * Opens {@code count} connections, at most fifty under way at once, and waits until each is
   * subscribed.
   */
  List<Connection> open(int port, String path, boolean webSocket, int count, int window)
      throws IOException {
    List<Connection> all = new ArrayList<>(count);
    for (int i = 0; i < count; i++) {
      if (i >= AT_ONCE) {
        await(all.get(i - AT_ONCE));
      }
      Connection connection = Connection.open(port, path, webSocket, window);
      all.add(connection);
      arriving.add(connection);
      selector.wakeup();
    }
    for (Connection connection : all) {
      await(connection);
    }
    long deadline = System.nanoTime() + TimeUnit.SECONDS.toNanos(20);
    while (!all.stream().allMatch(connection -> connection.tally.greeted())) {
      if (System.nanoTime() > deadline) {
        throw new IOException("a connection was not greeted within 20 s: " + path);
      }
      LockSupport.parkNanos(1_000_000);
    }
    return all;
  }

  private static void await(Connection connection) throws IOException {
    try {
      connection.opened.orTimeout(20, TimeUnit.SECONDS).join();
    } catch (CompletionException failure) {
      throw new IOException("a connection was refused", failure.getCause());
    }
  }

  private void run() {
    ByteBuffer shared = ByteBuffer.wrap(new byte[1 << 20]);
    try {
      while (open) {
        selector.select();
        for (Connection c = arriving.poll(); c != null; c = arriving.poll()) {
          c.registered(c.channel().register(selector, SelectionKey.OP_CONNECT, c));
        }
        for (SelectionKey key : selector.selectedKeys()) {
          Connection connection = (Connection) key.attachment();
          try {
            if (key.isValid()) {
              connection.ready(shared);
            }
          } catch (IOException failure) {
            connection.opened.completeExceptionally(failure);
            connection.close();
          }
        }
        selector.selectedKeys().clear();
      }
    } catch (IOException failure) {
      throw new UncheckedIOException(failure);
    }
  }

  @Override
  public void close() throws IOException {
    open = false;
    selector.wakeup();
    try {
      thread.join(5_000);
    } catch (InterruptedException stopped) {
      Thread.currentThread().interrupt();
    }
    for (SelectionKey key : selector.keys()) {
      key.channel().close();
    }
    selector.close();
  }
}
