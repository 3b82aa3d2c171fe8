package dev.sluice.rest;

import dev.sluice.access.Refusal;
import jakarta.json.Json;
import java.util.Map;

/** The code and message of failures that HTTP or the container found, by their status. */
final class HttpErrors {

  private HttpErrors() {}

  static Refusal of(int status) {
    return switch (status) {
      case 400 -> Refusal.of(400, "bad_request", "The request is not valid HTTP for this path.");
      case 401 -> Refusal.of(401, "unauthorized", "This needs an authenticated caller.");
      case 403 -> Refusal.of(403, "forbidden", "The caller may not do this.");
      case 404 ->
          Refusal.of(
              404, "not_found", "There is nothing at this path; /openapi.json lists the paths.");
      case 405 ->
          Refusal.of(
              405,
              "method_not_allowed",
              "This path does not have this method; see the Allow header.");
      case 406 ->
          Refusal.of(
              406,
              "not_acceptable",
              "This path cannot answer in a type that the Accept header allows.");
      case 408 -> Refusal.of(408, "request_timeout", "The request body did not arrive in time.");
      case 411 -> Refusal.of(411, "length_required", "The request needs a Content-Length.");
      case 413 -> Refusal.of(413, "body_too_large", "The request body is over the limit.");
      case 414 -> Refusal.of(414, "uri_too_long", "The URI is too long.");
      case 415 ->
          Refusal.of(415, "unsupported_media_type", "The request body must be application/json.");
      case 431 -> Refusal.of(431, "headers_too_large", "The request headers are too large.");
      case 500 -> Refusal.of(500, "internal_error", "The hub failed; its log says why.");
      case 501 -> Refusal.of(501, "not_implemented", "The server does not know this method.");
      case 503 -> Refusal.of(503, "unavailable", "The hub cannot answer now; try again later.");
      default ->
          status >= 500 && status < 600
              ? Refusal.of(
                  status, "server_error", "The server answered with status " + status + ".")
              : Refusal.of(
                  status >= 400 && status < 500 ? status : 500,
                  "request_failed",
                  "The server refused the request with status " + status + ".");
    };
  }

  static Refusal defect(String incident) {
    return new Refusal(
        500,
        "internal_error",
        "The hub failed; its log says why, under incident " + incident + ".",
        Json.createObjectBuilder().add("incident", incident).build(),
        Map.of());
  }
}
