package dev.sluice.relay;

import dev.sluice.jsonrpc.Envelope;
import dev.sluice.jsonrpc.Envelope.Kind;
import dev.sluice.jsonrpc.Envelope.Part;
import dev.sluice.jsonrpc.MalformedMessageException;
import dev.sluice.servers.upstream.PeerJson;
import jakarta.json.Json;
import jakarta.json.JsonArray;
import jakarta.json.JsonObject;
import jakarta.json.JsonString;
import jakarta.json.JsonValue;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/**
 * What the WebSocket clients of gomcp 1.x need. After each message they send, notifications too,
 * they take the next one that comes for the answer, whatever its id; so they get answers and
 * nothing else, and a {@code ping} for each notification. They answer nothing they are asked; so
 * they offer nothing that a server could ask for. They send a list of protocol versions, and take a
 * single one of these.
 *
 * <p>Immutable; any thread may use it.
 */
final class LockStep {

  private static final String CLIENT = "GoMCP Client";
  private static final int METHOD_NOT_FOUND = -32601;

  private static final List<String> KNOWN =
      List.of("2025-11-25", "2025-06-18", "2025-03-26", "2024-11-05");

  private final Envelope initialize;
  private final String offered;
  private final String version;

  private LockStep(Envelope initialize, String offered, String version) {
    this.initialize = initialize;
    this.offered = offered;
    this.version = version;
  }

  /** Empty if the client that sent this {@code initialize} does as others do. */
  static Optional<LockStep> of(Envelope initialize) {
    String offered = initialize.json(Part.PROTOCOL_VERSION);
    JsonObject params = PeerJson.object(initialize.json(Part.PARAMS));
    if (offered == null || params == null) {
      return Optional.empty();
    }
    boolean list = params.get("protocolVersion") instanceof JsonArray;
    boolean named =
        params.get("clientInfo") instanceof JsonObject info
            && info.get("name") instanceof JsonString name
            && name.getString().equals(CLIENT);
    if (!list && !named) {
      return Optional.empty();
    }
    JsonValue version = params.get("protocolVersion");
    for (String known : KNOWN) {
      if (list && offered.contains("\"" + known + "\"")) {
        version = Json.createValue(known);
        break;
      }
    }
    String told =
        Json.createObjectBuilder(params)
            .add("protocolVersion", version)
            .add("capabilities", JsonValue.EMPTY_JSON_OBJECT)
            .build()
            .toString();
    return Optional.of(
        new LockStep(spliced(initialize, Part.PARAMS, told), offered, String.valueOf(version)));
  }

  private static Envelope spliced(Envelope message, Part part, String json) {
    try {
      return Envelope.read(message.splice(Map.of(part, json.getBytes(StandardCharsets.UTF_8))));
    } catch (MalformedMessageException impossible) { // one value was replaced by another
      throw new IllegalStateException(impossible);
    }
  }

  /** The client's {@code initialize} as a server can read it. */
  Envelope initialize() {
    return initialize;
  }

  /** What the client gets of a message of the server; null for nothing. */
  @Nullable Envelope toClient(Envelope message) {
    if (message.kind() == Kind.REQUEST || message.kind() == Kind.NOTIFICATION) {
      return null;
    }
    // A child that sessions share speaks the version of its first one.
    String agreed = message.json(Part.RESULT_PROTOCOL_VERSION);
    return agreed == null || offered.contains(agreed)
        ? message
        : spliced(message, Part.RESULT_PROTOCOL_VERSION, version);
  }

  /** What the client would answer to a request of the server if it could. */
  static Envelope answer(Envelope request) {
    return request.method().equals("ping")
        ? Envelope.response(request, "{}")
        : Envelope.error(request, METHOD_NOT_FOUND, "The client takes no requests.");
  }
}
