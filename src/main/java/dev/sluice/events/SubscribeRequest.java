package dev.sluice.events;

import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * What a subscriber asks for; every part is optional and checked here.
 *
 * <p>An absent list does not filter; an empty list matches nothing. When a request replaces an
 * earlier one, its filters replace both filters, while an absent {@code since} keeps the place in
 * the stream and an absent policy or size keeps what was in force.
 *
 * @param eventTypes names of event types, {@code *} standing for any run of characters; at most 256
 *     of 1 to 128 characters
 * @param mcpServerIds subjects, compared exactly; at most 256 of 1 to 128 characters
 * @param since where to start; absent means live on the first request
 * @param policy absent means {@link DeliveryPolicy#DROP_OLDEST} on the first request
 * @param queueSize events the lane holds, 1 to 65536
 * @param queueBytes bytes the lane holds, 4096 to 16 MiB
 */
public record SubscribeRequest(
    @Nullable List<String> eventTypes,
    @Nullable List<String> mcpServerIds,
    @Nullable Since since,
    @Nullable DeliveryPolicy policy,
    @Nullable Integer queueSize,
    @Nullable Integer queueBytes) {

  /** Most names in one filter. */
  public static final int MAX_NAMES = 256;

  /** Most characters of one name. */
  public static final int MAX_NAME_LENGTH = 128;

  /** Most events in a lane. */
  public static final int MAX_QUEUE_SIZE = 65_536;

  /** Most bytes in a lane. */
  public static final int MAX_QUEUE_BYTES = 16 * 1024 * 1024;

  /** Least byte bound of a lane. */
  public static final int MIN_QUEUE_BYTES = 4096;

  /** All events from now on, with the hub's default bounds. */
  public static final SubscribeRequest EVERYTHING =
      new SubscribeRequest(null, null, null, null, null, null);

  /**
   * Checks every part.
   *
   * @throws IllegalArgumentException naming the field, the problem and the bound
   */
  public SubscribeRequest {
    eventTypes = checked("event_types", eventTypes);
    mcpServerIds = checked("mcp_server_ids", mcpServerIds);
    range("queue_size", queueSize, 1, MAX_QUEUE_SIZE);
    range("queue_bytes", queueBytes, MIN_QUEUE_BYTES, MAX_QUEUE_BYTES);
  }

  /** Whether it leaves anything out. */
  public boolean filters() {
    return eventTypes != null || mcpServerIds != null;
  }

  /** The same request, starting elsewhere. */
  public SubscribeRequest withSince(@Nullable Since start) {
    return new SubscribeRequest(eventTypes, mcpServerIds, start, policy, queueSize, queueBytes);
  }

  /** The same request under another policy. */
  public SubscribeRequest withPolicy(@Nullable DeliveryPolicy other) {
    return new SubscribeRequest(eventTypes, mcpServerIds, since, other, queueSize, queueBytes);
  }

  /** The same request with another lane size in events. */
  public SubscribeRequest withQueueSize(@Nullable Integer size) {
    return new SubscribeRequest(eventTypes, mcpServerIds, since, policy, size, queueBytes);
  }

  /** The same request with other filters. */
  public SubscribeRequest withFilters(@Nullable List<String> types, @Nullable List<String> ids) {
    return new SubscribeRequest(types, ids, since, policy, queueSize, queueBytes);
  }

  /** What this request, coming after {@code earlier}, means in full. */
  SubscribeRequest over(SubscribeRequest earlier) {
    return new SubscribeRequest(
        eventTypes,
        mcpServerIds,
        since,
        policy != null ? policy : earlier.policy,
        queueSize != null ? queueSize : earlier.queueSize,
        queueBytes != null ? queueBytes : earlier.queueBytes);
  }

  private static @Nullable List<String> checked(String field, @Nullable List<String> names) {
    if (names == null) {
      return null;
    }
    if (names.size() > MAX_NAMES) {
      throw new IllegalArgumentException(
          field + " may hold at most " + MAX_NAMES + " names, was " + names.size());
    }
    for (String name : names) {
      if (name.isEmpty() || name.length() > MAX_NAME_LENGTH) {
        throw new IllegalArgumentException(
            field + " names must have 1 to " + MAX_NAME_LENGTH + " characters");
      }
    }
    return List.copyOf(names);
  }

  private static void range(String field, @Nullable Integer value, int min, int max) {
    if (value != null && (value < min || value > max)) {
      throw new IllegalArgumentException(
          field + " must be from " + min + " to " + max + ", was " + value);
    }
  }
}
