package dev.sluice.servers.upstream;

import dev.sluice.jsonrpc.Envelope;
import dev.sluice.jsonrpc.Envelope.Part;
import dev.sluice.jsonrpc.MalformedMessageException;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/**
 * What a client has told a server that makes up its session, so that a lost one can be opened anew
 * with the same bytes: {@code initialize}, {@code notifications/initialized}, the log level and the
 * resources it is subscribed to. Any thread may call.
 *
 * <p>At most {@value #MAX_SUBSCRIPTIONS} subscriptions and {@value #MAX_BYTES} bytes are kept. What
 * is beyond is not set again; a session whose {@code initialize} is beyond cannot be opened anew.
 */
final class Opening {

  /** Subscriptions kept. */
  static final int MAX_SUBSCRIPTIONS = 256;

  /** Bytes kept of all messages. */
  static final int MAX_BYTES = 64 * 1024;

  private static final String SUBSCRIPTION = "resources/subscribe ";

  // Guarded by this.
  private final Map<String, Envelope> kept = new LinkedHashMap<>();
  private int bytes;

  /** Looks at a message of the client as it goes by, whose method this is. */
  void note(String method, Envelope message) {
    switch (method) {
      case "initialize", "notifications/initialized", "logging/setLevel" -> keep(method, message);
      case "resources/subscribe" -> keep(SUBSCRIPTION + message.string(Part.URI), message);
      case "resources/unsubscribe" -> drop(SUBSCRIPTION + message.string(Part.URI));
      default -> {
        // says nothing of the session
      }
    }
  }

  private synchronized void keep(String what, Envelope message) {
    drop(what);
    boolean full = what.startsWith(SUBSCRIPTION) && subscriptions().size() >= MAX_SUBSCRIPTIONS;
    if (full || bytes + message.size() > MAX_BYTES) {
      return;
    }
    kept.put(what, alone(message));
    bytes += message.size();
  }

  /** Without the batch, or the buffer, that it came in. */
  private static Envelope alone(Envelope message) {
    try {
      return Envelope.read(message.bytes());
    } catch (MalformedMessageException impossible) { // it was read before
      throw new IllegalStateException(impossible);
    }
  }

  private synchronized void drop(String what) {
    Envelope before = kept.remove(what);
    bytes -= before == null ? 0 : before.size();
  }

  /** The server keeps no session that it could lose. */
  synchronized void forget() {
    kept.clear();
    bytes = 0;
  }

  /** The client's {@code initialize}. */
  synchronized Optional<Envelope> initialize() {
    return Optional.ofNullable(kept.get("initialize"));
  }

  /** The client's {@code notifications/initialized}, or one like it. */
  synchronized Envelope initialized() {
    Envelope own = kept.get("notifications/initialized");
    return own == null ? Envelope.notification("notifications/initialized", null) : own;
  }

  /** The requests by which the log level and the subscriptions are set again. */
  synchronized List<Envelope> settings() {
    List<Envelope> all = new ArrayList<>(subscriptions());
    Envelope level = kept.get("logging/setLevel");
    if (level != null) {
      all.add(0, level);
    }
    return all;
  }

  private synchronized List<Envelope> subscriptions() {
    return kept.entrySet().stream()
        .filter(entry -> entry.getKey().startsWith(SUBSCRIPTION))
        .map(Map.Entry::getValue)
        .toList();
  }
}
