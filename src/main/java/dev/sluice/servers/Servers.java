package dev.sluice.servers;

import dev.sluice.events.DomainEvent;
import dev.sluice.events.EventSink;
import dev.sluice.events.RecordedEvent;
import dev.sluice.rest.ApiException;
import jakarta.json.JsonObject;
import java.time.Duration;
import java.util.Collection;
import java.util.Comparator;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentHashMap;

/**
 * All registered servers by id, at most {@link ServersDocument#MAX_SERVERS}. Any thread may call;
 * nothing blocks.
 */
public final class Servers {

  private final Map<ServerId, McpServer> all = new ConcurrentHashMap<>();
  private final Supervision supervision;
  private final EventSink events;
  private final ToolCalls calls;
  private final NewestSeen probes = new NewestSeen();

  Servers(Supervision supervision) {
    this.supervision = supervision;
    this.events = supervision.events();
    this.calls = new ToolCalls(events);
  }

  Optional<McpServer> find(ServerId id) {
    return Optional.ofNullable(all.get(id));
  }

  /**
   * The server of that name.
   *
   * @throws ApiException 404
   */
  McpServer get(String id) {
    McpServer server;
    try {
      server = all.get(new ServerId(id));
    } catch (IllegalArgumentException noName) {
      throw Refusals.notFound(id.length() <= 80 ? id : id.substring(0, 80) + "…");
    }
    if (server == null) {
      throw Refusals.notFound(id);
    }
    return server;
  }

  /**
   * The server of that name, for the relay.
   *
   * @throws ApiException 404
   */
  public RelayedServer relayed(String id) {
    return new RelayedServer(get(id), supervision);
  }

  /** All of them, by id. */
  List<McpServer> list() {
    return all.values().stream().sorted(Comparator.comparing(McpServer::id)).toList();
  }

  /**
   * Registers a server, and starts it if it starts with the hub.
   *
   * @param source config, api or discovery:type
   * @throws ApiException 409 if the id is taken, 429 at the limit
   */
  McpServer add(DefinitionReader.Read read, String source) {
    ServerId id = read.definition().id();
    McpServer server = new McpServer(id, read, source, supervision);
    synchronized (all) {
      if (all.containsKey(id)) {
        throw ApiException.conflict(
            "server_exists", "There is a server \"" + id + "\" already; PUT replaces it.");
      }
      if (all.size() >= ServersDocument.MAX_SERVERS) {
        throw ApiException.tooMany(
            "too_many_servers",
            "The hub has " + all.size() + " servers, at most " + ServersDocument.MAX_SERVERS + ".",
            Duration.ofMinutes(1));
      }
      all.put(id, server);
      events.publish(
          new DomainEvent.ProviderRegistered(
              id.value(), source, read.definition().transport().mode()));
    }
    if (read.definition().autoStart() && read.definition().enabled() && read.problem().isEmpty()) {
      var unused = server.start("autoStart");
    }
    return server;
  }

  /** Gives a server another definition; see {@link McpServer#redefine}. */
  void replace(McpServer server, DefinitionReader.Read read, String source) {
    server.redefine(read, source);
  }

  /** Takes a server out and stops it; completes when its child is gone. */
  CompletableFuture<Boolean> remove(McpServer server, String source, Duration drain) {
    synchronized (all) {
      if (!all.remove(server.id(), server)) {
        return CompletableFuture.completedFuture(false);
      }
    }
    CompletableFuture<Boolean> stopped = server.remove("removed", drain);
    events.publish(new DomainEvent.ProviderDeregistered(server.id().value(), source));
    return stopped.whenComplete((done, failed) -> forget(server.id()));
  }

  private void forget(ServerId id) {
    if (!all.containsKey(id)) {
      supervision.forget(id);
    }
  }

  /** Calls a tool; see {@link ToolCalls#call}. */
  CompletableFuture<ToolCalls.Result> call(McpServer server, String tool, JsonObject arguments) {
    return calls.call(server, tool, arguments);
  }

  /** Health → circuit breaker; any thread, any order, an older probe than the last is ignored. */
  void on(RecordedEvent recorded) {
    DomainEvent event = recorded.event();
    if (event instanceof DomainEvent.HealthCheckFailed failed && probes.advance(recorded)) {
      find(new ServerId(failed.mcpServerId())).ifPresent(s -> s.calls().probed(false));
    } else if (event instanceof DomainEvent.HealthCheckPassed passed && probes.advance(recorded)) {
      find(new ServerId(passed.mcpServerId())).ifPresent(s -> s.calls().probed(true));
    } else if (event instanceof DomainEvent.ProviderDeregistered gone) {
      probes.forget(gone.mcpServerId());
    }
  }

  /** Stops all in parallel; completes when all children are gone. */
  CompletableFuture<Void> shutdown() {
    return CompletableFuture.allOf(
        all.values().stream()
            .map(s -> s.remove("shutdown", Duration.ZERO))
            .toArray(CompletableFuture<?>[]::new));
  }

  /** The names of all servers. */
  public List<String> names() {
    return list().stream().map(server -> server.id().value()).toList();
  }

  /** What management shows of a server, if there is one of that name. */
  public Optional<ServerReading> reading(String id) {
    return find(new ServerId(id)).map(server -> ServerReading.of(server.view()));
  }

  /**
   * Starts a server for an operator; completes when it is ready, and fails if it does not become
   * so.
   *
   * @param reason part of the events
   * @throws ApiException 404, 409 if it may not start, 503 while it backs off
   */
  public CompletableFuture<Void> start(String id, String reason) {
    return get(id).start(reason).thenAccept(ready -> {});
  }

  /**
   * Stops a server for an operator; completes when its child is gone, with whether it ran.
   *
   * @param reason part of the events
   * @throws ApiException 404
   */
  public CompletableFuture<Boolean> stop(String id, String reason) {
    return get(id).stop(reason, Duration.ZERO);
  }

  /** Totals for system pages, readiness and metrics. */
  public ServersSummary summary() {
    Collection<McpServer> servers = all.values();
    return ServersSummary.of(
        servers.stream().map(McpServer::view).toList(),
        supervision.waitingStarts(),
        supervision.waitingStops());
  }
}
