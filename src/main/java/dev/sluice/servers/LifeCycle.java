package dev.sluice.servers;

import dev.sluice.events.DomainEvent;
import dev.sluice.events.EventSink;
import java.time.Instant;
import java.util.EnumMap;
import java.util.Map;
import java.util.Set;

/**
 * The state of one server and the only way to change it. Every change publishes one {@link
 * DomainEvent.McpServerStateChanged} inside the caller's lock, so that events and changes have the
 * same order; publishing never blocks (contract C3).
 *
 * <p>Not thread-safe: its server guards it with its own lock.
 */
final class LifeCycle {

  /** Longest reason in events and views, in characters: a server may have written it. */
  static final int MAX_REASON = 2000;

  /** The legal changes; docs/servers.md has the same table. */
  static final Map<ServerState, Set<ServerState>> LEGAL =
      new EnumMap<>(
          Map.of(
              ServerState.COLD, Set.of(ServerState.INITIALIZING),
              ServerState.INITIALIZING,
                  Set.of(
                      ServerState.READY, ServerState.DEAD, ServerState.DEGRADED, ServerState.COLD),
              ServerState.READY, Set.of(ServerState.COLD, ServerState.DEAD, ServerState.DEGRADED),
              ServerState.DEAD, Set.of(ServerState.INITIALIZING, ServerState.COLD),
              ServerState.DEGRADED, Set.of(ServerState.INITIALIZING, ServerState.COLD)));

  private final ServerId id;
  private final EventSink events;
  private ServerState state = ServerState.COLD;
  private String reason = "not started yet";
  private Instant since = Instant.now();
  private long runs;

  LifeCycle(ServerId id, EventSink events) {
    this.id = id;
    this.events = events;
  }

  /**
   * Changes the state.
   *
   * @param why for people; part of the event, at most {@link #MAX_REASON} characters of it
   * @throws IllegalStateException if the table has no such change: a defect of the caller
   */
  void transition(ServerState to, String why) {
    String reason = cut(why);
    if (!LEGAL.getOrDefault(state, Set.of()).contains(to)) {
      throw new IllegalStateException(
          id + ": no change from " + state.wire() + " to " + to.wire() + " (" + reason + ")");
    }
    String from = state.wire();
    this.state = to;
    this.reason = reason;
    this.since = Instant.now();
    if (to == ServerState.READY) {
      runs++;
    }
    events.publish(new DomainEvent.McpServerStateChanged(id.value(), from, to.wire(), reason));
  }

  /** The text, shortened if it is too long for an event. */
  static String cut(String text) {
    return text.length() <= MAX_REASON ? text : text.substring(0, MAX_REASON - 1) + "…";
  }

  ServerState state() {
    return state;
  }

  /** Whether it failed and waits for its next start. */
  boolean down() {
    return state == ServerState.DEAD || state == ServerState.DEGRADED;
  }

  String reason() {
    return reason;
  }

  Instant since() {
    return since;
  }

  /** How often it became ready. */
  long runs() {
    return runs;
  }
}
