package dev.sluice.rest;

import jakarta.enterprise.context.control.RequestContextController;
import jakarta.enterprise.inject.Instance;
import jakarta.inject.Inject;
import jakarta.servlet.DispatcherType;
import jakarta.servlet.FilterChain;
import jakarta.servlet.ServletException;
import jakarta.servlet.ServletInputStream;
import jakarta.servlet.http.HttpFilter;
import jakarta.servlet.http.HttpServletRequest;
import jakarta.servlet.http.HttpServletRequestWrapper;
import jakarta.servlet.http.HttpServletResponse;
import java.io.IOException;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * Last in front of the servlets that read bodies: no thread ever waits for a peer to send one. What
 * has arrived together with its head goes on at once; anything else is taken in by {@link
 * ArrivingBody}. Without it 300 bodies that trickle take all request threads of Payara, and others
 * wait for 30 s.
 *
 * <p>It holds {@code sluice.http.body.limit} and {@code .seconds} for REST and MCP alike. What
 * breaks them is thrown as {@link BodyFailure} where the body is read.
 */
public class BodyFilter extends HttpFilter {

  private static final long serialVersionUID = 1L;

  /** HTTP/2 announces neither length nor coding; these methods may have a body then. */
  private static final Set<String> WITH_BODY = Set.of("POST", "PUT", "PATCH", "DELETE");

  @Inject private transient Bodies bodies;
  @Inject private transient Instance<RequestContextController> scopes;

  @Override
  protected void doFilter(
      HttpServletRequest request, HttpServletResponse response, FilterChain chain)
      throws IOException, ServletException {
    if (request.getDispatcherType() == DispatcherType.ASYNC) {
      arrived(request, response, chain);
      return;
    }
    long length = announced(request.getHeader("Content-Length"));
    if (length == 0 || (length < 0 && !isPossible(request))) {
      chain.doFilter(request, response);
      return;
    }
    BodyFailure failure;
    try {
      if (length > bodies.limit()) {
        throw BodyFailure.tooLarge(bodies.limit());
      }
      ServletInputStream in = request.getInputStream();
      if (length < 0 || in.available() < length) {
        ArrivingBody.await(request, response, bodies, in);
        return;
      }
      failure = null;
    } catch (BodyFailure failed) {
      failure = failed;
    } catch (IOException broken) {
      failure = ArrivingBody.failure(broken, bodies);
    }
    chain.doFilter(failure == null ? request : new Failed(request, failure), response);
  }

  private void arrived(HttpServletRequest request, HttpServletResponse response, FilterChain chain)
      throws IOException, ServletException {
    ArrivingBody body = ArrivingBody.of(request);
    if (body == null) {
      chain.doFilter(request, response);
      return;
    }
    if (!body.begin()) {
      return; // it has been answered
    }
    // Payara does not begin the request scope for what is dispatched.
    RequestContextController scope = scopes.get();
    boolean begun = scope.activate();
    try {
      chain.doFilter(request, response);
    } finally {
      if (begun) {
        scope.deactivate();
      }
      scopes.destroy(scope);
      bodies.ran();
    }
  }

  private static boolean isPossible(HttpServletRequest request) {
    return request.getHeader("Transfer-Encoding") != null
        || (!request.getProtocol().startsWith("HTTP/1") && WITH_BODY.contains(request.getMethod()));
  }

  private static long announced(@Nullable String contentLength) {
    if (contentLength == null) {
      return -1;
    }
    try {
      return Long.parseLong(contentLength.trim());
    } catch (NumberFormatException overLong) {
      return Long.MAX_VALUE; // the server accepted it as a number, so it is a huge one
    }
  }

  /** A request whose body cannot be had. */
  private static final class Failed extends HttpServletRequestWrapper {

    private final BodyFailure failure;

    Failed(HttpServletRequest request, BodyFailure failure) {
      super(request);
      this.failure = failure;
    }

    @Override
    public ServletInputStream getInputStream() {
      return WholeBody.failed(failure);
    }
  }
}
