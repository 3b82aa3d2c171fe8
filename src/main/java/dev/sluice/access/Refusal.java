package dev.sluice.access;

import jakarta.json.Json;
import jakarta.json.JsonBuilderFactory;
import jakarta.json.JsonObject;
import java.util.Map;
import java.util.TreeMap;

/**
 * An answer that refuses: the one error shape of everything under the context root, {@code
 * {"error":{"code","message","details"}}}. Immutable; any thread.
 *
 * @param status the HTTP status, 400 to 599
 * @param code a stable name for programs; docs/rest.md lists them
 * @param message for people: what is wrong and what to do
 * @param details facts behind the message, may be empty
 * @param headers further response headers, for example {@code Retry-After}
 */
public record Refusal(
    int status, String code, String message, JsonObject details, Map<String, String> headers) {

  /** The content type of {@link #body()}. */
  public static final String CONTENT_TYPE = "application/json;charset=UTF-8";

  private static final JsonBuilderFactory JSON = Json.createBuilderFactory(Map.of());

  /** Checks the status and copies the headers. */
  public Refusal {
    if (status < 400 || status > 599) {
      throw new IllegalArgumentException("a refusal has a status from 400 to 599, was " + status);
    }
    headers = Map.copyOf(headers);
  }

  /** A refusal without details and headers. */
  public static Refusal of(int status, String code, String message) {
    return new Refusal(status, code, message, JsonObject.EMPTY_JSON_OBJECT, Map.of());
  }

  /** The same with one more header. */
  public Refusal with(String header, String value) {
    Map<String, String> more = new TreeMap<>(headers);
    more.put(header, value);
    return new Refusal(status, code, message, details, more);
  }

  /** The JSON text of the body. */
  public String body() {
    return JSON.createObjectBuilder()
        .add(
            "error",
            JSON.createObjectBuilder()
                .add("code", code)
                .add("message", message)
                .add("details", details))
        .build()
        .toString();
  }
}
