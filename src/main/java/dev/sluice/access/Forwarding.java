package dev.sluice.access;

import java.util.List;
import java.util.Locale;

/**
 * Whom a reverse proxy says it speaks for: {@code X-Forwarded-For}, {@code X-Real-IP} and {@code
 * Forwarded} (RFC 7239). These headers can only take trust away, never give any.
 */
final class Forwarding {

  private Forwarding() {}

  /**
   * Whether every address named is this machine's own. False also where the text cannot be read or
   * names no address: then a proxy is there, and whom it speaks for is not known.
   *
   * @param addresses values of {@code X-Forwarded-For} and {@code X-Real-IP}
   * @param forwarded values of {@code Forwarded}
   */
  static boolean isLocal(List<String> addresses, List<String> forwarded) {
    for (String value : addresses) {
      for (String node : value.split(",", -1)) {
        if (!isLocal(node)) {
          return false;
        }
      }
    }
    for (String value : forwarded) {
      for (String element : value.split(",", -1)) {
        if (!elementIsLocal(element)) {
          return false;
        }
      }
    }
    return true;
  }

  private static boolean elementIsLocal(String element) {
    boolean named = false;
    for (String pair : element.split(";", -1)) {
      int equals = pair.indexOf('=');
      if (equals > 0 && pair.substring(0, equals).strip().toLowerCase(Locale.ROOT).equals("for")) {
        if (!isLocal(pair.substring(equals + 1))) {
          return false;
        }
        named = true;
      }
    }
    return named;
  }

  private static boolean isLocal(String node) {
    String plain = node.strip();
    if (plain.length() > 1 && plain.startsWith("\"") && plain.endsWith("\"")) {
      plain = plain.substring(1, plain.length() - 1);
    }
    int bracket = plain.indexOf(']');
    int colon = plain.indexOf(':');
    if (plain.startsWith("[") && bracket > 0) {
      plain = plain.substring(0, bracket + 1);
    } else if (colon > 0 && colon == plain.lastIndexOf(':')) {
      plain = plain.substring(0, colon);
    }
    return Loopback.isLiteral(plain);
  }
}
