package dev.sluice.relay;

import dev.sluice.jsonrpc.Envelope;
import dev.sluice.jsonrpc.Envelope.Part;
import dev.sluice.relay.SharedChild.Change;
import jakarta.json.Json;
import java.util.Map;
import java.util.OptionalInt;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentHashMap;

/**
 * One session's part of a {@link SharedChild}: what it sends as if the child were its own.
 *
 * <p>Life: joined, used, {@link #close closed} with the session. Any thread may call; nothing
 * blocks.
 */
final class SharedMember implements Channel {

  private final SharedChild child;
  private final Session session;

  /** Ids at the server by ids of the session, JSON text. */
  private final Map<String, Long> calls = new ConcurrentHashMap<>();

  SharedMember(SharedChild child, Session session) {
    this.child = child;
    this.session = session;
  }

  // From the child.

  void received(Envelope message) {
    session.received(message);
  }

  void ended(String reason) {
    session.ended(reason);
  }

  void sent(String own, long id) {
    calls.put(own, id);
  }

  void done(String own) {
    calls.remove(own);
  }

  /** Whether the server works for it. */
  boolean isWorking() {
    return !calls.isEmpty();
  }

  // From the session.

  @Override
  public CompletableFuture<Void> send(Envelope message) {
    return switch (message.kind()) {
      case REQUEST -> request(message);
      case NOTIFICATION -> notification(message);
      default -> done(); // an answer to nothing: it never was asked
    };
  }

  private CompletableFuture<Void> request(Envelope request) {
    return switch (request.method()) {
      case "initialize" ->
          local(
              SharedChild.read(
                  Envelope.response(request, "{}").splice(Map.of(Part.RESULT, child.result()))));
      case "resources/subscribe" -> subscribe(request);
      case "resources/unsubscribe" -> unsubscribe(request);
      case "logging/setLevel" -> level(request);
      default -> child.request(this, request, null);
    };
  }

  /** Answers without the server. */
  private CompletableFuture<Void> local(Envelope answer) {
    session.received(answer);
    return done();
  }

  private CompletableFuture<Void> subscribe(Envelope request) {
    String uri = request.string(Part.URI);
    if (uri == null) {
      return child.request(this, request, null); // the server says what is wrong with it
    }
    Subscriptions.Added added = child.subscriptions().add(uri, this);
    if (added == Subscriptions.Added.FULL) {
      return SharedChild.busy("its sessions have as many subscriptions as they may");
    }
    if (!child.has(this)) { // it left meanwhile
      var unused = child.subscriptions().remove(uri, this);
      return done();
    }
    return child.request(
        this, request, new Change.Subscribe(uri, added == Subscriptions.Added.NEW));
  }

  private CompletableFuture<Void> unsubscribe(Envelope request) {
    String uri = request.string(Part.URI);
    if (uri == null) {
      return child.request(this, request, null);
    }
    return child.subscriptions().remove(uri, this)
        ? child.request(this, request, new Change.Unsubscribe(uri))
        : local(Envelope.response(request, "{}"));
  }

  private CompletableFuture<Void> level(Envelope request) {
    String name = request.string(Part.LEVEL);
    int wanted = LogLevels.NAMES.indexOf(name == null ? "" : name);
    if (wanted < 0) {
      return child.request(this, request, null); // the server says what is wrong with it
    }
    OptionalInt change = child.levels().set(this, wanted);
    if (change.isEmpty()) {
      return local(Envelope.response(request, "{}"));
    }
    String level = Json.createValue(LogLevels.NAMES.get(change.getAsInt())).toString();
    return child.request(
        this, SharedChild.spliced(request, Part.LEVEL, level), new Change.Level(change.getAsInt()));
  }

  private CompletableFuture<Void> notification(Envelope notification) {
    switch (notification.method()) {
      case "notifications/cancelled" -> {
        String own = notification.json(Part.REQUEST_ID);
        Long id = own == null ? null : calls.remove(own);
        if (id == null || !child.forget(id)) {
          return done();
        }
        return child.notification(
            SharedChild.spliced(notification, Part.REQUEST_ID, Long.toString(id)));
      }
      case "notifications/initialized",
          "notifications/roots/list_changed",
          "notifications/progress" -> {
        return done(); // the hub's own was sent; nobody offered roots or was asked
      }
      default -> {
        return child.notification(notification);
      }
    }
  }

  @Override
  public void close() {
    if (!child.leave(this)) {
      return;
    }
    calls.forEach(
        (own, id) -> {
          if (child.forget(id)) {
            child.say(
                Envelope.notification(
                    "notifications/cancelled",
                    "{\"requestId\":" + id + ",\"reason\":\"the client has left\"}"));
          }
        });
    calls.clear();
    for (String uri : child.subscriptions().removeAll(this)) {
      child.ask("resources/unsubscribe", "uri", uri, new Change.Unsubscribe(uri));
    }
    child.levels().remove(this).ifPresent(child::level);
  }

  private static CompletableFuture<Void> done() {
    return CompletableFuture.completedFuture(null);
  }
}
