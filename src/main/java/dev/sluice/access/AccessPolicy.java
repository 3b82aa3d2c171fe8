package dev.sluice.access;

import dev.sluice.settings.Setting;
import dev.sluice.settings.Settings;
import jakarta.json.Json;
import jakarta.json.JsonObject;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;

/**
 * Who calls, and whether the call may pass, decided from the request line and headers alone, before
 * any work is done. Pure: no I/O, no name server, no clock. Immutable; any thread.
 *
 * <p>{@code sluice.auth.mode=local}: a request from a loopback address, addressed to a loopback (or
 * configured) Host, that no foreign web page caused, is the administrator's. Everything else is
 * refused, also what a proxy on this machine passes on for somebody elsewhere; what proxies say
 * never admits a call, not even what {@link Proxies trusted} ones say: that tells how the client
 * reached them. Refused in this order: the peer (401), the Host (400), the page (403).
 *
 * <p>The other modes (keys, tokens, single sign-on) plug in here: they replace {@link #decide}'s
 * first step, and nothing else in the hub.
 */
final class AccessPolicy {

  private static final Caller LOCAL = new Caller("local", Set.of(Caller.ADMIN));

  /** RFC 9110 §11.6.1 wants a challenge with 401; it names how to get in, in plain words. */
  private static final String CHALLENGE = "Sluice realm=\"sluice\", mode=\"local\"";

  private final List<Authority> hosts;
  private final Set<Origin> origins;
  private final Proxies proxies;

  private AccessPolicy(List<Authority> hosts, Set<Origin> origins, Proxies proxies) {
    this.hosts = List.copyOf(hosts);
    this.origins = Set.copyOf(origins);
    this.proxies = proxies;
  }

  /**
   * The policy that the settings ask for.
   *
   * @throws IllegalArgumentException naming the key whose value cannot be used
   */
  static AccessPolicy of(Settings settings) {
    String mode = settings.text(Setting.AUTH_MODE);
    if (!mode.equals("local")) {
      throw new IllegalArgumentException(
          Setting.AUTH_MODE.key()
              + " must be local, was \""
              + mode
              + "\"; this version has no other way to establish callers, and will not start with"
              + " one that it cannot enforce");
    }
    List<Authority> hosts = new ArrayList<>();
    for (String host : listed(settings.text(Setting.HTTP_HOSTS))) {
      hosts.add(
          Authority.parse(host)
              .orElseThrow(
                  () -> illegal(Setting.HTTP_HOSTS, host, "host or host:port, without wildcards")));
    }
    List<Origin> origins = new ArrayList<>();
    for (String origin : listed(settings.text(Setting.HTTP_ORIGINS))) {
      origins.add(
          Origin.parse(origin)
              .orElseThrow(
                  () ->
                      illegal(
                          Setting.HTTP_ORIGINS,
                          origin,
                          "http://host[:port] or https://host[:port], without path or wildcard")));
    }
    return new AccessPolicy(hosts, Set.copyOf(origins), Proxies.of(settings));
  }

  /** What becomes of the call. */
  Decision decide(Call call) {
    Optional<Proxies.Claim> claim = Optional.empty();
    if (!call.said().isEmpty() && proxies.trusts(call.remoteAddress())) {
      try {
        claim = Optional.of(proxies.read(call.said(), call.path()));
      } catch (Forwarding.Malformed unreadable) {
        return refused(
            400,
            "malformed_forwarding",
            "The header " + unreadable.header() + " of the proxy " + unreadable.getMessage() + ".",
            "header",
            unreadable.header());
      }
    }
    // The caller is whom a trusted proxy names, and the whole way from there must be on this
    // machine: a proxy elsewhere has a loopback of its own.
    if (!Loopback.isLiteral(call.remoteAddress())
        || !Forwarding.isLocal(call.said())
        || claim.filter(told -> !Loopback.isLiteral(told.address())).isPresent()) {
      return new Decision.Refused(
          Refusal.of(
                  401,
                  "unauthorized",
                  "This hub is in local mode (sluice.auth.mode=local): it answers callers on its own"
                      + " machine only. Call it at http://localhost:<port>/, for example through an"
                      + " SSH tunnel (ssh -L 8080:localhost:8080 <machine>).")
              .with("WWW-Authenticate", CHALLENGE));
    }
    Optional<Authority> host =
        call.hosts().size() == 1 ? Authority.parse(call.hosts().get(0)) : Optional.empty();
    if (host.isEmpty()) {
      return refused(
          400,
          "untrusted_host",
          call.hosts().size() == 1
              ? "The Host header is not host[:port]."
              : "The request needs exactly one Host header, it has " + call.hosts().size() + ".",
          "host",
          call.hosts().isEmpty() ? "" : call.hosts().get(0));
    }
    // Both: not every proxy replaces what its client wrote into X-Forwarded-Host.
    Authority named = claim.flatMap(Proxies.Claim::host).orElse(host.get());
    for (Authority each : List.of(host.get(), named)) {
      if (!isTrusted(each)) {
        return refused(
            400,
            "untrusted_host",
            "The Host header names another host than this machine's loopback; add the name to"
                + " sluice.http.hosts if it is meant.",
            "host",
            each.host());
      }
    }
    if (claim.isEmpty()) {
      return decidePage(call, Origin.of(call.scheme(), host.get()), Optional.empty());
    }
    String scheme = claim.get().scheme().orElse(call.scheme());
    Authority reached =
        named.port().isPresent() ? named : new Authority(named.host(), claim.get().port());
    Origin own = Origin.of(scheme, reached);
    return decidePage(
        call,
        own,
        Optional.of(
            new Decision.Forwarded(
                claim.get().address(),
                own.host(),
                own.port(),
                new PublicUrl(scheme, reached.toString(), claim.get().prefix()))));
  }

  /** Whether a web page of somebody else caused the request. */
  private Decision decidePage(Call call, Origin own, Optional<Decision.Forwarded> forwarded) {
    if (call.origins().isEmpty()) {
      boolean foreignPage =
          call.fetchSite().equals("cross-site") || call.fetchSite().equals("same-site");
      // a followed link is fine: the page it came from cannot read the answer
      boolean link = call.fetchMode().equals("navigate") && call.method().equals("GET");
      return foreignPage && !link
          ? foreignOrigin("of another site (Sec-Fetch-Site)", call.fetchSite())
          : new Decision.Admitted(LOCAL, Optional.empty(), forwarded);
    }
    String text = call.origins().get(0);
    if (call.origins().size() > 1) {
      return foreignOrigin("that comes with several Origin headers", text);
    }
    Optional<Origin> origin = Origin.parse(text);
    if (origin.isPresent() && origin.get().equals(own)) {
      return new Decision.Admitted(LOCAL, Optional.empty(), forwarded);
    }
    if (origin.isEmpty() || !origins.contains(origin.get())) {
      return foreignOrigin("of another origin", text);
    }
    return call.preflight() && call.method().equals("OPTIONS")
        ? new Decision.Preflight(text)
        : new Decision.Admitted(LOCAL, Optional.of(text), forwarded);
  }

  @Override
  public String toString() {
    return "local mode; hosts loopback "
        + settings(hosts.stream().map(Authority::host).sorted().toList())
        + ", origins own "
        + settings(origins.stream().map(Origin::toString).sorted().toList())
        + "; "
        + proxies;
  }

  private static String settings(List<String> extra) {
    return extra.isEmpty() ? "only" : "and " + String.join(" ", extra);
  }

  private boolean isTrusted(Authority host) {
    if (Loopback.isName(host.host())) {
      return true;
    }
    for (Authority extra : hosts) {
      if (extra.covers(host)) {
        return true;
      }
    }
    return false;
  }

  private static Decision foreignOrigin(String page, String origin) {
    return refused(
        403,
        "foreign_origin",
        "A web page "
            + page
            + " may not call this hub; add its origin to sluice.http.origins if it is meant.",
        "origin",
        origin);
  }

  private static Decision refused(
      int status, String code, String message, String fact, String value) {
    JsonObject details = Json.createObjectBuilder().add(fact, abbreviate(value)).build();
    return new Decision.Refused(new Refusal(status, code, message, details, Map.of()));
  }

  private static String abbreviate(String text) {
    return text.length() <= 200 ? text : text.substring(0, 200) + "…";
  }

  static List<String> listed(String text) {
    return text.isBlank()
        ? List.of()
        : List.of(text.split(",", -1)).stream().map(String::trim).toList();
  }

  static IllegalArgumentException illegal(Setting setting, String value, String legal) {
    return new IllegalArgumentException(
        setting.key() + " must be a list of " + legal + "; \"" + value + "\" is not");
  }
}
