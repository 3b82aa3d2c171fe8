package dev.sluice.relay;

import java.util.Collections;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.OptionalInt;

/**
 * How much each session of a {@link SharedChild} wants to be logged; the child logs as much as the
 * one that wants most. Grades are places in {@link #NAMES}. Any thread may call; nothing blocks.
 */
final class LogLevels {

  /** The levels of MCP (RFC 5424), the most verbose first. */
  static final List<String> NAMES =
      List.of("debug", "info", "notice", "warning", "error", "critical", "alert", "emergency");

  private final Map<SharedMember, Integer> wanted = new HashMap<>();
  private int asked = -1;

  /** Notes what one wants; what the server is to be asked for now, empty if that was done. */
  synchronized OptionalInt set(SharedMember member, int grade) {
    wanted.put(member, grade);
    return change();
  }

  /** Forgets one that leaves; what the server is to be asked for now, empty if nothing changes. */
  synchronized OptionalInt remove(SharedMember member) {
    wanted.remove(member);
    return wanted.isEmpty() ? OptionalInt.empty() : change();
  }

  private OptionalInt change() {
    int most = Collections.min(wanted.values());
    if (most == asked) {
      return OptionalInt.empty();
    }
    asked = most;
    return OptionalInt.of(most);
  }

  /** What the server was asked for last; -1 before that. */
  synchronized int asked() {
    return asked;
  }

  /** Whether this one wants messages of that grade; of what is no grade, everybody does. */
  synchronized boolean wants(SharedMember member, int grade) {
    return grade < 0 || grade >= wanted.getOrDefault(member, 0);
  }
}
