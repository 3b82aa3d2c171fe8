package dev.sluice.access;

import java.util.Locale;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * The host and port of a Host header or an origin (RFC 3986 §3.2 without user information).
 *
 * @param host lower case, an IPv6 literal in its brackets, without a final dot
 * @param port 1 to 65535 if there is one
 */
record Authority(String host, OptionalInt port) {

  private static final Pattern FORM =
      Pattern.compile("(\\[[0-9A-Fa-f:.]{2,45}\\]|[A-Za-z0-9._-]{1,253})(?::([0-9]{1,5}))?");

  /** Reads one; empty when it is not legal. */
  static Optional<Authority> parse(String text) {
    Matcher form = FORM.matcher(text);
    if (!form.matches()) {
      return Optional.empty();
    }
    String host = form.group(1).toLowerCase(Locale.ROOT);
    if (host.endsWith(".") && host.length() > 1) {
      host = host.substring(0, host.length() - 1);
    }
    String digits = form.group(2);
    if (digits == null) {
      return Optional.of(new Authority(host, OptionalInt.empty()));
    }
    int port = Integer.parseInt(digits);
    return port < 1 || port > 65535
        ? Optional.empty()
        : Optional.of(new Authority(host, OptionalInt.of(port)));
  }

  /** Whether {@code actual} is this host, at this port if one is named here. */
  boolean covers(Authority actual) {
    return host.equals(actual.host) && (port.isEmpty() || port.equals(actual.port));
  }

  @Override
  public String toString() {
    return port.isPresent() ? host + ":" + port.getAsInt() : host;
  }
}
