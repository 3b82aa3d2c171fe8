package dev.sluice.access;

import java.net.InetAddress;

/** Which written addresses are this machine's own; never asks a name server. */
final class Loopback {

  private Loopback() {}

  /**
   * Whether the literal is of 127.0.0.0/8, ::1, or the former written as IPv6. Names are not
   * literals.
   */
  static boolean isLiteral(String address) {
    return AddressLiteral.parse(address).filter(InetAddress::isLoopbackAddress).isPresent();
  }

  /** Whether a Host header's name is loopback: localhost or a literal. */
  static boolean isName(String host) {
    return host.equals("localhost") || isLiteral(host);
  }
}
