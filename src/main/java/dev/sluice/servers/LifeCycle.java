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

  LifeCycle(ServerId id, EventSink events) {
    this.id = id;
    this.events = events;
  }

  /**
   * Changes the state.
   *
   * @param reason for people; part of the event
   * @throws IllegalStateException if the table has no such change: a defect of the caller
   */
  void transition(ServerState to, String reason) {
    if (!LEGAL.getOrDefault(state, Set.of()).contains(to)) {
      throw new IllegalStateException(
          id + ": no change from " + state.wire() + " to " + to.wire() + " (" + reason + ")");
    }
    String from = state.wire();
    this.state = to;
    this.reason = reason;
    this.since = Instant.now();
    events.publish(new DomainEvent.McpServerStateChanged(id.value(), from, to.wire(), reason));
  }

  ServerState state() {
    return state;
  }

  String reason() {
    return reason;
  }

  Instant since() {
    return since;
  }
}
