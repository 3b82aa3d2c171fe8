package dev.sluice.access;

import java.net.InetAddress;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * Reads the headers in which proxies say for whom they speak: lists with commas, and {@code
 * Forwarded} (RFC 7239 §4). Bounded: a header has at most {@value #MAX_LENGTH} characters and
 * {@value #MAX_ELEMENTS} elements, over all its lines.
 */
final class Forwarding {

  static final int MAX_LENGTH = 4_096;
  static final int MAX_ELEMENTS = 32;

  /** RFC 7239 §4: a token or a quoted string; blanks around separators are let pass. */
  private static final Pattern PAIR =
      Pattern.compile(
          "[ \\t]*([!#$%&'*+.^_`|~0-9A-Za-z-]+)=(?:([!#$%&'*+.^_`|~0-9A-Za-z:\\[\\]-]+)"
              + "|\"((?:[^\"\\\\\\p{Cntrl}]|\\\\[^\\p{Cntrl}])*+)\")[ \\t]*");

  private static final Pattern QUOTED_PAIR = Pattern.compile("\\\\(.)");

  /** What a proxy wrote cannot be understood. */
  static final class Malformed extends Exception {
    private static final long serialVersionUID = 1L;

    private final String header;

    Malformed(String header, String message) {
      super(message);
      this.header = header;
    }

    String header() {
      return header;
    }
  }

  private Forwarding() {}

  /**
   * Whether every address named is this machine's own. False also where the text cannot be read or
   * names no address: then a proxy is there, and whom it speaks for is not known. Asked of every
   * call, so it can only take trust away, never give any.
   */
  static boolean isLocal(ProxyHeaders said) {
    try {
      List<String> nodes = new ArrayList<>(list("X-Forwarded-For", said.addresses()));
      nodes.addAll(list("X-Real-IP", said.realAddresses()));
      for (Map<String, String> element : elements(said.forwarded())) {
        nodes.add(element.getOrDefault("for", ""));
      }
      return nodes.stream()
          .allMatch(node -> address(node).filter(InetAddress::isLoopbackAddress).isPresent());
    } catch (Malformed unreadable) {
      return false;
    }
  }

  /** The elements of a header that is a list, in the order in which they were added. */
  static List<String> list(String header, List<String> values) throws Malformed {
    bounded(header, values);
    List<String> elements = new ArrayList<>();
    for (String value : values) {
      for (String element : value.split(",", -1)) {
        elements.add(element.strip());
      }
    }
    if (elements.size() > MAX_ELEMENTS) {
      throw new Malformed(header, "has more than " + MAX_ELEMENTS + " elements");
    }
    return elements;
  }

  /** The elements of {@code Forwarded}: each its parameters, by their names in lower case. */
  static List<Map<String, String>> elements(List<String> values) throws Malformed {
    bounded("Forwarded", values);
    List<Map<String, String>> elements = new ArrayList<>();
    for (String value : values) {
      Matcher pair = PAIR.matcher(value);
      Map<String, String> element = new HashMap<>();
      int at = 0;
      while (true) {
        if (!pair.find(at) || pair.start() != at) {
          throw new Malformed("Forwarded", "is not a list of name=value pairs (RFC 7239)");
        }
        String quoted = pair.group(3);
        String said = quoted == null ? pair.group(2) : QUOTED_PAIR.matcher(quoted).replaceAll("$1");
        if (element.put(pair.group(1).toLowerCase(Locale.ROOT), said) != null) {
          throw new Malformed("Forwarded", "says " + pair.group(1) + " twice in one element");
        }
        at = pair.end();
        char next = at == value.length() ? ',' : value.charAt(at);
        if (next == ',') {
          elements.add(element);
          element = new HashMap<>();
        } else if (next != ';') {
          throw new Malformed("Forwarded", "is not a list of name=value pairs (RFC 7239)");
        }
        if (at == value.length()) {
          break;
        }
        at++;
      }
    }
    if (elements.size() > MAX_ELEMENTS) {
      throw new Malformed("Forwarded", "has more than " + MAX_ELEMENTS + " elements");
    }
    return elements;
  }

  private static void bounded(String header, List<String> values) throws Malformed {
    if (values.stream().mapToInt(String::length).sum() > MAX_LENGTH) {
      throw new Malformed(header, "is longer than " + MAX_LENGTH + " characters");
    }
  }

  /** The address of a node, its port left out; empty if it is not an address. */
  static Optional<InetAddress> address(String node) {
    int bracket = node.indexOf(']');
    int colon = node.indexOf(':');
    if (node.startsWith("[")) {
      return bracket < 0 || !node.substring(bracket + 1).matches("(:\\d{1,5})?")
          ? Optional.empty()
          : AddressLiteral.parse(node.substring(1, bracket));
    }
    boolean port = colon > 0 && colon == node.lastIndexOf(':');
    return port && !node.substring(colon + 1).matches("\\d{1,5}")
        ? Optional.empty()
        : AddressLiteral.parse(port ? node.substring(0, colon) : node);
  }
}
