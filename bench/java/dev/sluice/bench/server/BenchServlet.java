package dev.sluice.bench.server;

import dev.sluice.events.DomainEvent;
import dev.sluice.events.EventSink;
import jakarta.inject.Inject;
import jakarta.servlet.annotation.WebServlet;
import jakarta.servlet.http.HttpServlet;
import jakarta.servlet.http.HttpServletRequest;
import jakarta.servlet.http.HttpServletResponse;
import java.io.IOException;
import java.lang.management.ManagementFactory;
import java.lang.management.ThreadMXBean;
import java.util.Arrays;
import java.util.concurrent.locks.LockSupport;
import javax.management.JMException;
import javax.management.ObjectName;

/**
 * The load program's hand inside the server.
 *
 * <p>{@code /bench/publish?count=&rate=&types=&server=&pad=} publishes through the hub's event sink
 * and answers what that cost, {@code /bench/bare?transport=ws|sse&count=} lets the bare dispatcher
 * send, {@code /bench/length?bytes=} sets the bare string, {@code /bench/memory} collects garbage
 * and answers the heap in use, {@code /bench/allocated} answers how many bytes the threads that
 * live have allocated so far. Answers are lines of {@code name=value}.
 */
@WebServlet({"/bench/publish", "/bench/bare", "/bench/length", "/bench/memory", "/bench/allocated"})
public class BenchServlet extends HttpServlet {

  private static final long serialVersionUID = 1L;

  @Inject private transient EventSink sink;
  @Inject private transient Bare bare;

  @Override
  protected void doGet(HttpServletRequest request, HttpServletResponse response)
      throws IOException {
    String answer =
        switch (request.getServletPath()) {
          case "/bench/publish" -> publish(request);
          case "/bench/bare" -> bare(request);
          case "/bench/length" -> {
            bare.length(number(request, "bytes", 200));
            yield "length=" + bare.text().length() + "\n";
          }
          case "/bench/allocated" -> allocated();
          default -> memory();
        };
    response.setContentType("text/plain");
    response.getWriter().write(answer);
  }

  private String bare(HttpServletRequest request) {
    int count = number(request, "count", 1);
    if ("sse".equals(request.getParameter("transport"))) {
      bare.sse().publish(count);
    } else {
      bare.webSocket().publish(count);
    }
    return "published=" + count + "\n";
  }

  private String publish(HttpServletRequest request) {
    int count = number(request, "count", 1);
    int rate = number(request, "rate", 0);
    String server = text(request, "server", "bench");
    String tool = "x".repeat(number(request, "pad", 4));
    String[] types = text(request, "types", "ToolInvocationCompleted").split(",");
    long[] cost = new long[count];
    ThreadMXBean clock = ManagementFactory.getThreadMXBean();
    String first = "";
    String last = "";
    long start = System.nanoTime();
    long[] work = new long[rate > 0 ? count : 0];
    for (int i = 0; i < count; i++) {
      if (rate > 0) {
        pace(start + i * 1_000_000_000L / rate);
      }
      DomainEvent event = event(types[i % types.length], server, tool, i);
      // On a busy machine the clock also counts whoever was let in between; processor time does
      // not.
      long worked = rate > 0 ? clock.getCurrentThreadCpuTime() : 0;
      long before = System.nanoTime();
      last = sink.publish(event).toString();
      cost[i] = System.nanoTime() - before;
      if (rate > 0) {
        work[i] = clock.getCurrentThreadCpuTime() - worked;
      }
      if (i == 0) {
        first = last;
      }
    }
    long elapsed = System.nanoTime() - start;
    Arrays.sort(cost);
    Arrays.sort(work);
    return "published="
        + count
        + "\nelapsed_ns="
        + elapsed
        + "\ncpu_median_ns="
        + (work.length == 0 ? 0 : work[work.length / 2])
        + "\nmedian_ns="
        + (count == 0 ? 0 : cost[count / 2])
        + "\np99_ns="
        + (count == 0 ? 0 : cost[(int) (count * 0.99)])
        + "\nfirst="
        + first
        + "\nlast="
        + last
        + "\n";
  }

  private static void pace(long due) {
    for (long left = due - System.nanoTime(); left > 0; left = due - System.nanoTime()) {
      LockSupport.parkNanos(left);
    }
  }

  /** The time of publishing travels as the correlation id: one clock for both processes. */
  private static DomainEvent event(String type, String server, String tool, int index) {
    String now = Long.toString(System.nanoTime());
    return switch (type) {
      case "McpServerStateChanged" ->
          new DomainEvent.McpServerStateChanged(server, "cold", "initializing", now);
      case "McpServerStopped" -> new DomainEvent.McpServerStopped(server, now);
      case "HealthCheckPassed" -> new DomainEvent.HealthCheckPassed(server, index);
      default -> new DomainEvent.ToolInvocationCompleted(server, tool, now, 1.25, 2048);
    };
  }

  private static String memory() {
    Runtime runtime = Runtime.getRuntime();
    long used = Long.MAX_VALUE;
    for (int i = 0; i < 4; i++) {
      runtime.gc();
      used = Math.min(used, runtime.totalMemory() - runtime.freeMemory());
    }
    return "heap_bytes=" + used + "\npid=" + ProcessHandle.current().pid() + "\n";
  }

  /** By way of JMX: the class that has the figure is not one that every deployment can see. */
  private static String allocated() {
    ThreadMXBean threads = ManagementFactory.getThreadMXBean();
    try {
      long[] each =
          (long[])
              ManagementFactory.getPlatformMBeanServer()
                  .invoke(
                      ObjectName.getInstance(ManagementFactory.THREAD_MXBEAN_NAME),
                      "getThreadAllocatedBytes",
                      new Object[] {threads.getAllThreadIds()},
                      new String[] {long[].class.getName()});
      return "allocated_bytes=" + Arrays.stream(each).filter(bytes -> bytes > 0).sum() + "\n";
    } catch (JMException unknown) {
      return "allocated_bytes=-1\n";
    }
  }

  private static int number(HttpServletRequest request, String name, int fallback) {
    String text = request.getParameter(name);
    return text == null ? fallback : Integer.parseInt(text);
  }

  private static String text(HttpServletRequest request, String name, String fallback) {
    String text = request.getParameter(name);
    return text == null ? fallback : text;
  }
}
