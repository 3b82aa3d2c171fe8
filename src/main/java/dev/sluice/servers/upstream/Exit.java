package dev.sluice.servers.upstream;

import java.util.Map;

/**
 * How a child ended.
 *
 * @param code its exit code; 128 and the signal's number if a signal ended it
 */
record Exit(int code) {

  private static final Map<Integer, String> SIGNALS =
      Map.ofEntries(
          Map.entry(1, "SIGHUP"),
          Map.entry(2, "SIGINT"),
          Map.entry(3, "SIGQUIT"),
          Map.entry(4, "SIGILL"),
          Map.entry(5, "SIGTRAP"),
          Map.entry(6, "SIGABRT"),
          Map.entry(7, "SIGBUS"),
          Map.entry(8, "SIGFPE"),
          Map.entry(9, "SIGKILL"),
          Map.entry(11, "SIGSEGV"),
          Map.entry(13, "SIGPIPE"),
          Map.entry(14, "SIGALRM"),
          Map.entry(15, "SIGTERM"),
          Map.entry(24, "SIGXCPU"),
          Map.entry(25, "SIGXFSZ"),
          Map.entry(31, "SIGSYS"));

  /** For people: {@code exited with code 3} or {@code ended by SIGKILL (exit code 137)}. */
  String text() {
    String signal = code > 128 ? SIGNALS.get(code - 128) : null;
    if (signal == null) {
      return "exited with code " + code;
    }
    return "ended by " + signal + " (exit code " + code + ")";
  }
}
