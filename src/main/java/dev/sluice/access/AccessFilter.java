package dev.sluice.access;

import jakarta.inject.Inject;
import jakarta.servlet.FilterChain;
import jakarta.servlet.ServletException;
import jakarta.servlet.http.HttpFilter;
import jakarta.servlet.http.HttpServletRequest;
import jakarta.servlet.http.HttpServletRequestWrapper;
import jakarta.servlet.http.HttpServletResponse;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.security.Principal;
import java.util.Collections;
import java.util.Enumeration;
import java.util.List;
import java.util.Objects;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/**
 * The one way in: first in {@code web.xml}, before REST, SSE, WebSocket upgrades and files. It asks
 * the {@link AccessPolicy}, refuses what that refuses, and lets the rest go on with the {@link
 * Caller} as the request's principal, which JAX-RS, servlets and WebSocket sessions then see on
 * both servers without any server configuration. It also puts the security headers on every answer.
 */
public class AccessFilter extends HttpFilter {

  private static final long serialVersionUID = 1L;

  private static final Pattern MCP_PARAM = Pattern.compile("(?i)mcp-param-[a-z0-9_-]{1,64}");
  private static final int MAX_PARAMS = 32;

  /** What reads bodies, behind the filter that does it without a thread. */
  private static final Pattern TAKES_BODIES = Pattern.compile("/(api|mcp)(/.*)?");

  @Inject private transient AccessPolicy policy;
  @Inject private transient RequestCounts counts;

  @Override
  protected void doFilter(
      HttpServletRequest request, HttpServletResponse response, FilterChain chain)
      throws IOException, ServletException {
    SecurityHeaders.forPath(request.getRequestURI(), request.getContextPath())
        .forEach(response::setHeader);
    counts.received();
    Decision decision = policy.decide(call(request));
    if (decision instanceof Decision.Refused refused) {
      counts.refused(refused.refusal().status());
      answer(request, response, refused.refusal());
    } else if (decision instanceof Decision.Preflight preflight) {
      allow(response, preflight.origin());
      response.setHeader("Access-Control-Allow-Methods", "GET, POST, PUT, PATCH, DELETE");
      response.setHeader("Access-Control-Allow-Headers", allowed(request));
      response.setHeader("Access-Control-Max-Age", "600");
      response.setStatus(HttpServletResponse.SC_NO_CONTENT);
    } else if (decision instanceof Decision.Admitted admitted) {
      admitted.crossOrigin().ifPresent(origin -> allow(response, origin));
      if (!TAKES_BODIES.matcher(request.getServletPath()).matches()) {
        Unread.close(request, response);
      }
      request.setAttribute(Caller.class.getName(), admitted.caller());
      Decision.Forwarded forwarded = admitted.forwarded().orElse(null);
      if (forwarded == null) {
        chain.doFilter(new CallerRequest(request, admitted.caller()), response);
      } else {
        request.setAttribute(PublicUrl.class.getName(), forwarded.url());
        chain.doFilter(new ForwardedRequest(request, admitted.caller(), forwarded), response);
      }
    }
  }

  private static void allow(HttpServletResponse response, String origin) {
    response.setHeader("Access-Control-Allow-Origin", origin);
    response.setHeader(
        "Access-Control-Expose-Headers",
        "Retry-After, Location, Mcp-Session-Id, MCP-Protocol-Version, WWW-Authenticate");
  }

  /**
   * The headers that REST, streams and MCP use. Those of the form {@code Mcp-Param-*} have names
   * that the servers choose, so what is asked for is repeated.
   */
  private static String allowed(HttpServletRequest request) {
    String asked =
        Objects.requireNonNullElse(request.getHeader("Access-Control-Request-Headers"), "");
    return Stream.concat(
            Stream.of(
                "Content-Type",
                "Last-Event-ID",
                "Accept",
                "Authorization",
                "Mcp-Session-Id",
                "MCP-Protocol-Version",
                "Mcp-Method",
                "Mcp-Name"),
            Stream.of(asked.split(","))
                .map(String::trim)
                .filter(name -> MCP_PARAM.matcher(name).matches())
                .limit(MAX_PARAMS))
        .collect(Collectors.joining(", "));
  }

  /** Writes a refusal; for everything that refuses outside of REST. */
  public static void answer(
      HttpServletRequest request, HttpServletResponse response, Refusal refusal)
      throws IOException {
    Unread.close(request, response);
    byte[] body = refusal.body().getBytes(StandardCharsets.UTF_8);
    refusal.headers().forEach(response::setHeader);
    response.setStatus(refusal.status());
    response.setContentType(Refusal.CONTENT_TYPE);
    response.setContentLength(body.length);
    response.getOutputStream().write(body);
  }

  private static Call call(HttpServletRequest request) {
    return new Call(
        Objects.requireNonNullElse(request.getRemoteAddr(), ""),
        request.getScheme(),
        request.getMethod(),
        all(request.getHeaders("Host")),
        all(request.getHeaders("Origin")),
        Objects.requireNonNullElse(request.getHeader("Sec-Fetch-Site"), ""),
        Objects.requireNonNullElse(request.getHeader("Sec-Fetch-Mode"), ""),
        request.getRequestURI(),
        ProxyHeaders.of(request),
        request.getHeader("Access-Control-Request-Method") != null);
  }

  private static List<String> all(@Nullable Enumeration<String> values) {
    return values == null ? List.of() : Collections.list(values);
  }

  /** The request with its caller. */
  private static class CallerRequest extends HttpServletRequestWrapper {

    private final Caller caller;

    CallerRequest(HttpServletRequest request, Caller caller) {
      super(request);
      this.caller = caller;
    }

    @Override
    public Principal getUserPrincipal() {
      return caller;
    }

    @Override
    public String getRemoteUser() {
      return caller.name();
    }

    @Override
    public boolean isUserInRole(String role) {
      return caller.has(role);
    }
  }

  /** The request as the client sent it to the proxy. */
  private static final class ForwardedRequest extends CallerRequest {

    private final Decision.Forwarded forwarded;

    ForwardedRequest(HttpServletRequest request, Caller caller, Decision.Forwarded forwarded) {
      super(request, caller);
      this.forwarded = forwarded;
    }

    @Override
    public String getRemoteAddr() {
      return forwarded.address();
    }

    @Override
    public String getRemoteHost() {
      return forwarded.address();
    }

    @Override
    public String getScheme() {
      return forwarded.url().scheme();
    }

    @Override
    public boolean isSecure() {
      return forwarded.url().scheme().equals("https");
    }

    @Override
    public String getServerName() {
      return forwarded.host();
    }

    @Override
    public int getServerPort() {
      return forwarded.port();
    }

    /** Without the prefix: JAX-RS looks for the context root at its beginning. */
    @Override
    public StringBuffer getRequestURL() {
      return new StringBuffer(forwarded.url().scheme())
          .append("://")
          .append(forwarded.url().authority())
          .append(getRequestURI());
    }
  }
}
