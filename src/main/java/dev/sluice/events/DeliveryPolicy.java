package dev.sluice.events;

import java.util.Locale;

/** What happens when a subscriber's lane is full (contract C7). */
public enum DeliveryPolicy {
  /** The oldest events give way; one warning frame for each hole tells how many. */
  DROP_OLDEST("drop-oldest"),
  /** The connection is closed with 4008; the reader resumes from its last id. */
  DISCONNECT("disconnect"),
  /** Of each type and subject only the latest waits; the number skipped is told. */
  CONFLATE("conflate"),
  /** Nothing is dropped: the lane is refilled from the journal while retention lasts. */
  REQUIRE_COMPLETE("require-complete");

  private final String wireName;

  DeliveryPolicy(String wireName) {
    this.wireName = wireName;
  }

  /** The name that clients write. */
  public String wireName() {
    return wireName;
  }

  /**
   * Finds a policy by the name that clients write.
   *
   * @throws IllegalArgumentException naming the field and the four legal names
   */
  public static DeliveryPolicy parse(String text) {
    String wanted = text.toLowerCase(Locale.ROOT).replace('_', '-');
    for (DeliveryPolicy policy : values()) {
      if (policy.wireName.equals(wanted)) {
        return policy;
      }
    }
    throw new IllegalArgumentException(
        "policy must be drop-oldest, disconnect, conflate or require-complete");
  }
}
