package dev.sluice.access;

import java.util.List;
import java.util.Map;
import java.util.TreeMap;

/** The headers that every answer carries; docs/security-model.md says what each is for. */
final class SecurityHeaders {

  private static final Map<String, String> ALWAYS =
      Map.of(
          "Content-Security-Policy",
          "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self';"
              + " img-src 'self' data:; font-src 'self'; frame-ancestors 'none'; base-uri 'none';"
              + " form-action 'none'",
          "X-Content-Type-Options",
          "nosniff",
          "X-Frame-Options",
          "DENY",
          "Referrer-Policy",
          "no-referrer",
          "Cross-Origin-Opener-Policy",
          "same-origin",
          "Cross-Origin-Resource-Policy",
          "same-origin",
          "Vary",
          "Origin");

  private static final Map<String, String> LIVE = with("Cache-Control", "no-store");

  /** Files may be kept but are asked for again, so that a new version shows at once. */
  private static final Map<String, String> FILE = with("Cache-Control", "no-cache");

  private static final List<String> LIVE_PATHS = List.of("/api", "/health", "/metrics");

  private SecurityHeaders() {}

  static Map<String, String> forPath(String uri, String contextPath) {
    String path = uri.startsWith(contextPath) ? uri.substring(contextPath.length()) : uri;
    for (String live : LIVE_PATHS) {
      if (path.equals(live) || path.startsWith(live + "/")) {
        return LIVE;
      }
    }
    return FILE;
  }

  private static Map<String, String> with(String name, String value) {
    Map<String, String> headers = new TreeMap<>(ALWAYS);
    headers.put(name, value);
    return Map.copyOf(headers);
  }
}
