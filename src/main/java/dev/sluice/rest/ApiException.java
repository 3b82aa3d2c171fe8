package dev.sluice.rest;

import dev.sluice.access.Refusal;
import jakarta.ejb.ApplicationException;
import jakarta.json.Json;
import jakarta.json.JsonObject;
import java.time.Duration;
import java.util.Map;
import java.util.Optional;

/**
 * A request that cannot be answered as asked. Thrown by resources and what they call, from any
 * thread; becomes the one error shape with its status. An EJB passes it on unwrapped.
 */
@ApplicationException(rollback = false)
public final class ApiException extends RuntimeException {

  private static final long serialVersionUID = 1L;

  private final transient Refusal refusal;

  /**
   * Makes the exception.
   *
   * @param status the HTTP status, 400 to 599
   * @param code a stable name for programs, listed in docs/rest.md
   * @param message for people: the field, the problem, the fix
   * @param details facts behind the message, may be empty
   * @param retryAfter when it may work, sent as {@code Retry-After} in whole seconds, rounded up
   */
  public ApiException(
      int status, String code, String message, JsonObject details, Optional<Duration> retryAfter) {
    super(message);
    this.refusal =
        new Refusal(
            status,
            code,
            message,
            details,
            retryAfter
                .map(after -> Map.of("Retry-After", Long.toString(wholeSeconds(after))))
                .orElse(Map.of()));
  }

  /** One without details. */
  public static ApiException of(int status, String code, String message) {
    return new ApiException(status, code, message, JsonObject.EMPTY_JSON_OBJECT, Optional.empty());
  }

  /** 404. */
  public static ApiException notFound(String code, String message) {
    return of(404, code, message);
  }

  /** 409. */
  public static ApiException conflict(String code, String message) {
    return of(409, code, message);
  }

  /**
   * 422 {@code validation_failed}.
   *
   * @param field the field, also in the details
   * @param problem what is wrong with it and what is legal
   */
  public static ApiException invalid(String field, String problem) {
    return invalidField(field, field + ": " + problem);
  }

  /** The same with a message that names the field already. */
  public static ApiException invalidField(String field, String message) {
    return new ApiException(
        422,
        "validation_failed",
        message,
        Json.createObjectBuilder().add("field", field).build(),
        Optional.empty());
  }

  /** 429 with {@code Retry-After}. */
  public static ApiException tooMany(String code, String message, Duration retryAfter) {
    return new ApiException(
        429, code, message, JsonObject.EMPTY_JSON_OBJECT, Optional.of(retryAfter));
  }

  /** 503 with {@code Retry-After}. */
  public static ApiException unavailable(String code, String message, Duration retryAfter) {
    return new ApiException(
        503, code, message, JsonObject.EMPTY_JSON_OBJECT, Optional.of(retryAfter));
  }

  /** The answer. */
  public Refusal refusal() {
    return refusal;
  }

  private static long wholeSeconds(Duration after) {
    return Math.max(0, (after.toMillis() + 999) / 1000);
  }
}
