package dev.sluice.access;

import dev.sluice.access.Forwarding.Malformed;
import dev.sluice.settings.Setting;
import dev.sluice.settings.Settings;
import java.net.InetAddress;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.function.Predicate;
import java.util.regex.Pattern;

/**
 * The reverse proxies whose word is taken, and what they say. Every proxy adds the peer that it saw
 * at the end of the list; so from the end on the list is believed as long as a trusted proxy is
 * named, and the first other address is the caller's. What stands before that the caller may have
 * written. Immutable; any thread.
 *
 * @param trusted addresses of the proxies; nobody by default
 * @param standard whether they write {@code Forwarded} (RFC 7239) rather than {@code X-Forwarded-*}
 */
record Proxies(List<Network> trusted, boolean standard) {

  private static final int MAX_PREFIX = 256;

  /** Unreserved characters only: nothing that is decoded, and nothing that ends a path. */
  private static final Pattern PREFIX = Pattern.compile("(?:/[A-Za-z0-9._~-]+)*/?");

  private static final Pattern DOTS = Pattern.compile("(?:.*/)?\\.{1,2}(?:/.*)?");

  /** Nodes that are no address on purpose (RFC 7239 §6.2 and §6.3). */
  private static final Pattern HIDDEN = Pattern.compile("(?i)unknown|_[a-z0-9._-]+(?::\\S{1,20})?");

  Proxies {
    trusted = List.copyOf(trusted);
  }

  /**
   * What a trusted proxy says of a call.
   *
   * @param address the caller's, as a literal; empty if the proxy does not know or tell it
   * @param scheme http or https
   * @param host that the caller named
   * @param port that the caller named, if the host does not say it
   * @param prefix as in {@link PublicUrl}
   */
  record Claim(
      String address,
      Optional<String> scheme,
      Optional<Authority> host,
      OptionalInt port,
      String prefix) {}

  /**
   * Those that the settings name.
   *
   * @throws IllegalArgumentException naming the key whose value cannot be used
   */
  static Proxies of(Settings settings) {
    String headers = settings.text(Setting.PROXY_HEADERS);
    if (!headers.equals("x-forwarded") && !headers.equals("forwarded")) {
      throw new IllegalArgumentException(
          Setting.PROXY_HEADERS.key()
              + " must be x-forwarded or forwarded, was \""
              + headers
              + "\"");
    }
    List<Network> trusted = new ArrayList<>();
    for (String one : AccessPolicy.listed(settings.text(Setting.PROXY_TRUSTED))) {
      trusted.add(
          Network.parse(one)
              .orElseThrow(
                  () ->
                      AccessPolicy.illegal(
                          Setting.PROXY_TRUSTED,
                          one,
                          "addresses or ranges like 10.0.0.0/8 or fd00::/8, not of all")));
    }
    return new Proxies(trusted, headers.equals("forwarded"));
  }

  boolean trusts(String address) {
    return !trusted.isEmpty() && AddressLiteral.parse(address).filter(this::trusts).isPresent();
  }

  private boolean trusts(InetAddress address) {
    return trusted.stream().anyMatch(network -> network.contains(address));
  }

  /**
   * What counts of the headers of a call that came from a trusted proxy.
   *
   * @throws Malformed if they cannot be understood
   */
  Claim read(ProxyHeaders said, String path) throws Malformed {
    return standard ? standard(said, path) : customary(said, path);
  }

  private Claim standard(ProxyHeaders said, String path) throws Malformed {
    List<Map<String, String>> elements = Forwarding.elements(said.forwarded());
    List<String> nodes = elements.stream().map(e -> e.getOrDefault("for", "unknown")).toList();
    int back = back(nodes);
    Optional<String> proto = Optional.empty();
    Optional<String> host = Optional.empty();
    for (int i = Math.max(0, elements.size() - 1 - back); i < elements.size(); i++) {
      Map<String, String> element = elements.get(i); // nearer ones tell what farther ones do not
      proto = proto.or(() -> Optional.ofNullable(element.get("proto")));
      host = host.or(() -> Optional.ofNullable(element.get("host")));
    }
    return claim(nodes, back, proto, host, Optional.empty(), prefix(said, back, path));
  }

  private Claim customary(ProxyHeaders said, String path) throws Malformed {
    List<String> nodes =
        said.addresses().isEmpty()
            ? Forwarding.list("X-Real-IP", said.realAddresses())
            : Forwarding.list("X-Forwarded-For", said.addresses());
    int back = back(nodes);
    return claim(
        nodes,
        back,
        at(Forwarding.list("X-Forwarded-Proto", said.protos()), back),
        at(Forwarding.list("X-Forwarded-Host", said.hosts()), back),
        at(Forwarding.list("X-Forwarded-Port", said.ports()), back),
        prefix(said, back, path));
  }

  /** How far from the end of the list the caller stands. */
  private int back(List<String> nodes) {
    Predicate<String> proxy = node -> Forwarding.address(node).filter(this::trusts).isPresent();
    int back = 0;
    while (back < nodes.size() - 1 && proxy.test(nodes.get(nodes.size() - 1 - back))) {
      back++;
    }
    return back;
  }

  /**
   * The element that the same proxy wrote; proxies that replace a header instead of adding to it
   * leave fewer elements, of which the first is the farthest that may be believed.
   */
  private static Optional<String> at(List<String> elements, int back) {
    return elements.isEmpty()
        ? Optional.empty()
        : Optional.of(elements.get(Math.max(0, elements.size() - 1 - back)));
  }

  /** The header that says this; RFC 7239 has one for all. */
  private String header(String part) {
    return standard ? "Forwarded" : "X-Forwarded-" + part;
  }

  private Claim claim(
      List<String> nodes,
      int back,
      Optional<String> proto,
      Optional<String> host,
      Optional<String> port,
      String prefix)
      throws Malformed {
    String node = at(nodes, back).orElse("unknown");
    Optional<InetAddress> address = Forwarding.address(node);
    if (address.isEmpty() && !HIDDEN.matcher(node).matches()) {
      throw new Malformed(header("For"), "names what is not an address");
    }
    Optional<String> scheme =
        proto.map(
            name ->
                switch (name.toLowerCase(Locale.ROOT)) {
                  case "http", "ws" -> "http";
                  case "https", "wss" -> "https";
                  default -> "";
                });
    if (scheme.filter(String::isEmpty).isPresent()) {
      throw new Malformed(header("Proto"), "says neither http nor https");
    }
    Optional<Authority> authority = host.flatMap(Authority::parse);
    if (host.isPresent() && authority.isEmpty()) {
      throw new Malformed(header("Host"), "is not host[:port]");
    }
    OptionalInt number = OptionalInt.empty();
    if (port.isPresent()) {
      number = Authority.parse("x:" + port.get()).map(Authority::port).orElse(number);
      if (number.isEmpty()) {
        throw new Malformed(header("Port"), "is not a port from 1 to 65535");
      }
    }
    return new Claim(
        address.map(InetAddress::getHostAddress).orElse(""), scheme, authority, number, prefix);
  }

  /**
   * What the proxies that are believed took away, the outermost first. A prefix that ends with the
   * whole path of the request, as ingresses write that rewrite paths one by one, loses that.
   */
  private static String prefix(ProxyHeaders said, int back, String path) throws Malformed {
    List<String> elements = Forwarding.list("X-Forwarded-Prefix", said.prefixes());
    StringBuilder prefix = new StringBuilder();
    for (String element :
        elements.subList(Math.max(0, elements.size() - 1 - back), elements.size())) {
      if (element.length() > MAX_PREFIX
          || !PREFIX.matcher(element).matches()
          || DOTS.matcher(element).matches()) {
        throw new Malformed(
            "X-Forwarded-Prefix",
            "is not a path of plain segments (letters, digits, - . _ ~), without . and ..");
      }
      prefix.append(element.endsWith("/") ? element.substring(0, element.length() - 1) : element);
    }
    String all = prefix.toString();
    return path.length() > 1 && all.endsWith(path)
        ? all.substring(0, all.length() - path.length())
        : all;
  }

  @Override
  public String toString() {
    return trusted.isEmpty()
        ? "no proxy is trusted"
        : (standard ? "Forwarded" : "X-Forwarded-*")
            + " trusted from "
            + String.join(" ", trusted.stream().map(Network::toString).toList());
  }
}
