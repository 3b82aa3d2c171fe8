package dev.sluice.events;

import java.time.DateTimeException;
import java.time.Instant;
import java.time.OffsetDateTime;

/** Where a subscription starts to read (contract C8). */
public sealed interface Since {

  /** After this id. */
  record After(EventId id) implements Since {}

  /** The oldest event that retention still holds. */
  record Earliest() implements Since {}

  /** The first event after the moment of subscribing. */
  record Live() implements Since {}

  /** The first event at or after this time. */
  record At(Instant time) implements Since {}

  /**
   * Reads {@code earliest}, {@code live}, an event id or an ISO-8601 time with zone.
   *
   * @throws IllegalArgumentException naming the field and the legal forms
   */
  static Since parse(String text) {
    if (text.equals("earliest")) {
      return new Earliest();
    }
    if (text.equals("live")) {
      return new Live();
    }
    if (text.length() <= 52) {
      try {
        return new After(EventId.parse(text));
      } catch (IllegalArgumentException notAnId) {
        try {
          return new At(OffsetDateTime.parse(text).toInstant());
        } catch (DateTimeException notATime) {
          notATime.addSuppressed(notAnId);
          throw new IllegalArgumentException(MESSAGE, notATime);
        }
      }
    }
    throw new IllegalArgumentException(MESSAGE);
  }

  /** What a caller is told whose text is none of the four forms. */
  String MESSAGE =
      "since must be an event id (epoch:seq), earliest, live or an ISO-8601 time with zone";
}
