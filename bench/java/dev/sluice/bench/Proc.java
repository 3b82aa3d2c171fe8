package dev.sluice.bench;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.List;

/** What {@code /proc} says about a process. */
final class Proc {

  private static final double TICKS_PER_SECOND = 100; // what Linux shows, whatever it counts in

  private Proc() {}

  /** Processor time of a process, and of what lives below it. */
  record Cpu(double own, double below) {
    Cpu since(Cpu before) {
      return new Cpu(own - before.own, below - before.below);
    }
  }

  static Cpu cpu(long pid) throws IOException {
    double below = 0;
    List<Long> children =
        ProcessHandle.of(pid).stream()
            .flatMap(ProcessHandle::descendants)
            .map(ProcessHandle::pid)
            .toList();
    for (long child : children) {
      below += seconds(child);
    }
    return new Cpu(seconds(pid), below);
  }

  private static double seconds(long pid) throws IOException {
    String stat;
    try {
      stat = Files.readString(Path.of("/proc/" + pid + "/stat"));
    } catch (NoSuchFileException ended) {
      return 0;
    }
    String[] fields = stat.substring(stat.lastIndexOf(')') + 2).split(" ");
    return (Long.parseLong(fields[11]) + Long.parseLong(fields[12])) / TICKS_PER_SECOND;
  }

  static int threads(long pid) throws IOException {
    return (int) status(pid, "Threads:");
  }

  /** Resident memory in bytes. */
  static long resident(long pid) throws IOException {
    return 1024 * status(pid, "VmRSS:");
  }

  private static long status(long pid, String field) throws IOException {
    for (String line : Files.readAllLines(Path.of("/proc/" + pid + "/status"))) {
      if (line.startsWith(field)) {
        return Long.parseLong(line.replaceAll("\\D", ""));
      }
    }
    throw new IOException("no " + field + " for process " + pid);
  }
}
