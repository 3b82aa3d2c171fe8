package dev.sluice.servers;

import java.util.Collection;
import java.util.EnumMap;
import java.util.Map;

/**
 * Totals over all servers at one moment.
 *
 * @param total registered servers
 * @param byState how many are in each state; every state has an entry
 * @param tools tools of all ready servers
 * @param invocations tool calls that are over
 * @param failedInvocations of these, the failed ones
 * @param inFlight tool calls that are not over
 * @param waitingStarts starts that wait for a free place
 * @param waitingStops stops that wait for a free place
 */
public record ServersSummary(
    int total,
    Map<ServerState, Integer> byState,
    int tools,
    long invocations,
    long failedInvocations,
    int inFlight,
    int waitingStarts,
    int waitingStops) {

  /** Servers at most. */
  public static final int MAX = ServersDocument.MAX_SERVERS;

  static ServersSummary of(Collection<ServerView> views, int waitingStarts, int waitingStops) {
    Map<ServerState, Integer> byState = new EnumMap<>(ServerState.class);
    for (ServerState state : ServerState.values()) {
      byState.put(state, 0);
    }
    int tools = 0;
    long invocations = 0;
    long failed = 0;
    int inFlight = 0;
    for (ServerView view : views) {
      byState.merge(view.state(), 1, Integer::sum);
      tools += view.tools().size();
      invocations += view.calls().invocations();
      failed += view.calls().failedInvocations();
      inFlight += view.calls().inFlight();
    }
    return new ServersSummary(
        views.size(), byState, tools, invocations, failed, inFlight, waitingStarts, waitingStops);
  }
}
