package dev.sluice.events;

import java.util.Objects;

/**
 * The id of an event: {@code epoch:seq} (contract C1).
 *
 * <p>{@code seq} counts from 1 without holes inside one {@code epoch}; the epoch changes only when
 * continuity is truly lost. Clients treat the text as opaque.
 *
 * @param epoch 1 to 32 characters of {@code [A-Za-z0-9._-]}
 * @param seq 0 (before the first event) or more
 */
public record EventId(String epoch, long seq) {

  /** Checks the bounds of both parts. */
  public EventId {
    Objects.requireNonNull(epoch, "epoch");
    if (epoch.isEmpty() || epoch.length() > 32 || !legal(epoch)) {
      throw new IllegalArgumentException("event id: epoch must be 1-32 of [A-Za-z0-9._-]");
    }
    if (seq < 0) {
      throw new IllegalArgumentException("event id: seq must not be negative, was " + seq);
    }
  }

  /**
   * Reads {@code epoch:seq}.
   *
   * @throws IllegalArgumentException naming what is wrong with the text
   */
  public static EventId parse(String text) {
    int colon = text.lastIndexOf(':');
    if (text.length() > 52 || colon < 0) {
      throw new IllegalArgumentException("event id must look like epoch:seq");
    }
    String seq = text.substring(colon + 1);
    if (seq.isEmpty() || !seq.chars().allMatch(c -> c >= '0' && c <= '9')) {
      throw new IllegalArgumentException("event id: seq must be a whole number");
    }
    try {
      return new EventId(text.substring(0, colon), Long.parseLong(seq));
    } catch (NumberFormatException tooLarge) {
      throw new IllegalArgumentException("event id: seq is too large", tooLarge);
    }
  }

  /** A plain loop: every append makes an id. */
  private static boolean legal(String epoch) {
    for (int i = 0; i < epoch.length(); i++) {
      if (!legal(epoch.charAt(i))) {
        return false;
      }
    }
    return true;
  }

  private static boolean legal(int c) {
    return (c >= '0' && c <= '9')
        || (c >= 'a' && c <= 'z')
        || (c >= 'A' && c <= 'Z')
        || c == '.'
        || c == '_'
        || c == '-';
  }

  @Override
  public String toString() {
    return epoch + ":" + seq;
  }
}
