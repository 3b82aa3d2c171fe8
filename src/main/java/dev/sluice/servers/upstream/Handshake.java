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
import java.util.concurrent.CompletableFuture;
import java.util.function.BiFunction;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;

/**
 * The opening of a session and the listing of what a server offers. Neither blocks nor holds a
 * thread; {@code ask} sends a request and gives its result to come.
 */
final class Handshake {

  /** What we speak, best first. */
  static final List<String> VERSIONS =
      List.of("2025-11-25", "2025-06-18", "2025-03-26", "2024-11-05");

  /** Pages of one list. */
  static final int MAX_PAGES = 200;

  /** Entries of one list. */
  static final int MAX_ENTRIES = 10_000;

  /** Characters of all lists together. */
  static final int MAX_CHARACTERS = 32 << 20;

  private static final int METHOD_NOT_FOUND = -32601;
  private static final int SHOWN = 256;

  private final String serverName;
  private final BiFunction<String, String, CompletableFuture<JsonObject>> ask;

  /** Of what was listed so far; the pages come one after another. */
  private volatile int characters;

  Handshake(String serverName, BiFunction<String, String, CompletableFuture<JsonObject>> ask) {
    this.serverName = serverName;
    this.ask = ask;
  }

  /**
   * Sends {@code initialize}, with ever older versions if the server refuses instead of offering
   * one. A server that does not know the method is taken as one without sessions.
   *
   * @return fails with {@link UpstreamException} if there is no common version, or the server fails
   *     otherwise
   */
  CompletableFuture<ServerInfo> initialize() {
    return initialize(0, "");
  }

  private CompletableFuture<ServerInfo> initialize(int attempt, String refusal) {
    if (attempt == VERSIONS.size()) {
      return CompletableFuture.failedFuture(
          UpstreamException.of(
              Kind.PROTOCOL, "the server speaks none of " + VERSIONS + ": " + refusal));
    }
    return answered(
        ask.apply("initialize", params(VERSIONS.get(attempt))),
        result -> CompletableFuture.completedFuture(info(result)),
        refused -> refused(attempt, refused));
  }

  private CompletableFuture<ServerInfo> refused(int attempt, UpstreamException refused) {
    boolean answered = refused.kind() == Kind.ERROR_RESPONSE;
    if (answered && refused.code().orElse(0) == METHOD_NOT_FOUND) {
      return CompletableFuture.completedFuture(
          new ServerInfo(serverName, "", "", JsonValue.EMPTY_JSON_OBJECT));
    }
    String message = String.valueOf(refused.getMessage());
    if (!answered || !message.toLowerCase(Locale.ROOT).contains("version")) {
      return CompletableFuture.failedFuture(refused);
    }
    return initialize(attempt + 1, message);
  }

  static String params(String version) {
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
    String text = object.get(name) instanceof JsonString string ? string.getString() : fallback;
    return text.length() <= SHOWN ? text : text.substring(0, SHOWN) + " …";
  }

  /** Whether a session was opened; otherwise the server works without. */
  static boolean hasSession(ServerInfo info) {
    return !info.protocolVersion().isEmpty();
  }

  /**
   * Reads all lists the server declares; one without sessions is asked for all.
   *
   * @return fails with {@link UpstreamException} if a list cannot be read
   */
  CompletableFuture<Catalogue> list(ServerInfo info) {
    return entries(info, "tools")
        .thenCompose(
            tools ->
                entries(info, "resources")
                    .thenCompose(
                        resources ->
                            entries(info, "prompts")
                                .thenApply(prompts -> new Catalogue(tools, resources, prompts))));
  }

  private CompletableFuture<List<JsonObject>> entries(ServerInfo info, String what) {
    if (hasSession(info) && !info.capabilities().containsKey(what)) {
      return CompletableFuture.completedFuture(List.of());
    }
    return pages(what, null, new ArrayList<>(), new HashSet<>());
  }

  private CompletableFuture<List<JsonObject>> pages(
      String what, @Nullable String params, List<JsonObject> entries, Set<String> cursors) {
    return answered(
        ask.apply(what + "/list", params == null ? "{}" : params),
        page -> page(what, page, entries, cursors),
        refused -> {
          // Some servers declare a capability whose list they do not have.
          boolean none =
              refused.kind() == Kind.ERROR_RESPONSE
                  && refused.code().orElse(0) == METHOD_NOT_FOUND
                  && params == null;
          return none
              ? CompletableFuture.completedFuture(List.of())
              : CompletableFuture.failedFuture(refused);
        });
  }

  /** Goes on with the result or with the failure, whichever comes. */
  @SuppressWarnings("FutureReturnValueIgnored") // the future within is taken out at once
  private static <T> CompletableFuture<T> answered(
      CompletableFuture<JsonObject> answer,
      Function<JsonObject, CompletableFuture<T>> result,
      Function<UpstreamException, CompletableFuture<T>> failure) {
    return answer
        .handle(
            (found, problem) ->
                problem == null
                    ? result.apply(found)
                    : failure.apply(UpstreamException.from(problem)))
        .thenCompose(Function.identity());
  }

  private CompletableFuture<List<JsonObject>> page(
      String what, JsonObject page, List<JsonObject> entries, Set<String> cursors) {
    String method = what + "/list";
    add(entries, page, what, method);
    if (!(page.get("nextCursor") instanceof JsonString cursor)) {
      return CompletableFuture.completedFuture(List.copyOf(entries));
    }
    if (!cursors.add(cursor.getString())) {
      throw UpstreamException.of(
          Kind.PROTOCOL, method + " goes in circles: it gave the same cursor twice");
    }
    if (cursors.size() >= MAX_PAGES) {
      throw UpstreamException.of(Kind.PROTOCOL, method + " has more than " + MAX_PAGES + " pages");
    }
    return pages(what, "{\"cursor\":" + cursor + "}", entries, cursors);
  }

  private void add(List<JsonObject> entries, JsonObject page, String what, String method) {
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
      int more = characters + entry.toString().length();
      characters = more;
      if (more > MAX_CHARACTERS) {
        throw UpstreamException.of(
            Kind.PROTOCOL, "the lists have more than " + MAX_CHARACTERS + " characters");
      }
      entries.add(entry);
    }
  }
}
