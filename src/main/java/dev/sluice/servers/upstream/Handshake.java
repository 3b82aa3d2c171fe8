package dev.sluice.servers.upstream;

import dev.sluice.servers.upstream.UpstreamClient.ServerInfo;
import dev.sluice.servers.upstream.UpstreamException.Kind;
import jakarta.json.JsonArray;
import jakarta.json.JsonObject;
import jakarta.json.JsonString;
import jakarta.json.JsonValue;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Locale;
import java.util.Set;
import java.util.function.BiFunction;

/**
 * The opening of a session and the listing of what a server offers. Both block the caller; {@code
 * ask} sends a request and waits for its result.
 */
final class Handshake {

  /** What we speak, best first. */
  static final List<String> VERSIONS =
      List.of("2025-11-25", "2025-06-18", "2025-03-26", "2024-11-05");

  /** Pages of one list. */
  static final int MAX_PAGES = 200;

  /** Entries of one list. */
  static final int MAX_ENTRIES = 10_000;

  private static final int METHOD_NOT_FOUND = -32601;

  private final String serverName;
  private final BiFunction<String, String, JsonObject> ask;

  Handshake(String serverName, BiFunction<String, String, JsonObject> ask) {
    this.serverName = serverName;
    this.ask = ask;
  }

  /**
   * Sends {@code initialize}, with ever older versions if the server refuses instead of offering
   * one. A server that does not know the method is taken as one without sessions.
   *
   * @throws UpstreamException if there is no common version, or the server fails otherwise
   */
  ServerInfo initialize() {
    UpstreamException refusal = null;
    for (String version : VERSIONS) {
      try {
        return info(ask.apply("initialize", params(version)));
      } catch (UpstreamException refused) {
        boolean answered = refused.kind() == Kind.ERROR_RESPONSE;
        if (answered && refused.code().orElse(0) == METHOD_NOT_FOUND) {
          return new ServerInfo(serverName, "", "", JsonValue.EMPTY_JSON_OBJECT);
        }
        String message = String.valueOf(refused.getMessage()).toLowerCase(Locale.ROOT);
        if (!answered || !message.contains("version")) {
          throw refused;
        }
        refusal = refused;
      }
    }
    throw UpstreamException.of(
        Kind.PROTOCOL,
        "the server speaks none of "
            + VERSIONS
            + (refusal == null ? "" : ": " + refusal.getMessage()));
  }

  private static String params(String version) {
    return "{\"protocolVersion\":\""
        + version
        + "\",\"capabilities\":{},\"clientInfo\":{\"name\":\"sluice\",\"title\":\"Sluice MCP hub\","
        + "\"version\":\"0.1.0\"}}";
  }

  private ServerInfo info(JsonObject result) {
    String version = text(result, "protocolVersion", "");
    if (!VERSIONS.contains(version)) {
      throw UpstreamException.of(
          Kind.PROTOCOL,
          "the server answered initialize with protocol version \""
              + version
              + "\"; the hub speaks "
              + VERSIONS);
    }
    JsonObject self =
        result.get("serverInfo") instanceof JsonObject found ? found : JsonValue.EMPTY_JSON_OBJECT;
    JsonObject capabilities =
        result.get("capabilities") instanceof JsonObject found
            ? found
            : JsonValue.EMPTY_JSON_OBJECT;
    return new ServerInfo(
        text(self, "name", serverName), text(self, "version", ""), version, capabilities);
  }

  private static String text(JsonObject object, String name, String fallback) {
    return object.get(name) instanceof JsonString string ? string.getString() : fallback;
  }

  /** Whether a session was opened; otherwise the server works without. */
  static boolean hasSession(ServerInfo info) {
    return !info.protocolVersion().isEmpty();
  }

  /**
   * Reads all lists the server declares; one without sessions is asked for all.
   *
   * @throws UpstreamException if a list cannot be read
   */
  Catalogue list(ServerInfo info) {
    return new Catalogue(
        entries(info, "tools"), entries(info, "resources"), entries(info, "prompts"));
  }

  private List<JsonObject> entries(ServerInfo info, String what) {
    boolean sessionless = !hasSession(info);
    if (!sessionless && !info.capabilities().containsKey(what)) {
      return List.of();
    }
    List<JsonObject> entries = new ArrayList<>();
    Set<String> cursors = new HashSet<>();
    String params = null;
    String method = what + "/list";
    while (true) {
      JsonObject page;
      try {
        page = ask.apply(method, params == null ? "{}" : params);
      } catch (UpstreamException refused) {
        // Some servers declare a capability whose list they do not have.
        if (refused.kind() == Kind.ERROR_RESPONSE
            && refused.code().orElse(0) == METHOD_NOT_FOUND
            && params == null) {
          return List.of();
        }
        throw refused;
      }
      add(entries, page, what, method);
      if (!(page.get("nextCursor") instanceof JsonString cursor)) {
        return List.copyOf(entries);
      }
      if (!cursors.add(cursor.getString())) {
        throw UpstreamException.of(
            Kind.PROTOCOL, method + " goes in circles: it gave the same cursor twice");
      }
      if (cursors.size() >= MAX_PAGES) {
        throw UpstreamException.of(
            Kind.PROTOCOL, method + " has more than " + MAX_PAGES + " pages");
      }
      params = "{\"cursor\":" + cursor + "}";
    }
  }

  private static void add(List<JsonObject> entries, JsonObject page, String what, String method) {
    if (!(page.get(what) instanceof JsonArray found)) {
      throw UpstreamException.of(
          Kind.PROTOCOL, "the result of " + method + " has no array \"" + what + "\"");
    }
    for (JsonValue value : found) {
      if (!(value instanceof JsonObject entry)) {
        throw UpstreamException.of(
            Kind.PROTOCOL, "an entry of " + method + " is not a JSON object");
      }
      if (entries.size() >= MAX_ENTRIES) {
        throw UpstreamException.of(
            Kind.PROTOCOL, method + " has more than " + MAX_ENTRIES + " entries");
      }
      entries.add(entry);
    }
  }
}
