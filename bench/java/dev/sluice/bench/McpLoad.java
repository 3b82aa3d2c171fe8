package dev.sluice.bench;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.channels.SelectionKey;
import java.nio.channels.Selector;
import java.util.ArrayList;
import java.util.List;
import java.util.Queue;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.concurrent.locks.LockSupport;

/** All clients of MCP of a run: one selector thread, so that the hub keeps the processors. */
final class McpLoad implements AutoCloseable {

  private static final int AT_ONCE = 32;
  private static final int OPEN_SECONDS = 60;

  /** How long answers may take once no more calls are made. */
  private static final int ANSWER_SECONDS = 10;

  private interface Step {
    void run() throws IOException;
  }

  private final Selector selector;
  private final Thread thread;
  private final Queue<Step> steps = new ConcurrentLinkedQueue<>();
  private volatile boolean open = true;

  McpLoad() throws IOException {
    selector = Selector.open();
    thread = new Thread(this::run, "mcp-load");
    thread.setDaemon(true);
    thread.start();
  }

  /** Opens sessions, some at once, and waits until all are. */
  List<McpClient> open(McpClient.Target target, int count) throws IOException {
    List<CompletableFuture<McpClient>> opening = new ArrayList<>(count);
    List<McpClient> all = new ArrayList<>(count);
    try {
      for (int i = 0; i < count; i++) {
        if (i >= AT_ONCE) {
          all.add(opened(opening.get(i - AT_ONCE)));
        }
        int index = i;
        opening.add(
            ask(() -> McpClient.open(target, index, selector))
                .thenCompose(client -> client.opened));
      }
      for (int i = all.size(); i < count; i++) {
        all.add(opened(opening.get(i)));
      }
    } catch (IOException failure) {
      close(all);
      throw failure;
    }
    return all;
  }

  private static McpClient opened(CompletableFuture<McpClient> client) throws IOException {
    try {
      return client.orTimeout(OPEN_SECONDS, TimeUnit.SECONDS).join();
    } catch (CompletionException failure) {
      throw new IOException("a session could not be opened", failure.getCause());
    }
  }

  /**
   * Lets every session make one call after the other.
   *
   * @param spreadSeconds in which the sessions begin, one after the other
   */
  CallTally run(List<McpClient> sessions, String tool, double seconds, double spreadSeconds)
      throws IOException {
    long now = System.nanoTime();
    long begin = now + (long) (2 * spreadSeconds * 1e9);
    CallTally tally = new CallTally(tool, begin, begin + (long) (seconds * 1e9));
    CompletableFuture<Void> done = new CompletableFuture<>();
    int[] left = {sessions.size()};
    Runnable idle =
        () -> {
          if (--left[0] == 0) {
            done.complete(null);
          }
        };
    if (spreadSeconds == 0) {
      later(
          () -> {
            for (McpClient session : sessions) {
              session.run(tally, idle);
            }
          });
    } else {
      for (int i = 0; i < sessions.size(); i++) {
        McpClient session = sessions.get(i);
        long due = now + (long) (spreadSeconds * 1e9 * i / sessions.size());
        for (long wait = due - System.nanoTime(); wait > 0; wait = due - System.nanoTime()) {
          LockSupport.parkNanos(wait);
        }
        later(() -> session.run(tally, idle));
      }
    }
    try {
      long millis = (long) (1e3 * (seconds + 2 * spreadSeconds)) + 1_000L * ANSWER_SECONDS;
      done.get(millis, TimeUnit.MILLISECONDS);
    } catch (TimeoutException | java.util.concurrent.ExecutionException late) {
      ask(() -> {
            tally.lost = sessions.stream().filter(McpClient::isWaiting).count();
            return tally;
          })
          .join();
    } catch (InterruptedException stopped) {
      Thread.currentThread().interrupt();
      throw new IOException("interrupted", stopped);
    }
    return tally;
  }

  void close(List<McpClient> sessions) {
    later(() -> sessions.forEach(McpClient::close));
  }

  private interface Question<T> {
    T answer() throws IOException;
  }

  private <T> CompletableFuture<T> ask(Question<T> question) {
    CompletableFuture<T> answer = new CompletableFuture<>();
    later(
        () -> {
          try {
            answer.complete(question.answer());
          } catch (IOException failure) {
            answer.completeExceptionally(failure);
          }
        });
    return answer;
  }

  private void later(Step step) {
    steps.add(step);
    selector.wakeup();
  }

  private void run() {
    try {
      while (open) {
        selector.select();
        for (Step step = steps.poll(); step != null; step = steps.poll()) {
          step.run();
        }
        for (SelectionKey key : selector.selectedKeys()) {
          if (key.isValid()) {
            ((Wire) key.attachment()).ready();
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
