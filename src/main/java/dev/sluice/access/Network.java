package dev.sluice.access;

import java.net.InetAddress;
import java.util.Optional;

/**
 * A range of addresses: one address, or all that begin with the same bits (CIDR).
 *
 * @param address any address of it
 * @param bits that are the same, 1 to 32 or 128
 */
record Network(InetAddress address, int bits) {

  /**
   * Reads {@code address} or {@code address/bits}. Of no bits at all, which is everybody, there is
   * none.
   */
  static Optional<Network> parse(String text) {
    int slash = text.indexOf('/');
    String digits = slash < 0 ? "" : text.substring(slash + 1);
    if (slash >= 0 && !digits.matches("[1-9]\\d{0,2}")) {
      return Optional.empty();
    }
    return AddressLiteral.parse(slash < 0 ? text : text.substring(0, slash))
        .flatMap(
            address -> {
              int all = address.getAddress().length * Byte.SIZE;
              int bits = slash < 0 ? all : Integer.parseInt(digits);
              return bits > all ? Optional.empty() : Optional.of(new Network(address, bits));
            });
  }

  boolean contains(InetAddress other) {
    byte[] own = address.getAddress();
    byte[] its = other.getAddress();
    if (own.length != its.length) {
      return false;
    }
    for (int bit = 0; bit < bits; bit += Byte.SIZE) {
      int ignored = Math.max(0, bit + Byte.SIZE - bits);
      if ((own[bit / Byte.SIZE] ^ its[bit / Byte.SIZE]) >> ignored != 0) {
        return false;
      }
    }
    return true;
  }

  @Override
  public String toString() {
    return address.getHostAddress() + "/" + bits;
  }
}
