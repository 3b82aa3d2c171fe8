package dev.sluice.access;

import jakarta.servlet.http.HttpServletRequest;
import java.util.Collections;
import java.util.Enumeration;
import java.util.List;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/**
 * What stands in the headers that reverse proxies write, each value of each header as received.
 * Anybody can send them, so nothing of it is trusted yet.
 *
 * @param forwarded {@code Forwarded} (RFC 7239)
 * @param addresses {@code X-Forwarded-For}
 * @param realAddresses {@code X-Real-IP}
 * @param protos {@code X-Forwarded-Proto}
 * @param hosts {@code X-Forwarded-Host}
 * @param ports {@code X-Forwarded-Port}
 * @param prefixes {@code X-Forwarded-Prefix}
 */
record ProxyHeaders(
    List<String> forwarded,
    List<String> addresses,
    List<String> realAddresses,
    List<String> protos,
    List<String> hosts,
    List<String> ports,
    List<String> prefixes) {

  static final ProxyHeaders NONE =
      new ProxyHeaders(List.of(), List.of(), List.of(), List.of(), List.of(), List.of(), List.of());

  static ProxyHeaders of(HttpServletRequest request) {
    ProxyHeaders all =
        new ProxyHeaders(
            all(request, "Forwarded"),
            all(request, "X-Forwarded-For"),
            all(request, "X-Real-IP"),
            all(request, "X-Forwarded-Proto"),
            all(request, "X-Forwarded-Host"),
            all(request, "X-Forwarded-Port"),
            all(request, "X-Forwarded-Prefix"));
    return all.isEmpty() ? NONE : all;
  }

  private static List<String> all(HttpServletRequest request, String name) {
    @Nullable Enumeration<String> values = request.getHeaders(name);
    return values == null || !values.hasMoreElements() ? List.of() : Collections.list(values);
  }

  /** Whether no proxy has written anything. */
  boolean isEmpty() {
    return Stream.of(forwarded, addresses, realAddresses, protos, hosts, ports, prefixes)
        .allMatch(List::isEmpty);
  }
}
