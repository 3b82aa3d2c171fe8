package dev.sluice.relay;

import dev.sluice.jsonrpc.Envelope;
import dev.sluice.jsonrpc.Envelope.Kind;
import dev.sluice.jsonrpc.Envelope.Part;
import dev.sluice.jsonrpc.MalformedMessageException;
import dev.sluice.rest.ApiException;
import dev.sluice.servers.RelayedServer;
import dev.sluice.servers.upstream.UpstreamException;
import dev.sluice.servers.upstream.UpstreamPipe;
import jakarta.json.Json;
import jakarta.json.JsonObject;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.ArrayList;
import java.util.EnumMap;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.atomic.AtomicLong;
import org.jspecify.annotations.Nullable;

/**
 * A child process that several sessions use. The hub does its handshake; each session's own is
 * answered with the result of that. Ids, progress tokens, cancellations, subscriptions and log
 * levels are kept apart; all other bytes go through as they are.
 *
 * <p>Life: made by {@link Sharing}, {@link #open opened} once, then {@link #ready}; ends when its
 * process does, or when nobody has used it for a while. Any thread may call; nothing blocks.
 */
final class SharedChild implements UpstreamPipe.Receiver {

  /** Requests of all sessions that may wait for its answers. */
  static final int MAX_WAITING = 4_096;

  /** Resources that its sessions may be subscribed to. */
  static final int MAX_SUBSCRIPTIONS = 10_000;

  /** How long it is kept without a session. */
  private static final Duration LINGER = Duration.ofSeconds(5);

  private static final List<String> LEVELS =
      List.of("debug", "info", "notice", "warning", "error", "critical", "alert", "emergency");

  /**
   * A request that waits for its answer.
   *
   * @param member whose it is; null for the hub's own
   * @param id of the member's request, JSON text
   * @param token its progress token, JSON text
   * @param subscribes the resource it subscribes to
   */
  private record Waiting(
      @Nullable Member member, String id, @Nullable String token, @Nullable String subscribes) {}

  private final RelayedServer server;
  private final Sharing.Key key;
  private final Sharing sharing;
  private final AtomicLong ids = new AtomicLong();
  private final Map<Long, Waiting> waiting = new ConcurrentHashMap<>();
  private final CompletableFuture<SharedChild> ready = new CompletableFuture<>();

  // Under this object's lock; no message is sent under it.
  private final Set<Member> members = new HashSet<>();
  private final Map<String, Set<Member>> subscriptions = new HashMap<>();
  private final Map<Member, Integer> levels = new HashMap<>();
  private int level = -1;
  private boolean opened;
  private boolean over;
  private long since = System.nanoTime();

  private volatile @Nullable UpstreamPipe pipe;
  private volatile byte[] result = new byte[0];
  private volatile boolean logs;

  SharedChild(RelayedServer server, Sharing.Key key, Sharing sharing) {
    this.server = server;
    this.key = key;
    this.sharing = sharing;
  }

  /** A place for a session; empty when it is over. */
  Optional<Member> join(Session session) {
    Member member = new Member(session);
    synchronized (this) {
      if (over) {
        return Optional.empty();
      }
      members.add(member);
      return Optional.of(member);
    }
  }

  /** Done when it may be used; fails with what {@link RelayedServer#connect} fails with. */
  CompletableFuture<SharedChild> ready() {
    return ready;
  }

  /** Whether it says that it sends log messages. */
  boolean logs() {
    return logs;
  }

  /** Starts it, unless that was done. */
  void open(String version) {
    synchronized (this) {
      if (opened) {
        return;
      }
      opened = true;
    }
    var unused =
        server
            .connect(this)
            .whenComplete(
                (made, failure) -> {
                  if (failure != null) {
                    end("it could not be started", failure);
                    return;
                  }
                  pipe = made;
                  synchronized (this) {
                    if (!over) {
                      made = null;
                    }
                  }
                  if (made != null) { // ended while it was opened
                    server.retire(made);
                    return;
                  }
                  ask(UpstreamPipe.initialize(next(new Waiting(null, "", null, null)), version));
                });
  }

  private long next(Waiting request) {
    long id = ids.incrementAndGet();
    waiting.put(id, request);
    return id;
  }

  /** Sends something of the hub's own; what comes of it is seen by the answer, or by the end. */
  private void ask(Envelope message) {
    UpstreamPipe to = pipe;
    if (to != null) {
      var unused = to.send(message).exceptionally(lost -> null);
    }
  }

  // From the server.

  @Override
  public void received(Envelope message) {
    switch (message.kind()) {
      case RESPONSE, ERROR -> answered(message);
      case REQUEST -> {
        // It was told that nobody has capabilities; ping is what it may ask for.
        ask(
            message.method().equals("ping")
                ? Envelope.response(message, "{}")
                : Envelope.error(
                    message, -32601, "The clients that share this server offered no such thing."));
      }
      case NOTIFICATION -> notified(message);
      case BATCH -> message.members().forEach(this::received);
    }
  }

  private void answered(Envelope answer) {
    Waiting asked =
        answer.idNumber().isPresent() ? waiting.remove(answer.idNumber().getAsLong()) : null;
    if (asked == null) {
      sharing.strayAnswer();
      return;
    }
    Member member = asked.member;
    if (member == null) {
      if (!ready.isDone()) {
        initialized(answer);
      }
      return;
    }
    if (asked.subscribes != null && answer.kind() == Kind.RESPONSE) {
      synchronized (this) {
        if (members.contains(member)) {
          subscriptions.computeIfAbsent(asked.subscribes, uri -> new HashSet<>()).add(member);
        }
      }
    }
    member.calls.remove(asked.id);
    member.session.received(spliced(answer, Part.ID, asked.id));
  }

  private void initialized(Envelope answer) {
    String text = answer.json(Part.RESULT);
    JsonObject read = Sharing.object(text);
    if (text == null || read == null) {
      end(
          "it refused to initialize",
          ApiException.of(502, "server_start_failed", "The server refused to initialize."));
      return;
    }
    logs = read.get("capabilities") instanceof JsonObject offered && offered.containsKey("logging");
    result = text.getBytes(StandardCharsets.UTF_8);
    ask(Envelope.notification("notifications/initialized", null));
    ready.complete(this);
  }

  private void notified(Envelope notification) {
    String method = notification.method();
    switch (method) {
      case "notifications/progress" -> {
        String token = notification.json(Part.PROGRESS_TOKEN);
        Waiting asked = token == null ? null : waiting.get(number(token));
        if (asked != null && asked.member != null && asked.token != null) {
          asked.member.session.received(spliced(notification, Part.PROGRESS_TOKEN, asked.token));
        }
      }
      case "notifications/message" -> logged(notification);
      case "notifications/resources/updated" -> {
        String uri = notification.string(Part.URI);
        to(subscribers(uri == null ? "" : uri), notification);
      }
      default -> to(everybody(), notification);
    }
  }

  /** To the one session that has it work, else to all that want its level. */
  private void logged(Envelope message) {
    String name = message.string(Part.LEVEL);
    int grade = LEVELS.indexOf(name == null ? "" : name);
    List<Member> who = new ArrayList<>();
    List<Member> working = new ArrayList<>();
    synchronized (this) {
      for (Member member : members) {
        if (grade < 0 || grade >= levels.getOrDefault(member, 0)) {
          who.add(member);
        }
        if (!member.calls.isEmpty()) {
          working.add(member);
        }
      }
    }
    if (working.size() == 1) {
      who.retainAll(working);
    }
    to(who, message);
  }

  private synchronized List<Member> everybody() {
    return List.copyOf(members);
  }

  /** Those of that resource, or of one that it is a part of. */
  private synchronized List<Member> subscribers(String uri) {
    Set<Member> exact = subscriptions.get(uri);
    if (exact != null) {
      return List.copyOf(exact);
    }
    Set<Member> above = new HashSet<>();
    subscriptions.forEach(
        (subscribed, who) -> {
          if (uri.startsWith(subscribed)) {
            above.addAll(who);
          }
        });
    return List.copyOf(above);
  }

  private static void to(List<Member> who, Envelope message) {
    who.forEach(member -> member.session.received(message));
  }

  private static long number(String token) {
    try {
      return Long.parseLong(token);
    } catch (NumberFormatException notOurs) {
      return -1;
    }
  }

  private static Envelope spliced(Envelope message, Part part, String json) {
    return read(message.splice(Map.of(part, json.getBytes(StandardCharsets.UTF_8))));
  }

  private static Envelope read(byte[] bytes) {
    try {
      return Envelope.read(bytes);
    } catch (MalformedMessageException impossible) { // one id was replaced by another
      throw new IllegalStateException(impossible);
    }
  }

  // Ends.

  @Override
  public void ended(String reason) {
    end(reason, ApiException.of(502, "server_start_failed", "The server ended: " + reason));
  }

  private void end(String reason, Throwable failure) {
    List<Member> left;
    synchronized (this) {
      if (over) {
        return;
      }
      over = true;
      left = List.copyOf(members);
      members.clear();
    }
    sharing.gone(key, this);
    waiting.clear();
    if (!ready.completeExceptionally(failure)) {
      left.forEach(member -> member.session.ended(reason));
    }
    UpstreamPipe last = pipe;
    if (last != null) {
      server.retire(last);
    }
  }

  /** Called about once a second. */
  void tick(long now) {
    String why = null;
    synchronized (this) {
      if (!members.isEmpty() && ready.isDone()) {
        since = now;
      } else if (members.isEmpty() && now - since > LINGER.toNanos()) {
        why = "nobody uses it any more";
      } else if (!ready.isDone()
          && now - since > 2 * server.definition().startTimeout().toNanos()) {
        why = "it did not initialize in time";
      }
    }
    if (why != null) {
      end(why, ApiException.of(504, "server_start_failed", "The server " + why + "."));
    }
  }

  /** One session's part of it. */
  final class Member implements Channel {

    private final Session session;

    /** Ids at the server by ids of the session, JSON text. */
    private final Map<String, Long> calls = new ConcurrentHashMap<>();

    Member(Session session) {
      this.session = session;
    }

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
            local(read(Envelope.response(request, "{}").splice(Map.of(Part.RESULT, result))));
        case "resources/unsubscribe" ->
            unsubscribe(String.valueOf(request.string(Part.URI)))
                ? remote(request, null)
                : local(Envelope.response(request, "{}"));
        case "resources/subscribe" -> {
          boolean full;
          synchronized (SharedChild.this) {
            full = subscriptions.size() >= MAX_SUBSCRIPTIONS;
          }
          yield full
              ? local(
                  Envelope.error(
                      request,
                      Session.BUSY,
                      "There are " + MAX_SUBSCRIPTIONS + " subscriptions, the most there may be."))
              : remote(request, request.string(Part.URI));
        }
        case "logging/setLevel" -> level(request);
        default -> remote(request, null);
      };
    }

    /** Answers without the server. */
    private CompletableFuture<Void> local(Envelope answer) {
      session.received(answer);
      return done();
    }

    private CompletableFuture<Void> remote(Envelope request, @Nullable String subscribes) {
      UpstreamPipe to = pipe;
      if (to == null || waiting.size() >= MAX_WAITING) {
        return CompletableFuture.failedFuture(
            UpstreamException.of(
                UpstreamException.Kind.BUSY,
                "its sessions have " + MAX_WAITING + " requests in flight, the most they may"));
      }
      String own = String.valueOf(request.idText());
      String token = request.json(Part.META_PROGRESS_TOKEN);
      long id = next(new Waiting(this, own, token, subscribes));
      calls.put(own, id);
      byte[] number = Long.toString(id).getBytes(StandardCharsets.UTF_8);
      Map<Part, byte[]> parts = new EnumMap<>(Part.class);
      parts.put(Part.ID, number);
      if (token != null) {
        parts.put(Part.META_PROGRESS_TOKEN, number);
      }
      CompletableFuture<Void> sending = to.send(read(request.splice(parts)));
      var unused =
          sending.whenComplete(
              (sent, problem) -> {
                // One that is given up is forgotten with the notification that says so.
                if (problem != null && !sending.isCancelled() && waiting.remove(id) != null) {
                  calls.remove(own, id);
                }
              });
      return sending;
    }

    private CompletableFuture<Void> notification(Envelope notification) {
      UpstreamPipe to = pipe;
      switch (notification.method()) {
        case "notifications/cancelled" -> {
          String own = notification.json(Part.REQUEST_ID);
          Long id = own == null ? null : calls.remove(own);
          if (to == null || id == null || waiting.remove(id) == null) {
            return done();
          }
          return to.send(spliced(notification, Part.REQUEST_ID, Long.toString(id)));
        }
        case "notifications/initialized",
            "notifications/roots/list_changed",
            "notifications/progress" -> {
          return done(); // the hub's own was sent; nobody offered roots or was asked
        }
        default -> {
          return to == null ? done() : to.send(notification);
        }
      }
    }

    private CompletableFuture<Void> level(Envelope request) {
      String name = request.string(Part.LEVEL);
      int wanted = LEVELS.indexOf(name == null ? "" : name);
      if (wanted < 0) {
        return remote(request, null); // the server says what is wrong with it
      }
      boolean same;
      int least;
      synchronized (SharedChild.this) {
        levels.put(this, wanted);
        least = levels.values().stream().mapToInt(Integer::intValue).min().orElse(wanted);
        same = least == level;
        level = least;
      }
      return same
          ? local(Envelope.response(request, "{}"))
          : remote(
              spliced(request, Part.LEVEL, Json.createValue(LEVELS.get(least)).toString()), null);
    }

    /** Whether it was the last subscriber, or none at all. */
    private boolean unsubscribe(String uri) {
      synchronized (SharedChild.this) {
        Set<Member> who = subscriptions.get(uri);
        if (who == null) {
          return true;
        }
        boolean mine = who.remove(this);
        if (who.isEmpty()) {
          subscriptions.remove(uri);
          return true;
        }
        return !mine;
      }
    }

    @Override
    public void close() {
      List<String> last = new ArrayList<>();
      synchronized (SharedChild.this) {
        if (!members.remove(this)) {
          return;
        }
        levels.remove(this);
        subscriptions
            .entrySet()
            .removeIf(
                entry -> {
                  if (entry.getValue().remove(this) && entry.getValue().isEmpty()) {
                    last.add(entry.getKey());
                    return true;
                  }
                  return false;
                });
        since = System.nanoTime();
      }
      calls.forEach(
          (own, id) -> {
            if (waiting.remove(id) != null) {
              ask(
                  Envelope.notification(
                      "notifications/cancelled",
                      "{\"requestId\":" + id + ",\"reason\":\"the client has left\"}"));
            }
          });
      calls.clear();
      for (String uri : last) {
        ask(
            Envelope.request(
                next(new Waiting(null, "", null, null)),
                "resources/unsubscribe",
                Json.createObjectBuilder().add("uri", uri).build().toString()));
      }
    }
  }

  private static CompletableFuture<Void> done() {
    return CompletableFuture.completedFuture(null);
  }
}
