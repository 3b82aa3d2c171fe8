package dev.sluice.streams;

import dev.sluice.events.DeliveryPolicy;
import dev.sluice.events.Since;
import dev.sluice.events.SubscribeRequest;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * The subscription that a URL's query asks for, the same for WebSocket and SSE: {@code
 * event_types}, {@code mcp_server_ids} (repeated or comma separated), {@code since}, {@code
 * policy}, {@code queue_size}. Other parameters are not ours and are left alone.
 */
final class SubscribeQuery {

  private SubscribeQuery() {}

  /**
   * Reads the decoded parameters. A parameter that is there and empty is an empty list, which
   * matches nothing; one that is not there does not filter.
   *
   * @throws IllegalArgumentException naming the parameter, the problem and what is legal
   */
  static SubscribeRequest parse(Map<String, List<String>> parameters) {
    @Nullable String since = single(parameters, "since");
    @Nullable String policy = single(parameters, "policy");
    @Nullable String size = single(parameters, "queue_size");
    return new SubscribeRequest(
        names(parameters, "event_types"),
        names(parameters, "mcp_server_ids"),
        since == null ? null : since(since),
        policy == null ? null : DeliveryPolicy.parse(policy),
        size == null ? null : whole("queue_size", size, SubscribeRequest.MAX_QUEUE_SIZE),
        null);
  }

  /** Reads a place in the stream; a plus that the URL decoding took for a space is put back. */
  static Since since(String text) {
    return Since.parse(text.replace(' ', '+'));
  }

  /** The names of a filter; null when the parameter is not there. */
  static @Nullable List<String> names(Map<String, List<String>> parameters, String field) {
    List<String> values = parameters.get(field);
    if (values == null) {
      return null;
    }
    List<String> names = new ArrayList<>();
    for (String value : values) {
      for (String name : value.split(",", -1)) {
        if (!name.isBlank()) {
          names.add(name.trim());
        }
        if (names.size() > SubscribeRequest.MAX_NAMES) {
          throw new IllegalArgumentException(
              field + " may hold at most " + SubscribeRequest.MAX_NAMES + " names");
        }
      }
    }
    return names;
  }

  /** The parameter's only value; null when it is absent or empty. */
  static @Nullable String single(Map<String, List<String>> parameters, String field) {
    List<String> values = parameters.get(field);
    if (values == null || values.isEmpty()) {
      return null;
    }
    if (values.size() > 1) {
      throw new IllegalArgumentException(field + " must be given once, not " + values.size());
    }
    String value = values.get(0).trim();
    return value.isEmpty() ? null : value;
  }

  /** A whole number from 1 to {@code max}. */
  static int whole(String field, String text, int max) {
    if (text.length() <= 9 && text.chars().allMatch(c -> c >= '0' && c <= '9')) {
      int number = Integer.parseInt(text);
      if (number >= 1 && number <= max) {
        return number;
      }
    }
    throw new IllegalArgumentException(field + " must be a whole number from 1 to " + max);
  }
}
