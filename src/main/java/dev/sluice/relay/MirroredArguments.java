package dev.sluice.relay;

import dev.sluice.jsonrpc.Envelope;
import dev.sluice.jsonrpc.Envelope.Part;
import dev.sluice.servers.upstream.ModernHeaders;
import dev.sluice.servers.upstream.PeerJson;
import jakarta.json.JsonArray;
import jakarta.json.JsonNumber;
import jakarta.json.JsonObject;
import jakarta.json.JsonString;
import jakarta.json.JsonValue;
import java.math.BigDecimal;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.ConcurrentHashMap;
import org.jspecify.annotations.Nullable;

/**
 * Which arguments of a server's tools HTTP repeats in {@code Mcp-Param-*} headers (2026-07-28), as
 * the tools say in the lists that clients were given: a client that knows of such a header has read
 * it there. A server without HTTP of its own cannot check them. At most {@value #MAX_TOOLS} tools
 * with at most {@value #MAX_ARGUMENTS} each; what is beyond is let through. Any thread may call.
 */
final class MirroredArguments {

  static final int MAX_TOOLS = 256;
  static final int MAX_ARGUMENTS = 64;

  private static final String ANNOTATION = "x-mcp-header";
  private static final int MAX_DEPTH = 16;

  /** Where an argument stands, and the header that repeats it. */
  private record Mirrored(List<String> path, String header) {}

  private final Map<String, List<Mirrored>> tools = new ConcurrentHashMap<>();

  /** Reads the answer to a {@code tools/list}. */
  void learn(Envelope answer) {
    String text = answer.json(Part.RESULT);
    if (text == null || (tools.isEmpty() && !text.contains(ANNOTATION))) {
      return;
    }
    JsonObject result = PeerJson.object(text);
    if (result == null || !(result.get("tools") instanceof JsonArray listed)) {
      return;
    }
    for (JsonValue each : listed) {
      if (each instanceof JsonObject tool && tool.get("name") instanceof JsonString name) {
        List<Mirrored> found = new ArrayList<>();
        find(tool.get("inputSchema"), List.of(), found);
        if (found.isEmpty()) {
          tools.remove(name.getString());
        } else if (tools.size() < MAX_TOOLS || tools.containsKey(name.getString())) {
          tools.put(name.getString(), List.copyOf(found));
        }
      }
    }
  }

  private static void find(@Nullable JsonValue schema, List<String> path, List<Mirrored> found) {
    if (path.size() >= MAX_DEPTH
        || !(schema instanceof JsonObject object)
        || !(object.get("properties") instanceof JsonObject properties)) {
      return;
    }
    properties.forEach(
        (name, property) -> {
          List<String> place = new ArrayList<>(path);
          place.add(name);
          if (property instanceof JsonObject described
              && described.get(ANNOTATION) instanceof JsonString header
              && found.size() < MAX_ARGUMENTS) {
            found.add(new Mirrored(List.copyOf(place), ModernHeaders.PARAM + header.getString()));
          }
          find(property, place, found);
        });
  }

  /** How many are known. */
  int count() {
    return tools.values().stream().mapToInt(List::size).sum();
  }

  /** The header of a {@code tools/call} that does not say what its argument says, if any. */
  Optional<String> mismatch(Envelope call, ModernLadder.Headers headers) {
    List<Mirrored> mirrored = tools.getOrDefault(String.valueOf(call.string(Part.NAME)), List.of());
    JsonObject params = mirrored.isEmpty() ? null : PeerJson.object(call.json(Part.PARAMS));
    if (params == null) {
      return Optional.empty();
    }
    for (Mirrored each : mirrored) {
      JsonValue value = params.get("arguments");
      for (String step : each.path()) {
        value = value instanceof JsonObject object ? object.get(step) : null;
      }
      if (!agrees(value, headers.all(each.header()))) {
        return Optional.of(each.header());
      }
    }
    return Optional.empty();
  }

  private static boolean agrees(@Nullable JsonValue value, List<String> stated) {
    if (value == null || value.getValueType() == JsonValue.ValueType.NULL) {
      return stated.isEmpty();
    }
    String decoded = stated.size() == 1 ? ModernHeaders.decode(stated.get(0)) : null;
    if (decoded == null) {
      return false;
    }
    if (value instanceof JsonString string) {
      return decoded.equals(string.getString());
    }
    if (value instanceof JsonNumber number) {
      try {
        return decoded.length() <= 64
            && new BigDecimal(decoded).compareTo(number.bigDecimalValue()) == 0;
      } catch (NumberFormatException none) {
        return false;
      }
    }
    // An object or a list cannot be repeated: the server says what is wrong with it.
    return value instanceof JsonObject
        || value instanceof JsonArray
        || decoded.equals(value.toString());
  }
}
