package dev.sluice.relay;

import dev.sluice.jsonrpc.Envelope;
import dev.sluice.jsonrpc.Envelope.Part;
import dev.sluice.servers.RelayedServer;
import dev.sluice.servers.ServerDefinition;
import dev.sluice.servers.upstream.PeerJson;
import jakarta.json.JsonObject;
import java.util.Collections;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.Set;
import java.util.WeakHashMap;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentHashMap;
import org.jspecify.annotations.Nullable;

/**
 * Decides which sessions share a child process, and holds those children.
 *
 * <p>Only children are shared; a remote server has sessions of its own for that. {@code isolated}
 * gives each session its own child. {@code shared} gives all sessions of a server one. {@code auto}
 * shares among the sessions of one caller that ask for the same protocol version and offer the
 * server nothing to ask for (sampling, elicitation, roots), and only a server that does not log:
 * over stdio nobody can tell whose log message it is.
 *
 * <p>Any thread may call; nothing blocks. Bounded by the sessions.
 */
final class Sharing {

  private static final int MAX_READ = 64 * 1024;
  private static final Set<String> ASKED = Set.of("sampling", "elicitation", "roots");

  /**
   * What sessions of one child have in common.
   *
   * @param definition of the server: another one has another child
   * @param version asked for; empty when all versions share
   * @param caller whose they are; empty when all callers share
   */
  record Key(ServerDefinition definition, String version, String caller) {

    /** By identity of the definition: a server that was made anew has a child of its own. */
    @Override
    @SuppressWarnings("ReferenceEquality")
    public boolean equals(Object other) {
      return other instanceof Key key
          && key.definition == definition
          && key.version.equals(version)
          && key.caller.equals(caller);
    }

    @Override
    public int hashCode() {
      return Objects.hash(System.identityHashCode(definition), version, caller);
    }
  }

  private final Runnable stray;
  private final RelayLimits limits;
  private final Map<Key, SharedChild> children = new ConcurrentHashMap<>();

  /** Definitions of servers that log; forgotten with the definition. */
  private final Set<ServerDefinition> unshared =
      Collections.synchronizedSet(Collections.newSetFromMap(new WeakHashMap<>()));

  /**
   * Makes it.
   *
   * @param stray told of each answer that nobody waits for
   */
  Sharing(Runnable stray, RelayLimits limits) {
    this.stray = stray;
    this.limits = limits;
  }

  /** Figures of the children that are shared now. */
  record Gauges(int children, int waiting, int subscriptions) {}

  Gauges gauges() {
    int waiting = 0;
    int subscriptions = 0;
    int count = 0;
    for (SharedChild child : children.values()) {
      count++;
      waiting += child.waiting();
      subscriptions += child.subscriptions().size();
    }
    return new Gauges(count, waiting, subscriptions);
  }

  RelayLimits limits() {
    return limits;
  }

  void strayAnswer() {
    stray.run();
  }

  /** The channel of a session whose client sent this {@code initialize}. */
  CompletableFuture<Channel> channel(RelayedServer server, Session session, Envelope initialize) {
    Optional<Key> key = key(server, session, initialize);
    if (key.isEmpty()) {
      return own(server, session);
    }
    String version = String.valueOf(initialize.string(Part.PROTOCOL_VERSION));
    while (true) {
      SharedChild child =
          children.computeIfAbsent(key.get(), any -> new SharedChild(server, key.get(), this));
      Optional<SharedMember> joined = child.join(session);
      if (joined.isPresent()) {
        child.open(version);
        return child
            .ready()
            .thenCompose(
                open -> {
                  if (key.get().caller().isEmpty() || !open.logs()) {
                    return CompletableFuture.completedFuture(joined.get());
                  }
                  unshared.add(key.get().definition());
                  joined.get().close();
                  child.endUnused("it logs, so it is not shared");
                  return own(server, session);
                });
      }
      children.remove(key.get(), child);
    }
  }

  private static CompletableFuture<Channel> own(RelayedServer server, Session session) {
    return server.connect(session).thenApply(pipe -> new Channel.Own(server, pipe));
  }

  private Optional<Key> key(RelayedServer server, Session session, Envelope initialize) {
    ServerDefinition definition = server.definition();
    String version = initialize.string(Part.PROTOCOL_VERSION);
    if (!(definition.transport() instanceof ServerDefinition.Transport.Stdio) || version == null) {
      return Optional.empty();
    }
    return switch (definition.sharing()) {
      case ISOLATED -> Optional.empty();
      case SHARED -> Optional.of(new Key(definition, "", ""));
      case AUTO ->
          unshared.contains(definition) || offersAnything(initialize)
              ? Optional.empty()
              : Optional.of(new Key(definition, version, session.caller().name()));
    };
  }

  /** Whether the client lets the server ask; what cannot be read might. */
  private static boolean offersAnything(Envelope initialize) {
    JsonObject params = object(initialize.json(Part.PARAMS));
    return params == null
        || (params.get("capabilities") instanceof JsonObject offered
            && offered.keySet().stream().anyMatch(ASKED::contains));
  }

  /** A small object, or null. */
  static @Nullable JsonObject object(@Nullable String json) {
    if (json == null || json.length() > MAX_READ) {
      return null;
    }
    return PeerJson.object(json);
  }

  void gone(Key key, SharedChild child) {
    children.remove(key, child);
  }

  /** Called about once a second. */
  void tick(long now) {
    children.values().forEach(child -> child.tick(now));
  }
}
