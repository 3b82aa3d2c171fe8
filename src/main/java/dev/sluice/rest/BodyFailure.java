package dev.sluice.rest;

import java.io.IOException;
import java.time.Duration;

/**
 * Why a request body cannot be had; thrown when it is read. REST and MCP each answer in their form.
 */
public final class BodyFailure extends IOException {

  private static final long serialVersionUID = 1L;
  private static final Duration ROOM = Duration.ofSeconds(1);

  private final int status;
  private final String code;

  private BodyFailure(int status, String code, String message) {
    super(message);
    this.status = status;
    this.code = code;
  }

  static BodyFailure tooLarge(int limit) {
    return new BodyFailure(
        413,
        "body_too_large",
        "The request body is larger than " + limit + " bytes (sluice.http.body.limit).");
  }

  static BodyFailure tooSlow(Duration within) {
    return new BodyFailure(
        408,
        "request_timeout",
        "The request body did not arrive within "
            + within.toSeconds()
            + " s (sluice.http.body.seconds).");
  }

  static BodyFailure noRoom(long bytes) {
    return new BodyFailure(
        503,
        "too_many_bodies",
        "Request bodies that are still arriving hold " + bytes + " bytes, the most they may.");
  }

  static BodyFailure noThread(int threads) {
    return new BodyFailure(
        503,
        "too_many_bodies",
        threads
            + " threads wait for request bodies, the most that may (sluice.http.body.threads)."
            + " Send the body together with the head, or try again.");
  }

  static BodyFailure notRun() {
    return new BodyFailure(
        503, "not_run", "The hub ended before the request's body had come. Send it again.");
  }

  static BodyFailure incomplete() {
    return new BodyFailure(
        400, "body_incomplete", "The request body ended before its announced end.");
  }

  /** The HTTP status that says it. */
  public int status() {
    return status;
  }

  /** The same as an answer of REST, with {@code Retry-After} where trying again may help. */
  public ApiException asApiException() {
    String message = String.valueOf(getMessage());
    return status == 503
        ? ApiException.unavailable(code, message, ROOM)
        : ApiException.of(status, code, message);
  }
}
