package dev.sluice.servers.upstream;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;

/**
 * The processes of this machine as Linux shows them under {@code /proc}; empty elsewhere. A process
 * that ends while it is looked at, or that belongs to somebody else, is left out.
 */
final class ProcessTable {

  /** The variable by which a child and all it starts are known. */
  static final String MARKER = "SLUICE_CHILD";

  private static final Path PROC = Path.of("/proc");
  private static final byte[] MARKER_PREFIX = (MARKER + "=").getBytes(StandardCharsets.US_ASCII);

  /** One process; {@code startTicks} since boot tell two users of one number apart. */
  record Entry(long pid, long parent, long session, long startTicks) {}

  private final Map<Long, Entry> entries;

  private ProcessTable(Map<Long, Entry> entries) {
    this.entries = entries;
  }

  /** Whether this system shows its processes this way. */
  static boolean available() {
    return Files.isReadable(PROC.resolve("self/environ"));
  }

  /** Looks at all processes. */
  static ProcessTable read() {
    List<Entry> found = new ArrayList<>();
    if (available()) {
      try (DirectoryStream<Path> directories = Files.newDirectoryStream(PROC, "[1-9]*")) {
        for (Path directory : directories) {
          entry(directory.getFileName().toString()).ifPresent(found::add);
        }
      } catch (IOException unreadable) {
        return new ProcessTable(Map.of());
      }
    }
    return new ProcessTable(found.stream().collect(Collectors.toMap(Entry::pid, e -> e)));
  }

  /** One process; {@code self} for this one. */
  static Optional<Entry> entry(String pid) {
    try {
      String stat =
          Files.readString(PROC.resolve(pid).resolve("stat"), StandardCharsets.ISO_8859_1);
      // "pid (name) state parent group session …": the name may hold anything, blanks and ) too.
      String[] fields = stat.substring(stat.lastIndexOf(')') + 2).split(" ", 21);
      if (fields[0].equals("Z") || fields[0].equals("X")) {
        // It has ended and waits to be collected, in a container without an init for ever.
        return Optional.empty();
      }
      return Optional.of(
          new Entry(
              Long.parseLong(stat.substring(0, stat.indexOf(' '))),
              Long.parseLong(fields[1]),
              Long.parseLong(fields[3]),
              Long.parseLong(fields[19])));
    } catch (IOException | RuntimeException gone) {
      return Optional.empty();
    }
  }

  /** Whether a process runs; one that has ended and was not collected yet does not. */
  static boolean living(ProcessHandle process) {
    return process.isAlive() && (!available() || entry(Long.toString(process.pid())).isPresent());
  }

  /** The marker in a process's environment. */
  static Optional<String> marker(long pid) {
    byte[] environment;
    try {
      environment = Files.readAllBytes(PROC.resolve(Long.toString(pid)).resolve("environ"));
    } catch (IOException gone) {
      return Optional.empty();
    }
    int start = 0;
    for (int i = 0; i <= environment.length; i++) {
      if (i == environment.length || environment[i] == 0) {
        if (startsWith(environment, start, i)) {
          int from = start + MARKER_PREFIX.length;
          return Optional.of(new String(environment, from, i - from, StandardCharsets.ISO_8859_1));
        }
        start = i + 1;
      }
    }
    return Optional.empty();
  }

  private static boolean startsWith(byte[] environment, int from, int to) {
    if (to - from < MARKER_PREFIX.length) {
      return false;
    }
    for (int i = 0; i < MARKER_PREFIX.length; i++) {
      if (environment[from + i] != MARKER_PREFIX[i]) {
        return false;
      }
    }
    return true;
  }

  /** Whether a process sees the same process numbers as this one (no other container's). */
  static boolean sameNamespace(long pid) {
    try {
      return Files.readSymbolicLink(PROC.resolve("self/ns/pid"))
          .equals(Files.readSymbolicLink(PROC.resolve(Long.toString(pid)).resolve("ns/pid")));
    } catch (IOException unknown) {
      return false;
    }
  }

  /** Resident memory in bytes; 0 if the process is gone. */
  static long residentBytes(long pid) {
    try (var lines =
        Files.lines(
            PROC.resolve(Long.toString(pid)).resolve("status"), StandardCharsets.ISO_8859_1)) {
      return lines
          .filter(line -> line.startsWith("VmRSS:"))
          .mapToLong(line -> 1024 * Long.parseLong(line.replaceAll("[^0-9]", "")))
          .findFirst()
          .orElse(0);
    } catch (IOException | java.io.UncheckedIOException gone) {
      return 0;
    }
  }

  /** All processes. */
  Iterable<Entry> all() {
    return entries.values();
  }

  /** Whether this very process lives. */
  boolean alive(long pid, long startTicks) {
    Entry entry = entries.get(pid);
    return entry != null && entry.startTicks() == startTicks;
  }

  /** The process, if it is still the one that was looked at. */
  Optional<ProcessHandle> handle(long pid) {
    Entry seen = entries.get(pid);
    return ProcessHandle.of(pid)
        .filter(
            handle -> entry(Long.toString(pid)).filter(now -> sameProcess(seen, now)).isPresent());
  }

  private static boolean sameProcess(@Nullable Entry one, Entry other) {
    return one != null && one.startTicks() == other.startTicks();
  }

  /** This process and all above it. */
  Set<Long> selfAndAncestors() {
    Set<Long> line = new HashSet<>();
    Entry entry = entries.get(ProcessHandle.current().pid());
    while (entry != null && line.add(entry.pid())) {
      entry = entries.get(entry.parent());
    }
    return line;
  }

  /**
   * The tree of a child: itself, whoever is in the session it leads or carries its marker, and
   * whoever descends from one of these. Once the child has ended its number may be somebody else's:
   * then only the marker counts.
   *
   * @param startTicks of the child, which tell it from a later user of its number; -1 if it had
   *     ended before they could be read
   * @param ownSession whether the child leads a session of its own
   */
  Set<Long> tree(long leader, long startTicks, boolean ownSession, String marker) {
    Set<Long> tree = new HashSet<>();
    Set<Long> never = selfAndAncestors();
    boolean leads = alive(leader, startTicks);
    for (Entry entry : entries.values()) {
      boolean member =
          (leads && (entry.pid() == leader || (ownSession && entry.session() == leader)))
              || marker(entry.pid()).filter(marker::equals).isPresent();
      if (member && !never.contains(entry.pid())) {
        tree.add(entry.pid());
      }
    }
    boolean grown = true;
    while (grown) {
      grown = false;
      for (Entry entry : entries.values()) {
        if (tree.contains(entry.parent()) && !never.contains(entry.pid())) {
          grown |= tree.add(entry.pid());
        }
      }
    }
    return tree;
  }
}
