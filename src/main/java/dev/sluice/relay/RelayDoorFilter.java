package dev.sluice.relay;

import dev.sluice.access.AccessFilter;
import dev.sluice.access.Caller;
import dev.sluice.access.Refusal;
import dev.sluice.access.RequestCounts;
import dev.sluice.rest.ApiException;
import dev.sluice.rest.Query;
import jakarta.inject.Inject;
import jakarta.servlet.FilterChain;
import jakarta.servlet.ServletException;
import jakarta.servlet.http.HttpFilter;
import jakarta.servlet.http.HttpServletRequest;
import jakarta.servlet.http.HttpServletResponse;
import java.io.IOException;
import java.util.Collections;
import java.util.List;
import java.util.Locale;
import java.util.Objects;
import org.jspecify.annotations.Nullable;

/**
 * In front of the relay's WebSocket paths: what cannot become a session is refused while a plain
 * HTTP answer is still possible. Refuses a request that is no upgrade (426), subprotocols without
 * {@code mcp} (400), a server that is not there (404) or may not be used (409), and a session for
 * which there is no room (503). Comes after the access filter.
 */
public class RelayDoorFilter extends HttpFilter {

  private static final long serialVersionUID = 1L;

  @Inject private transient Relay relay;
  @Inject private transient RequestCounts counts;

  @Override
  protected void doFilter(
      HttpServletRequest request, HttpServletResponse response, FilterChain chain)
      throws IOException, ServletException {
    String path = request.getRequestURI().substring(request.getContextPath().length());
    @Nullable Refusal refusal = isSocket(path) ? refusal(path, request) : null;
    if (refusal == null) {
      chain.doFilter(request, response);
      return;
    }
    counts.refused(refusal.status());
    AccessFilter.answer(request, response, refusal);
  }

  /** Not {@code /mcp/ws}, which is Streamable HTTP of a server of that name. */
  private static boolean isSocket(String path) {
    return path.endsWith("/ws") && !path.equals("/mcp/ws");
  }

  private @Nullable Refusal refusal(String path, HttpServletRequest request) {
    String upgrade = Objects.requireNonNullElse(request.getHeader("Upgrade"), "");
    if (!upgrade.toLowerCase(Locale.ROOT).contains("websocket")) {
      return Refusal.of(
              426,
              "upgrade_required",
              "This path speaks WebSocket only; /mcp/{server} is the same over HTTP.")
          .with("Upgrade", "websocket");
    }
    List<String> offers = Collections.list(request.getHeaders("Sec-WebSocket-Protocol"));
    if (!offers.isEmpty()
        && offers.stream()
            .flatMap(offer -> List.of(offer.split(",")).stream())
            .noneMatch(offer -> offer.trim().equals(McpSocket.SUBPROTOCOL))) {
      return Refusal.of(
          400,
          "unknown_subprotocol",
          "Offer the subprotocol mcp, or none; nothing else is spoken.");
    }
    try {
      String name =
          path.startsWith("/mcp/")
              ? path.substring("/mcp/".length(), path.length() - "/ws".length())
              : Query.first(request, "server");
      relay.server(Objects.requireNonNullElse(name, ""));
      if (request.getUserPrincipal() instanceof Caller caller) {
        relay.checkRoom(caller);
      }
      return null;
    } catch (Relay.Exhausted full) {
      return Refusal.of(503, "too_many_sessions", String.valueOf(full.getMessage()))
          .with("Retry-After", "1");
    } catch (IllegalArgumentException illegal) {
      return Refusal.of(400, "invalid_parameter", String.valueOf(illegal.getMessage()));
    } catch (ApiException refused) {
      return refused.refusal();
    }
  }
}
