package dev.sluice.access;

import java.util.Locale;
import java.util.Optional;

/**
 * A web origin (RFC 6454): scheme, host and port, the default port filled in.
 *
 * @param scheme http or https
 * @param host as in {@link Authority}
 * @param port 1 to 65535
 */
record Origin(String scheme, String host, int port) {

  /** Reads {@code http[s]://host[:port]}; empty for anything else, {@code null} included. */
  static Optional<Origin> parse(String text) {
    int end = text.indexOf("://");
    if (end < 0) {
      return Optional.empty();
    }
    String scheme = text.substring(0, end).toLowerCase(Locale.ROOT);
    if (!scheme.equals("http") && !scheme.equals("https")) {
      return Optional.empty();
    }
    return Authority.parse(text.substring(end + 3)).map(authority -> of(scheme, authority));
  }

  /** The origin of a page that this server delivered under that authority. */
  static Origin of(String scheme, Authority authority) {
    return new Origin(
        scheme, authority.host(), authority.port().orElse(scheme.equals("https") ? 443 : 80));
  }

  @Override
  public String toString() {
    return scheme + "://" + host + ":" + port;
  }
}
