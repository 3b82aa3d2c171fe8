package dev.sluice.access;

import java.net.InetAddress;
import java.net.UnknownHostException;
import java.util.regex.Pattern;

/** Which written addresses are this machine's own; never asks a name server. */
final class Loopback {

  private static final Pattern IPV4 =
      Pattern.compile("(\\d{1,3})\\.(\\d{1,3})\\.(\\d{1,3})\\.(\\d{1,3})");
  private static final Pattern IPV6 = Pattern.compile("[0-9A-Fa-f:.]*:[0-9A-Fa-f:.]*");

  private Loopback() {}

  /**
   * Whether the literal is of 127.0.0.0/8, ::1, or the former written as IPv6. Names are not
   * literals.
   */
  static boolean isLiteral(String address) {
    String plain = address;
    int scope = plain.indexOf('%');
    if (scope >= 0) {
      plain = plain.substring(0, scope); // a socket's address names its interface
    }
    if (plain.startsWith("[") && plain.endsWith("]")) {
      plain = plain.substring(1, plain.length() - 1);
    }
    if (IPV4.matcher(plain).matches()) {
      return plain.startsWith("127.") && octetsAreLegal(plain);
    }
    if (!IPV6.matcher(plain).matches()) {
      return false;
    }
    try {
      return InetAddress.getByName("[" + plain + "]").isLoopbackAddress();
    } catch (UnknownHostException notAnAddress) {
      return false;
    }
  }

  /** Whether a Host header's name is loopback: localhost or a literal. */
  static boolean isName(String host) {
    return host.equals("localhost") || isLiteral(host);
  }

  private static boolean octetsAreLegal(String ipv4) {
    for (String octet : ipv4.split("\\.", -1)) {
      if (Integer.parseInt(octet) > 255) {
        return false;
      }
    }
    return true;
  }
}
