package dev.sluice.servers;

import java.util.regex.Pattern;

/**
 * The name of a server in files, URLs and events.
 *
 * @param value 1 to 64 characters of {@code [A-Za-z0-9_-]}
 */
public record ServerId(String value) implements Comparable<ServerId> {

  private static final Pattern LEGAL = Pattern.compile("[A-Za-z0-9_-]{1,64}");

  /** Checks the pattern. */
  public ServerId {
    if (!LEGAL.matcher(value).matches()) {
      throw new IllegalArgumentException(
          "server id must match [A-Za-z0-9_-]{1,64}, was \"" + abbreviate(value) + "\"");
    }
  }

  private static String abbreviate(String text) {
    return text.length() <= 80 ? text : text.substring(0, 80) + "…";
  }

  @Override
  public int compareTo(ServerId other) {
    return value.compareTo(other.value);
  }

  @Override
  public String toString() {
    return value;
  }
}
