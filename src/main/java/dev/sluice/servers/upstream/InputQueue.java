package dev.sluice.servers.upstream;

import java.io.IOException;
import java.io.OutputStream;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.List;
import java.util.concurrent.CompletableFuture;

/**
 * What is to be written to a child's standard input: bounded, and written by a thread of its own,
 * so that a child that does not read holds up nobody. Only that thread touches the stream; even
 * closing it would block behind a write.
 */
final class InputQueue {

  /** Messages waiting at most. */
  static final int MAX_MESSAGES = 1_024;

  /** Bytes waiting at most, unless a single message is longer. */
  static final long MAX_BYTES = 32L << 20;

  private static final class Item {
    final byte[] line;
    final CompletableFuture<Void> written;

    Item(byte[] line, CompletableFuture<Void> written) {
      this.line = line;
      this.written = written;
    }
  }

  private final Deque<Item> waiting = new ArrayDeque<>();
  private long bytes;
  private boolean ended;

  /** Hands over one line, its end included; fails at once when full or ended. */
  CompletableFuture<Void> offer(byte[] line) {
    CompletableFuture<Void> written = new CompletableFuture<>();
    synchronized (waiting) {
      if (ended) {
        return CompletableFuture.failedFuture(
            UpstreamException.of(
                UpstreamException.Kind.DISCONNECTED, "the server's input is closed"));
      }
      boolean full =
          waiting.size() >= MAX_MESSAGES || (!waiting.isEmpty() && bytes + line.length > MAX_BYTES);
      if (full) {
        return CompletableFuture.failedFuture(
            UpstreamException.of(
                UpstreamException.Kind.BUSY,
                "the server does not read its input: "
                    + waiting.size()
                    + " messages ("
                    + bytes
                    + " bytes) wait already"));
      }
      waiting.addLast(new Item(line, written));
      bytes += line.length;
      waiting.notifyAll();
    }
    return written;
  }

  /** Nothing more comes; the stream is closed after what waits has been written. */
  void end() {
    synchronized (waiting) {
      ended = true;
      waiting.notifyAll();
    }
  }

  /** Messages waiting. */
  int depth() {
    synchronized (waiting) {
      return waiting.size();
    }
  }

  /** Writes until {@link #end} or until the stream breaks; for the writer thread. */
  void drainTo(OutputStream stdin) {
    try (stdin) {
      while (true) {
        Item item;
        boolean last;
        synchronized (waiting) {
          while (waiting.isEmpty() && !ended) {
            waiting.wait();
          }
          if (waiting.isEmpty()) {
            return;
          }
          item = waiting.removeFirst();
          bytes -= item.line.length;
          last = waiting.isEmpty();
        }
        try {
          stdin.write(item.line);
          if (last) {
            stdin.flush();
          }
        } catch (IOException broken) {
          item.written.completeExceptionally(closedInput());
          throw broken;
        }
        item.written.complete(null);
      }
    } catch (IOException broken) {
      // The child closed its input or ended; its exit says why. What waits can no longer arrive.
      end();
    } catch (InterruptedException stop) {
      end();
      Thread.currentThread().interrupt();
    } finally {
      failWaiting();
    }
  }

  private void failWaiting() {
    List<Item> lost;
    synchronized (waiting) {
      ended = true;
      lost = new ArrayList<>(waiting);
      waiting.clear();
      bytes = 0;
    }
    lost.forEach(item -> item.written.completeExceptionally(closedInput()));
  }

  private static UpstreamException closedInput() {
    return UpstreamException.of(
        UpstreamException.Kind.DISCONNECTED, "the server closed its standard input");
  }
}
