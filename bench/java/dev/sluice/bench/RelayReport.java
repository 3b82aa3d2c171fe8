package dev.sluice.bench;

import dev.sluice.bench.McpClient.Transport;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Locale;
import java.util.Optional;

/** Collects the figures of the relay, and judges them. */
final class RelayReport {

  /**
   * One round of calls.
   *
   * @param who answers the clients: the hub, a peer, or the echo server itself
   * @param used processor time of its process, and of those below it
   */
  record Call(
      String who, String transport, String upstream, int sessions, CallTally tally, Proc.Cpu used) {

    boolean isDirect() {
      return who.equals("direct");
    }

    boolean isOurs() {
      return who.equals("Sluice");
    }

    /** The other end of its comparison: the same server without anything in between. */
    boolean isBaseOf(Call other) {
      return isDirect() && upstream.equals(other.upstream) && sessions == other.sessions;
    }
  }

  private final boolean wildfly;
  private final List<Call> calls = new ArrayList<>();
  private final List<String> slow = new ArrayList<>();
  private final List<String> large = new ArrayList<>();
  private final List<String> idle = new ArrayList<>();
  private final List<String> notes = new ArrayList<>();
  private final List<String> verdicts = new ArrayList<>();

  RelayReport(boolean wildfly) {
    this.wildfly = wildfly;
  }

  void progress(String line) {
    Bench.LOG.log(System.Logger.Level.INFO, line.replace("{", "'{'"));
  }

  private static String format(String format, Object... values) {
    return String.format(Locale.ROOT, format, values);
  }

  void call(Call call) {
    calls.add(call);
    progress(row(call) + (call.tally.wrong > 0 ? " e.g. " + call.tally.firstWrong : ""));
  }

  private String row(Call call) {
    CallTally tally = call.tally;
    double added =
        calls.stream()
            .filter(base -> base.isBaseOf(call))
            .findFirst()
            .map(base -> tally.micros(0.5) - base.tally.micros(0.5))
            .orElse(Double.NaN);
    return format(
        "| %s | %s | %s | %d | %,.0f | %,.0f | %,.0f | %s | %s | %s | %,d | %,d | %,d |",
        call.who,
        call.transport,
        call.upstream,
        call.sessions,
        tally.rate(),
        tally.micros(0.5),
        tally.micros(0.99),
        call.isDirect() || Double.isNaN(added) ? "" : format("%,.0f", added),
        call.isDirect() ? "" : each(call.used.own(), tally),
        call.isDirect() || call.upstream.equals("HTTP") ? "" : each(call.used.below(), tally),
        tally.wrong,
        tally.strays,
        tally.lost);
  }

  private static String each(double seconds, CallTally tally) {
    // Below nothing: children have ended meanwhile, and their time is not to be had.
    return tally.answered == 0 || seconds < 0
        ? ""
        : format("%,.0f", seconds * 1e6 / tally.answered);
  }

  void noPeers(boolean quick) {
    notes.add(
        quick
            ? "A smoke run measures no peers."
            : "Node is not on this machine, or npm could not install: there are no peers to see.");
    progress(notes.get(notes.size() - 1));
  }

  void failed(String who, String why) {
    notes.add(who + " could not be measured: " + why);
    progress(notes.get(notes.size() - 1));
  }

  void slow(String how, int count, double ideal, CallTally tally, int threads) {
    double part = tally.rate() / ideal;
    slow.add(
        format(
            "| %s | %,d | %,.0f | %.1f %% | %,.1f | %,.1f | %s | %d |",
            how,
            count,
            tally.rate(),
            100 * part,
            tally.micros(0.5) / 1e3,
            tally.micros(0.99) / 1e3,
            threads == 0 ? "" : Integer.toString(threads),
            tally.wrong + tally.strays + tally.lost));
    progress(slow.get(slow.size() - 1) + tally.firstWrong);
    if (threads > 0) {
      verdict(how + ": 500 ms tool, share of the ideal rate", part, 0.99, part >= 0.99);
    }
  }

  void large(String how, CallTally tally, double without, double allocated) {
    large.add(
        format(
            "| %s | %,.0f | %,.0f | %s | %s |",
            how,
            tally.rate(),
            tally.micros(0.5),
            how.startsWith("direct") ? "" : format("%,.0f", tally.micros(0.5) - without),
            allocated < 0 ? "" : format("%.2f", allocated / (1 << 20))));
    progress(large.get(large.size() - 1) + tally.firstWrong);
  }

  void idle(String who, int count, double heap, double resident) {
    idle.add(
        format(
            "| %s | %,d | %s | %,.1f |",
            who, count, heap < 0 ? "" : format("%,.1f", heap / 1024), resident / 1024));
    progress(idle.get(idle.size() - 1));
  }

  private void verdict(String what, double figure, double asked, boolean pass) {
    verdicts.add(format("| %s | %.2f | %.2f | %s |", what, figure, asked, pass ? "PASS" : "MISS"));
  }

  /** Against the better peer on the same transport, in front of the same stdio server. */
  private void judge() {
    for (Transport transport : Transport.values()) {
      Optional<Call> ours = best(transport, 32, true, Comparator.comparing(c -> c.tally.rate()));
      Optional<Call> peer = best(transport, 32, false, Comparator.comparing(c -> c.tally.rate()));
      if (ours.isPresent() && peer.isPresent()) {
        double ratio = ours.get().tally.rate() / peer.get().tally.rate();
        double asked = transport != Transport.WEBSOCKET ? 3 : wildfly ? 1 : 0.6;
        verdict(
            transport.title + ", 32 sessions: calls/s against " + peer.get().who + ", at least",
            ratio,
            asked,
            ratio >= asked);
      }
      Comparator<Call> quicker = Comparator.comparing(call -> -call.tally.micros(0.5));
      ours = best(transport, 1, true, quicker);
      peer = best(transport, 1, false, quicker);
      if (transport != Transport.WEBSOCKET && ours.isPresent() && peer.isPresent()) {
        Call own = ours.get();
        double base =
            calls.stream()
                .filter(call -> call.isBaseOf(own))
                .findFirst()
                .map(call -> call.tally.micros(0.5))
                .orElse(0.0);
        double ratio = (own.tally.micros(0.5) - base) / (peer.get().tally.micros(0.5) - base);
        verdict(
            transport.title + ", 1 session: added p50 against " + peer.get().who + ", at most",
            ratio,
            0.5,
            ratio <= 0.5);
      }
    }
    for (Call call : calls) {
      if (call.isOurs() && call.tally.wrong + call.tally.strays + call.tally.lost > 0) {
        verdict(
            call.transport + ", " + call.sessions + " sessions: wrong, stray and lost answers",
            call.tally.wrong + call.tally.strays + call.tally.lost,
            0,
            false);
      }
    }
  }

  private Optional<Call> best(
      Transport transport, int sessions, boolean ours, Comparator<Call> by) {
    return calls.stream()
        .filter(call -> call.transport.equals(transport.title) && call.sessions == sessions)
        .filter(call -> call.upstream.equals("stdio") && !call.isDirect())
        .filter(call -> call.isOurs() == ours)
        .max(by);
  }

  /** The section, under its heading. */
  String section(String machine) {
    judge();
    StringBuilder out = new StringBuilder();
    out.append("\n## The relay on ").append(wildfly ? "WildFly" : "Payara Micro").append("\n\n");
    out.append(machine).append("\n\n");
    table(out, "| goal | figure | asked | |\n|---|---|---|---|\n", verdicts);
    table(
        out,
        "| who | transport | upstream | sessions | calls/s | p50 µs | p99 µs | added p50 µs |"
            + " CPU µs/call | of its children | wrong | stray | lost |\n"
            + "|---|---|---|---|---|---|---|---|---|---|---|---|---|\n",
        calls.stream().map(this::row).toList());
    notes.forEach(note -> out.append("- ").append(note).append('\n'));
    if (!notes.isEmpty()) {
      out.append('\n');
    }
    table(
        out,
        "| 500 ms tool | at once | calls/s | of the ideal | p50 ms | p99 ms | threads | wrong, stray,"
            + " lost |\n|---|---|---|---|---|---|---|---|\n",
        slow);
    table(
        out,
        "| results of 1 MiB, 1 session | calls/s | p50 µs | added p50 µs | MiB allocated a call |\n"
            + "|---|---|---|---|---|\n",
        large);
    table(
        out,
        "| idle sessions | number | heap KiB each | process grew by KiB each |\n"
            + "|---|---|---|---|\n",
        idle);
    progress(out.toString());
    return out.toString();
  }

  private static void table(StringBuilder out, String head, List<String> rows) {
    if (!rows.isEmpty()) {
      out.append(head);
      rows.forEach(row -> out.append(row).append('\n'));
      out.append('\n');
    }
  }
}
