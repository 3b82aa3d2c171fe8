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

  /** How long it is kept without a session. */
  private static final Duration LINGER = Duration.ofSeconds(5);

  /**
   * A request that waits for its answer.
   *
   * @param member whose it is; null for the hub's own
   * @param id of the member's request, JSON text
   * @param token its progress token, JSON text
   * @param change what it changes for all sessions
   */
  private record Waiting(
      @Nullable SharedMember member, String id, @Nullable String token, @Nullable Change change) {}

  /**
   * What a request changes at the server for all sessions. Requests of two sessions may overtake
   * each other on the way, so what is wanted is looked at again when the answer is there.
   */
  sealed interface Change {
    /** The member is taken back if the server refuses, unless it was subscribed before. */
    record Subscribe(String uri, boolean isNew) implements Change {}

    record Unsubscribe(String uri) implements Change {}

    record Level(int grade) implements Change {}
  }

  private final RelayedServer server;
  private final Sharing.Key key;
  private final Sharing sharing;
  private final AtomicLong ids = new AtomicLong();
  private final Map<Long, Waiting> waiting = new ConcurrentHashMap<>();
  private final Subscriptions subscriptions;
  private final LogLevels levels = new LogLevels();
  private final CompletableFuture<SharedChild> ready = new CompletableFuture<>();

  // Under this object's lock; no message is sent under it.
  private final Set<SharedMember> members = new HashSet<>();
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
    this.subscriptions = new Subscriptions(sharing.limits().childSubscriptions());
  }

  /** A place for a session; empty when it is over. */
  Optional<SharedMember> join(Session session) {
    SharedMember member = new SharedMember(this, session);
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

  /** Requests that wait for its answers. */
  int waiting() {
    return waiting.size();
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
                  long id = next(new Waiting(null, "", null, null));
                  say(UpstreamPipe.initialize(id, version));
                });
  }

  private long next(Waiting request) {
    long id = ids.incrementAndGet();
    waiting.put(id, request);
    return id;
  }

  /** Sends something of the hub's own; what comes of it is seen by the answer, or by the end. */
  void say(Envelope message) {
    UpstreamPipe to = pipe;
    if (to != null) {
      var unused = to.send(message).exceptionally(lost -> null);
    }
  }

  /** Asks for something of the hub's own. */
  void ask(String method, String name, String value, @Nullable Change change) {
    UpstreamPipe to = pipe;
    if (to == null) {
      return;
    }
    long id = next(new Waiting(null, "", null, change));
    String params = Json.createObjectBuilder().add(name, value).build().toString();
    var unused =
        to.send(Envelope.request(id, method, params))
            .exceptionally(
                lost -> {
                  waiting.remove(id);
                  return null;
                });
  }

  // From its sessions.

  /** What a limit of it says to a session. */
  static CompletableFuture<Void> busy(String why) {
    return CompletableFuture.failedFuture(UpstreamException.of(UpstreamException.Kind.BUSY, why));
  }

  /** Sends a request of a session under an id of its own. */
  CompletableFuture<Void> request(SharedMember member, Envelope request, @Nullable Change change) {
    UpstreamPipe to = pipe;
    if (to == null || waiting.size() >= sharing.limits().childRequests()) {
      if (change != null) {
        changed(change, member, false);
      }
      return busy("its sessions have as many requests in flight as they may");
    }
    String own = String.valueOf(request.idText());
    String token = request.json(Part.META_PROGRESS_TOKEN);
    long id = next(new Waiting(member, own, token, change));
    member.sent(own, id);
    byte[] number = Long.toString(id).getBytes(StandardCharsets.UTF_8);
    Map<Part, byte[]> parts = new EnumMap<>(Part.class);
    parts.put(Part.ID, number);
    if (token != null) {
      parts.put(Part.META_PROGRESS_TOKEN, number);
    }
    CompletableFuture<Void> sending = to.send(request.with(parts));
    var unused =
        sending.whenComplete(
            (sent, problem) -> {
              // One that is given up is forgotten with the notification that says so.
              if (problem != null && !sending.isCancelled() && waiting.remove(id) != null) {
                member.done(own);
                if (change != null) {
                  changed(change, member, false);
                }
              }
            });
    return sending;
  }

  /** Sends a notification of a session as it is. */
  CompletableFuture<Void> notification(Envelope notification) {
    UpstreamPipe to = pipe;
    return to == null ? CompletableFuture.completedFuture(null) : to.send(notification);
  }

  /** Whether the answer to a request that was sent is still due; nobody waits for it any more. */
  boolean forget(long id) {
    return waiting.remove(id) != null;
  }

  /** A session that leaves; whether it was here. */
  synchronized boolean leave(SharedMember member) {
    since = System.nanoTime();
    return members.remove(member);
  }

  synchronized boolean has(SharedMember member) {
    return members.contains(member);
  }

  /** What the server answered to {@code initialize}, JSON text. */
  byte[] result() {
    return result;
  }

  Subscriptions subscriptions() {
    return subscriptions;
  }

  LogLevels levels() {
    return levels;
  }

  // From the server.

  @Override
  public int inFlight() {
    return waiting.size();
  }

  @Override
  public void received(Envelope message) {
    switch (message.kind()) {
      case RESPONSE, ERROR -> answered(message);
      case REQUEST -> {
        // It was told that nobody has capabilities; ping is what it may ask for.
        say(
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
    SharedMember member = asked.member;
    if (asked.change != null) {
      changed(asked.change, member, answer.kind() == Kind.RESPONSE);
    }
    if (member == null) {
      if (!ready.isDone()) {
        initialized(answer);
      }
      return;
    }
    member.done(asked.id);
    member.received(spliced(answer, Part.ID, asked.id));
  }

  private void changed(Change change, @Nullable SharedMember member, boolean done) {
    if (change instanceof Change.Subscribe subscribe) {
      if (!done && subscribe.isNew && member != null) {
        subscriptions.remove(subscribe.uri, member);
      }
    } else if (change instanceof Change.Unsubscribe unsubscribe) {
      if (subscriptions.isWanted(unsubscribe.uri)) {
        ask("resources/subscribe", "uri", unsubscribe.uri, null);
      }
    } else if (change instanceof Change.Level set && done) {
      int wanted = levels.asked();
      if (wanted >= 0 && wanted != set.grade) {
        level(wanted);
      }
    }
  }

  /** Asks the server of the hub's own accord to log as much. */
  void level(int grade) {
    ask("logging/setLevel", "level", LogLevels.NAMES.get(grade), new Change.Level(grade));
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
    say(Envelope.notification("notifications/initialized", null));
    ready.complete(this);
  }

  private void notified(Envelope notification) {
    String method = notification.method();
    switch (method) {
      case "notifications/progress" -> {
        String token = notification.json(Part.PROGRESS_TOKEN);
        Waiting asked = token == null ? null : waiting.get(number(token));
        if (asked != null && asked.member != null && asked.token != null) {
          asked.member.received(spliced(notification, Part.PROGRESS_TOKEN, asked.token));
        }
      }
      case "notifications/message" -> logged(notification);
      case "notifications/resources/updated" -> {
        String uri = notification.string(Part.URI);
        to(subscriptions.of(uri == null ? "" : uri), notification);
      }
      default -> to(everybody(), notification);
    }
  }

  /** To the one session that has it work, else to all that want its level. */
  private void logged(Envelope message) {
    String name = message.string(Part.LEVEL);
    int grade = LogLevels.NAMES.indexOf(name == null ? "" : name);
    List<SharedMember> all = everybody();
    List<SharedMember> who =
        new ArrayList<>(all.stream().filter(member -> levels.wants(member, grade)).toList());
    List<SharedMember> working = all.stream().filter(SharedMember::isWorking).toList();
    if (working.size() == 1) {
      who.retainAll(working);
    }
    to(who, message);
  }

  private synchronized List<SharedMember> everybody() {
    return List.copyOf(members);
  }

  private static void to(List<SharedMember> who, Envelope message) {
    who.forEach(member -> member.received(message));
  }

  private static long number(String token) {
    try {
      return Long.parseLong(token);
    } catch (NumberFormatException notOurs) {
      return -1;
    }
  }

  static Envelope spliced(Envelope message, Part part, String json) {
    return message.with(Map.of(part, json.getBytes(StandardCharsets.UTF_8)));
  }

  static Envelope read(byte[] bytes) {
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
    List<SharedMember> left;
    synchronized (this) {
      if (over) {
        return;
      }
      over = true;
      left = List.copyOf(members);
      members.clear();
    }
    over(left, reason, failure);
  }

  private void over(List<SharedMember> left, String reason, Throwable failure) {
    sharing.gone(key, this);
    waiting.clear();
    if (!ready.completeExceptionally(failure)) {
      left.forEach(member -> member.ended(reason));
    }
    UpstreamPipe last = pipe;
    if (last != null) {
      server.retire(last);
    }
  }

  /** Ends it now, if no session uses it. */
  void endUnused(String why) {
    synchronized (this) {
      if (!members.isEmpty() || over) {
        return;
      }
      over = true;
    }
    over(List.of(), why, unusable(why));
  }

  private static ApiException unusable(String why) {
    return ApiException.of(504, "server_start_failed", "The server " + why + ".");
  }

  /** Called about once a second. */
  void tick(long now) {
    boolean unused;
    boolean overdue;
    synchronized (this) {
      if (!members.isEmpty() && ready.isDone()) {
        since = now;
      }
      unused = members.isEmpty() && now - since > LINGER.toNanos();
      overdue = !ready.isDone() && now - since > 2 * server.definition().startTimeout().toNanos();
    }
    if (unused) {
      endUnused("nobody uses it any more");
    } else if (overdue) {
      String why = "it did not initialize in time";
      end(why, unusable(why));
    }
  }
}
