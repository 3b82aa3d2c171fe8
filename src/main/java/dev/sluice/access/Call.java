package dev.sluice.access;

import java.util.List;

/**
 * What the access policy looks at in one request; all as received, nothing trusted yet.
 *
 * @param remoteAddress the peer's address as a literal
 * @param scheme http or https, as the connection has it
 * @param method of HTTP
 * @param hosts every Host header
 * @param origins every Origin header
 * @param fetchSite {@code Sec-Fetch-Site}, empty when absent
 * @param fetchMode {@code Sec-Fetch-Mode}, empty when absent
 * @param path of the request, as sent
 * @param said what stands in the headers that proxies write
 * @param preflight whether it carries {@code Access-Control-Request-Method}
 */
record Call(
    String remoteAddress,
    String scheme,
    String method,
    List<String> hosts,
    List<String> origins,
    String fetchSite,
    String fetchMode,
    String path,
    ProxyHeaders said,
    boolean preflight) {

  Call {
    hosts = List.copyOf(hosts);
    origins = List.copyOf(origins);
  }
}
