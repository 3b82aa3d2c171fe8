package dev.sluice.streams;

import dev.sluice.events.DeliveryPolicy;
import dev.sluice.events.Since;
import dev.sluice.events.SubscribeRequest;
import dev.sluice.rest.ApiException;
import dev.sluice.rest.JsonBody;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.OptionalLong;
import org.jspecify.annotations.Nullable;

/** What a client may say on {@code /api/ws/events}, read and checked. */
sealed interface ClientMessage {

  /**
   * New filters, and place, policy and size where it names them.
   *
   * @param request what it asks for
   * @param acknowledged whether the sender expects a {@code subscribed} frame: not for the legacy
   *     form without {@code type}
   */
  record Subscribe(SubscribeRequest request, boolean acknowledged) implements ClientMessage {}

  /** The answer to a ping frame: welcome, never required. */
  record Pong() implements ClientMessage {}

  /**
   * Something that is answered with an error frame; the connection lives on.
   *
   * @param code for programs
   * @param message for people: field, problem, fix
   */
  record Rejected(String code, String message) implements ClientMessage {}

  /** Reads one text message. Never throws for what a client sent. */
  static ClientMessage parse(String text) {
    try {
      return interpret(JsonBody.readObject(text.getBytes(StandardCharsets.UTF_8)));
    } catch (ApiException refused) {
      return new Rejected(refused.refusal().code(), refused.refusal().message());
    } catch (IllegalArgumentException invalid) {
      return new Rejected("validation_failed", String.valueOf(invalid.getMessage()));
    }
  }

  private static ClientMessage interpret(JsonBody body) {
    if (body.has("type")) {
      String type = body.text("type");
      return switch (type) {
        case "subscribe" -> new Subscribe(request(body), true);
        case "pong" -> new Pong();
        default ->
            new Rejected(
                "unknown_type",
                "type \""
                    + (type.length() > 64 ? type.substring(0, 64) + "…" : type)
                    + "\" is not known; a client may send subscribe and pong");
      };
    }
    if (body.has("event_types") || body.has("mcp_server_ids")) {
      return new Subscribe(request(body), false);
    }
    return new Rejected(
        "unknown_message",
        "the object has no type; send {\"type\":\"subscribe\",…}, or event_types and"
            + " mcp_server_ids alone");
  }

  private static SubscribeRequest request(JsonBody body) {
    OptionalLong size = body.optionalWhole("queue_size", 1, SubscribeRequest.MAX_QUEUE_SIZE);
    return new SubscribeRequest(
        names(body, "event_types"),
        names(body, "mcp_server_ids"),
        body.has("since") ? Since.parse(body.text("since")) : null,
        body.has("policy") ? DeliveryPolicy.parse(body.text("policy")) : null,
        size.isPresent() ? Math.toIntExact(size.getAsLong()) : null,
        null);
  }

  private static @Nullable List<String> names(JsonBody body, String field) {
    return body.has(field) ? body.texts(field) : null;
  }
}
