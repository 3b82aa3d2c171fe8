package dev.sluice.access;

import jakarta.servlet.http.HttpServletRequest;
import java.util.Objects;

/**
 * How the client reached the hub: what a URL that it is given begins with. Behind a trusted proxy
 * that is what the proxy says; else it is the request's own. The access filter has checked it.
 *
 * @param scheme http or https
 * @param authority host and, if the client named one, port
 * @param prefix path that an ingress takes away before the request gets here; empty, or begins with
 *     a slash and does not end with one
 */
public record PublicUrl(String scheme, String authority, String prefix) {

  /** That of a request; the access filter has seen it. */
  public static PublicUrl of(HttpServletRequest request) {
    return request.getAttribute(PublicUrl.class.getName()) instanceof PublicUrl told
        ? told
        : new PublicUrl(
            request.getScheme(), Objects.requireNonNullElse(request.getHeader("Host"), ""), "");
  }

  /**
   * The client's path to something of the hub.
   *
   * @param path from the server's root on, the context root included
   */
  public String path(String path) {
    return prefix + path;
  }

  /** The same with scheme and host. */
  public String absolute(String path) {
    return scheme + "://" + authority + path(path);
  }
}
