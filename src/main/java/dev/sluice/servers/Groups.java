package dev.sluice.servers;

import dev.sluice.events.DomainEvent;
import dev.sluice.events.RecordedEvent;
import dev.sluice.rest.ApiException;
import dev.sluice.servers.GroupDefinition.Member;
import jakarta.json.JsonObject;
import java.time.Duration;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.concurrent.ConcurrentSkipListMap;

/**
 * All groups by id, at most {@link ServersDocument#MAX_GROUPS}. Learns from the other registries'
 * events; as these come in any order, an event only says which server to look at again, and one
 * that is older than the last of the same server and kind is ignored.
 */
public final class Groups {

  /** Refusals of a call that never went out to the member. */
  private static final Set<String> NEVER_SENT =
      Set.of(
          "server_start_failed",
          "server_backing_off",
          "server_stopped",
          "server_restarting",
          "too_many_calls");

  private final Map<String, Group> all = new ConcurrentSkipListMap<>();
  private final NewestSeen probes = new NewestSeen();
  private final Servers servers;
  private final Supervision supervision;

  Groups(Servers servers, Supervision supervision) {
    this.servers = servers;
    this.supervision = supervision;
  }

  /** Groups now. */
  public int count() {
    return all.size();
  }

  List<Group> list() {
    return List.copyOf(all.values());
  }

  /**
   * The group of that name.
   *
   * @throws ApiException 404
   */
  Group get(String id) {
    Group group = id.length() > 64 ? null : all.get(id);
    if (group == null) {
      throw ApiException.notFound(
          "group_not_found",
          "There is no group \"" + (id.length() <= 80 ? id : id.substring(0, 80) + "…") + "\".");
    }
    return group;
  }

  /**
   * Creates a group.
   *
   * @throws ApiException 409 if the id is taken, 429 at the limit
   */
  Group add(GroupDefinition definition) {
    Group group = new Group(definition, supervision.events());
    synchronized (all) {
      if (all.containsKey(definition.id())) {
        throw ApiException.conflict(
            "group_exists",
            "There is a group \"" + definition.id() + "\" already; PUT replaces it.");
      }
      if (all.size() >= ServersDocument.MAX_GROUPS) {
        throw ApiException.tooMany(
            "too_many_groups",
            "The hub has " + all.size() + " groups, at most " + ServersDocument.MAX_GROUPS + ".",
            Duration.ofMinutes(1));
      }
      all.put(definition.id(), group);
      group.open();
    }
    refresh(group, "started");
    return group;
  }

  /** Gives a group another definition. */
  void replace(Group group, GroupDefinition definition) {
    group.redefine(definition);
    refresh(group, "started");
  }

  /** Gives a group other settings; its members stay. */
  void replaceSettings(Group group, GroupDefinition definition) {
    group.redefineSettings(definition);
    refresh(group, "started");
  }

  /**
   * Adds a member.
   *
   * @throws ApiException 409 if it is one already or there are too many
   */
  void addMember(Group group, Member member) {
    group.addMember(member);
    refresh(group, "started");
  }

  /** Deletes a group; its servers are not touched. */
  void remove(Group group) {
    if (all.remove(group.id(), group)) {
      supervision.events().publish(new DomainEvent.GroupDeleted(group.id()));
    }
  }

  /** The servers file's groups, by difference to what it said before. */
  void apply(Map<String, GroupDefinition> before, Map<String, GroupDefinition> next) {
    for (String id : before.keySet()) {
      Group group = all.get(id);
      if (group != null && !next.containsKey(id)) {
        remove(group);
      }
    }
    next.forEach(
        (id, definition) -> {
          Group group = all.get(id);
          if (group == null) {
            add(definition);
          } else if (!definition.equals(before.get(id))) {
            replace(group, definition);
          }
        });
  }

  /** Looks at all members again, forgetting failed probes. */
  void rebalance(Group group) {
    refresh(group, "rebalance");
    group.rebalance();
  }

  private void refresh(Group group, String reason) {
    for (Member member : group.definition().members()) {
      group.look(member.server(), () -> standing(member.server()), reason);
    }
  }

  private Group.Standing standing(ServerId id) {
    return servers
        .find(id)
        .map(
            s -> {
              ServerView view = s.view();
              return new Group.Standing(
                  view.blocked().isEmpty() && view.read().definition().enabled(),
                  view.state(),
                  view.calls().breaker());
            })
        .orElse(Group.Standing.ABSENT);
  }

  /** A fact of another registry; any thread, any order, never blocks. */
  void on(RecordedEvent recorded) {
    DomainEvent event = recorded.event();
    if (event instanceof DomainEvent.McpServerStateChanged changed) {
      look(
          changed.mcpServerId(), changed.newState().equals("ready") ? "started" : changed.reason());
    } else if (event instanceof DomainEvent.CircuitBreakerStateChanged changed) {
      look(changed.mcpServerId(), "circuit_" + changed.newState());
    } else if (event instanceof DomainEvent.McpServerUpdated updated) {
      ServerId id = new ServerId(updated.mcpServerId());
      boolean blocked = servers.find(id).filter(s -> s.view().blocked().isPresent()).isPresent();
      look(id, blocked ? "blocked" : "updated");
    } else if (event instanceof DomainEvent.ProviderRegistered registered) {
      look(registered.mcpServerId(), "registered");
    } else if (event instanceof DomainEvent.ProviderDeregistered gone) {
      look(gone.mcpServerId(), "removed");
      probes.forget(gone.mcpServerId());
    } else if (event instanceof DomainEvent.HealthCheckPassed passed && probes.advance(recorded)) {
      probed(passed.mcpServerId(), true);
    } else if (event instanceof DomainEvent.HealthCheckFailed failed && probes.advance(recorded)) {
      probed(failed.mcpServerId(), false);
    }
  }

  /** All groups look at the server again. */
  void look(ServerId id, String reason) {
    for (Group group : all.values()) {
      group.look(id, () -> standing(id), reason);
    }
  }

  private void look(String server, String reason) {
    look(new ServerId(server), reason);
  }

  private void probed(String server, boolean good) {
    ServerId id = new ServerId(server);
    for (Group group : all.values()) {
      group.probed(id, good);
    }
  }

  /** The definitions of a group's members, those that are registered. */
  List<ServerDefinition> definitions(Group group) {
    return group.definition().members().stream()
        .flatMap(member -> servers.find(member.server()).stream())
        .map(McpServer::definition)
        .toList();
  }

  /**
   * Calls a tool on a member: one in rotation by the group's strategy, else a cold one that is
   * started for it. If a member did not let the call in, the next is tried; a call that was sent is
   * never sent again.
   *
   * @throws ApiException 503 if no member can take it
   */
  CompletableFuture<ToolCalls.Result> call(Group group, String tool, JsonObject arguments) {
    return call(group, tool, arguments, new HashSet<>(), Optional.empty());
  }

  private CompletableFuture<ToolCalls.Result> call(
      Group group,
      String tool,
      JsonObject arguments,
      Set<ServerId> tried,
      Optional<ApiException> last) {
    Optional<Member> member =
        group
            .pick(tried, id -> servers.find(id).map(s -> s.calls().inFlight()).orElse(0))
            .or(() -> group.pickCold(tried));
    Optional<McpServer> server = member.flatMap(m -> servers.find(m.server()));
    if (member.isPresent() && server.isEmpty()) {
      tried.add(member.get().server());
      return call(group, tool, arguments, tried, last);
    }
    if (server.isEmpty()) {
      throw last.orElseGet(
          () ->
              ApiException.unavailable(
                  "no_member_available",
                  "Group " + group.id() + " has no member that can take the call.",
                  Duration.ofSeconds(2)));
    }
    tried.add(server.get().id());
    CompletableFuture<ToolCalls.Result> called;
    try {
      called = servers.call(server.get(), tool, arguments);
    } catch (ApiException notLetIn) {
      return call(group, tool, arguments, tried, Optional.of(notLetIn));
    }
    return called.exceptionallyCompose(
        failed ->
            neverSent(failed)
                .map(refused -> again(group, tool, arguments, tried, refused))
                .orElseGet(() -> CompletableFuture.failedFuture(failed)));
  }

  private CompletableFuture<ToolCalls.Result> again(
      Group group, String tool, JsonObject arguments, Set<ServerId> tried, ApiException refused) {
    try {
      return call(group, tool, arguments, tried, Optional.of(refused));
    } catch (ApiException noneLeft) {
      return CompletableFuture.failedFuture(noneLeft);
    }
  }

  /** The refusal, if the call never went out, so that another member may get it. */
  static Optional<ApiException> neverSent(Throwable failed) {
    Throwable cause =
        failed instanceof CompletionException && failed.getCause() != null
            ? failed.getCause()
            : failed;
    return cause instanceof ApiException refused && NEVER_SENT.contains(refused.refusal().code())
        ? Optional.of(refused)
        : Optional.empty();
  }
}
