package dev.sluice.bench.server;

import java.util.Queue;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.ThreadFactory;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.Consumer;

/**
 * The dispatch loop to compare with: it knows nothing but how often each client still gets the
 * prepared message.
 *
 * <p>One message in flight per client, one thread per processor, the platform's class loader on
 * each (Tyrus captures the whole web-application context on every send otherwise). A completion
 * that comes inline continues the loop; a later one hands the client back to its thread.
 */
final class BareDispatch {

  private static final int TURN = 64;

  private final BlockingQueue<Lane>[] ready;
  private final Thread[] threads;
  private final Queue<Lane> lanes = new ConcurrentLinkedQueue<>();
  private final AtomicInteger next = new AtomicInteger();
  private volatile boolean open = true;

  BareDispatch(ThreadFactory factory) {
    int count = Math.min(8, Runtime.getRuntime().availableProcessors());
    @SuppressWarnings({"unchecked", "rawtypes"}) // an array of a generic type
    BlockingQueue<Lane>[] queues = new BlockingQueue[count];
    ready = queues;
    threads = new Thread[count];
    for (int i = 0; i < count; i++) {
      ready[i] = new LinkedBlockingQueue<>(65_536);
      BlockingQueue<Lane> mine = ready[i];
      threads[i] = factory.newThread(() -> run(mine));
      threads[i].start();
    }
  }

  /**
   * Adds a client and greets it; {@code send} starts one message, the greeting first, and runs its
   * argument when it is written.
   */
  Lane add(Consumer<Runnable> send) {
    int index = Math.floorMod(next.getAndIncrement(), ready.length);
    Lane lane = new Lane(send, ready[index]);
    lanes.add(lane);
    lane.more(1);
    return lane;
  }

  void remove(Lane lane) {
    lanes.remove(lane);
  }

  /** Lets every client have {@code count} more messages. */
  void publish(int count) {
    for (Lane lane : lanes) {
      lane.more(count);
    }
  }

  void close() {
    open = false;
    for (Thread thread : threads) {
      thread.interrupt();
    }
  }

  private void run(BlockingQueue<Lane> mine) {
    Thread.currentThread().setContextClassLoader(ClassLoader.getPlatformClassLoader());
    while (open) {
      try {
        mine.take().turn();
      } catch (InterruptedException stopped) {
        Thread.currentThread().interrupt();
        return;
      }
    }
  }

  /** One client. */
  static final class Lane {
    private static final int BUSY = 1;
    private static final int INLINE = 2;
    private static final int LATER = 3;

    private final Consumer<Runnable> send;
    private final BlockingQueue<Lane> thread;
    private final AtomicInteger due = new AtomicInteger();
    private final AtomicInteger flight = new AtomicInteger();
    private final Runnable done = this::done;

    Lane(Consumer<Runnable> send, BlockingQueue<Lane> thread) {
      this.send = send;
      this.thread = thread;
    }

    private void more(int count) {
      if (due.getAndAdd(count) == 0) {
        thread.add(this);
      }
    }

    private void turn() {
      for (int i = 0; i < TURN; i++) {
        flight.set(BUSY);
        send.accept(done);
        if (flight.compareAndSet(BUSY, LATER)) {
          return;
        }
        if (due.decrementAndGet() == 0) {
          return;
        }
      }
      thread.add(this);
    }

    private void done() {
      if (flight.compareAndSet(BUSY, INLINE)) {
        return;
      }
      if (due.decrementAndGet() > 0) {
        thread.add(this);
      }
    }
  }
}
