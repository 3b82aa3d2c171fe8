package dev.sluice.access;

import java.net.InetAddress;
import java.net.UnknownHostException;
import java.util.Optional;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/** Reads addresses that are written as numbers; never asks a name server. */
final class AddressLiteral {

  private static final Pattern IPV4 =
      Pattern.compile("(\\d{1,3})\\.(\\d{1,3})\\.(\\d{1,3})\\.(\\d{1,3})");
  private static final Pattern IPV6 = Pattern.compile("[0-9A-Fa-f:.]*:[0-9A-Fa-f:.]*");
  private static final int MAX_LENGTH = 64;

  private AddressLiteral() {}

  /**
   * Reads one, an IPv6 address with or without brackets and with or without the interface that a
   * socket's address names. An IPv4 address that is written as IPv6 is the former.
   *
   * @return empty for anything else, names included
   */
  static Optional<InetAddress> parse(String text) {
    if (text.length() > MAX_LENGTH) {
      return Optional.empty();
    }
    String plain = text;
    int scope = plain.indexOf('%');
    if (scope >= 0) {
      plain = plain.substring(0, scope);
    }
    if (plain.startsWith("[") && plain.endsWith("]")) {
      plain = plain.substring(1, plain.length() - 1);
    }
    Matcher ipv4 = IPV4.matcher(plain);
    try {
      if (ipv4.matches()) {
        byte[] octets = new byte[4];
        for (int i = 0; i < octets.length; i++) {
          int octet = Integer.parseInt(ipv4.group(i + 1));
          if (octet > 255) {
            return Optional.empty();
          }
          octets[i] = (byte) octet;
        }
        return Optional.of(InetAddress.getByAddress(octets));
      }
      return IPV6.matcher(plain).matches()
          ? Optional.of(InetAddress.getByName("[" + plain + "]"))
          : Optional.empty();
    } catch (UnknownHostException notAnAddress) {
      return Optional.empty();
    }
  }
}
