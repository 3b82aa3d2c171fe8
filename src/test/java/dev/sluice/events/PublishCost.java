package dev.sluice.events;

import java.io.PrintStream;
import java.lang.management.ManagementFactory;
import java.lang.management.ThreadMXBean;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/**
 * Measures what publishing costs the publisher, in processor time, with 0 and 1000 subscribers; a
 * program, run by hand or by the bench.
 */
final class PublishCost {

  private static final int WARM_UP = 20_000;
  private static final int EVENTS = 20_000;

  private PublishCost() {}

  /** An outlet that takes everything at once. */
  private static final class Sink implements Outlet {
    @Override
    public void send(Frame frame, Consumer<@Nullable Throwable> done) {
      done.accept(null);
    }

    @Override
    public void close(CloseCode code, String reason) {}
  }

  public static void main(String[] args) {
    PrintStream out = new PrintStream(System.out, true, StandardCharsets.UTF_8);
    for (int subscribers : new int[] {0, 1000, 0, 1000}) {
      double[] micros = measure(subscribers);
      out.printf(
          "{\"subscribers\":%d,\"publish_cpu_us_mean\":%.2f,\"publish_wall_us_p50\":%.2f}%n",
          subscribers, micros[0], micros[1]);
    }
  }

  /** Mean processor time and median time of one append, in microseconds. */
  static double[] measure(int subscribers) {
    ThreadMXBean cpu = ManagementFactory.getThreadMXBean();
    try (Journal journal = Journal.inMemory(TestEvents.SETTINGS);
        Fanout fanout = new Fanout(journal, FanoutSettings.DEFAULTS, new TestEvents.Threads())) {
      for (int i = 0; i < subscribers; i++) {
        fanout.subscribeQuietly(SubscribeRequest.EVERYTHING, Fanout.SEES_ALL, new Sink());
      }
      for (int n = 0; n < WARM_UP; n++) {
        journal.append(TestEvents.stopped("math", n));
      }
      long[] times = new long[EVENTS];
      long before = cpu.getCurrentThreadCpuTime();
      for (int n = 0; n < EVENTS; n++) {
        long begin = System.nanoTime();
        journal.append(TestEvents.stopped("math", n));
        times[n] = System.nanoTime() - begin;
      }
      double mean = (cpu.getCurrentThreadCpuTime() - before) / 1000.0 / EVENTS;
      Arrays.sort(times);
      return new double[] {mean, times[EVENTS / 2] / 1000.0};
    }
  }
}
