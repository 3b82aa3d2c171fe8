package dev.sluice.it;

import com.sun.management.UnixOperatingSystemMXBean;
import com.sun.tools.attach.VirtualMachine;
import java.lang.management.ManagementFactory;
import java.lang.management.MemoryMXBean;
import java.lang.management.ThreadInfo;
import java.lang.management.ThreadMXBean;
import java.util.Map;
import java.util.TreeMap;
import javax.management.MBeanServerConnection;
import javax.management.ObjectName;
import javax.management.remote.JMXConnector;
import javax.management.remote.JMXConnectorFactory;
import javax.management.remote.JMXServiceURL;

/** What a hub's process holds, read over JMX after a full collection. */
final class Footprint {

  /** Reads one process, again and again over one connection. */
  static final class Gauge implements AutoCloseable {
    private final ProcessHandle process;
    private final JMXConnector connector;

    Gauge(ProcessHandle process) throws Exception {
      this.process = process;
      VirtualMachine machine = VirtualMachine.attach(Long.toString(process.pid()));
      try {
        connector =
            JMXConnectorFactory.connect(new JMXServiceURL(machine.startLocalManagementAgent()));
      } finally {
        machine.detach();
      }
    }

    Footprint read() throws Exception {
      return new Footprint(process, connector.getMBeanServerConnection());
    }

    @Override
    public void close() throws java.io.IOException {
      connector.close();
    }
  }

  /** Child processes and theirs. */
  final long processes;

  final long descriptors;

  /** Bytes. */
  final long heap;

  /** Names without their numbers, and how many threads have each. */
  final Map<String, Long> threads = new TreeMap<>();

  /** Classes, and how many objects there are of each. */
  final Map<String, Long> objects = new TreeMap<>();

  private Footprint(ProcessHandle process, MBeanServerConnection beans) throws Exception {
    MemoryMXBean memory =
        ManagementFactory.newPlatformMXBeanProxy(
            beans, ManagementFactory.MEMORY_MXBEAN_NAME, MemoryMXBean.class);
    memory.gc();
    processes = process.descendants().count();
    descriptors =
        ManagementFactory.newPlatformMXBeanProxy(
                beans,
                ManagementFactory.OPERATING_SYSTEM_MXBEAN_NAME,
                UnixOperatingSystemMXBean.class)
            .getOpenFileDescriptorCount();
    ThreadMXBean all =
        ManagementFactory.newPlatformMXBeanProxy(
            beans, ManagementFactory.THREAD_MXBEAN_NAME, ThreadMXBean.class);
    for (ThreadInfo thread : all.getThreadInfo(all.getAllThreadIds())) {
      if (thread != null) {
        threads.merge(thread.getThreadName().replaceAll("[0-9]+", "#"), 1L, Long::sum);
      }
    }
    String histogram =
        (String)
            beans.invoke(
                new ObjectName("com.sun.management:type=DiagnosticCommand"),
                "gcClassHistogram",
                new Object[] {new String[0]},
                new String[] {String[].class.getName()});
    for (String line : histogram.split("\n")) {
      String[] columns = line.trim().split("\\s+"); // number, instances, bytes, class, module
      if (columns.length >= 4 && columns[0].endsWith(":")) {
        objects.merge(columns[3], Long.parseLong(columns[1]), Long::sum);
      }
    }
    heap = memory.getHeapMemoryUsage().getUsed();
  }

  /** How much more of each there is than before, where that is more than the bound. */
  static Map<String, Long> grown(Map<String, Long> before, Map<String, Long> after, long bound) {
    Map<String, Long> grown = new TreeMap<>();
    after.forEach(
        (name, count) -> {
          long more = count - before.getOrDefault(name, 0L);
          if (more > bound) {
            grown.put(name, more);
          }
        });
    return grown;
  }
}
