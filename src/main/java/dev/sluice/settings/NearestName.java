package dev.sluice.settings;

import java.util.Collection;
import java.util.Comparator;
import java.util.Locale;
import java.util.Optional;

/** Finds the known name that a mistyped one most likely meant. Any thread. */
public final class NearestName {

  /** Longer names are not compared. */
  private static final int MAX_LENGTH = 80;

  private NearestName() {}

  /** The nearest known name, if it is near: at most a third of its letters differ (at least 2). */
  public static Optional<String> of(String unknown, Collection<String> known) {
    if (unknown.length() > MAX_LENGTH) {
      return Optional.empty();
    }
    return known.stream()
        .min(Comparator.<String>comparingInt(k -> distance(unknown, k)).thenComparing(k -> k))
        .filter(k -> distance(unknown, k) <= Math.max(2, k.length() / 3));
  }

  /** {@code (did you mean "x"?)}, or nothing. */
  public static String hint(String unknown, Collection<String> known) {
    return of(unknown, known).map(k -> " (did you mean \"" + k + "\"?)").orElse("");
  }

  /** Levenshtein distance; case, {@code _} and {@code -} do not count. */
  static int distance(String first, String second) {
    String a = plain(first);
    String b = plain(second);
    int[] row = new int[b.length() + 1];
    for (int j = 0; j < row.length; j++) {
      row[j] = j;
    }
    for (int i = 1; i <= a.length(); i++) {
      int diagonal = row[0];
      row[0] = i;
      for (int j = 1; j <= b.length(); j++) {
        int change = diagonal + (a.charAt(i - 1) == b.charAt(j - 1) ? 0 : 1);
        diagonal = row[j];
        row[j] = Math.min(change, Math.min(row[j], row[j - 1]) + 1);
      }
    }
    return row[b.length()];
  }

  private static String plain(String name) {
    return name.toLowerCase(Locale.ROOT).replace("_", "").replace("-", "");
  }
}
