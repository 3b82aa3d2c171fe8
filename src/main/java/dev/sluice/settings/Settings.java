package dev.sluice.settings;

import java.time.Duration;
import java.util.EnumMap;
import java.util.Map;
import java.util.Optional;
import java.util.function.Function;

/**
 * The values of all {@link Setting}s, read and checked once. Immutable; any thread may read.
 *
 * <p>A value that cannot be used stops the start with a message that names the key, the problem and
 * the legal range.
 */
public final class Settings {

  private final Map<Setting, String> values = new EnumMap<>(Setting.class);
  private final long readAt = System.nanoTime();

  private Settings() {}

  /**
   * Reads every key through {@code source} (empty means: use the default).
   *
   * @throws IllegalArgumentException naming the first key whose value is not legal
   */
  public static Settings read(Function<String, Optional<String>> source) {
    Settings settings = new Settings();
    for (Setting setting : Setting.values()) {
      String value =
          source
              .apply(setting.key())
              .map(String::trim)
              .filter(v -> !v.isEmpty())
              .orElse(setting.fallback());
      check(setting, value);
      settings.values.put(setting, value);
    }
    return settings;
  }

  private static void check(Setting setting, String value) {
    switch (setting.type()) {
      case NUMBER -> {
        long number;
        try {
          number = Long.parseLong(value);
        } catch (NumberFormatException notNumber) {
          throw new IllegalArgumentException(
              setting.key() + " must be a whole number, was \"" + value + "\"", notNumber);
        }
        if (number < setting.min() || number > setting.max()) {
          throw new IllegalArgumentException(
              setting.key()
                  + " must be from "
                  + setting.min()
                  + " to "
                  + setting.max()
                  + ", was "
                  + number);
        }
      }
      case FLAG -> {
        if (!value.equals("true") && !value.equals("false")) {
          throw new IllegalArgumentException(
              setting.key() + " must be true or false, was \"" + value + "\"");
        }
      }
      case TEXT -> {}
    }
  }

  /** Time since they were read, with which the application's start begins. */
  public Duration age() {
    return Duration.ofNanos(System.nanoTime() - readAt);
  }

  /** A text; empty when unset. */
  public String text(Setting setting) {
    return values.getOrDefault(setting, setting.fallback());
  }

  /** A number within the setting's bounds. */
  public long number(Setting setting) {
    return Long.parseLong(text(setting));
  }

  /** A number that is known to fit. */
  public int integer(Setting setting) {
    return Math.toIntExact(number(setting));
  }

  /** A number of seconds. */
  public Duration seconds(Setting setting) {
    return Duration.ofSeconds(number(setting));
  }

  /** A switch. */
  public boolean flag(Setting setting) {
    return text(setting).equals("true");
  }
}
