package dev.sluice.rest;

import dev.sluice.access.Unread;
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

/**
 * Last in front of the servlets that read bodies: no thread ever waits for a peer to send one. What
 * has arrived together with its head goes on at once; anything else is taken in by {@link
 * ArrivingBody}. Without it 300 bodies that trickle take all request threads of Payara, and others
 * wait for 30 s.
 *
 * <p>But for the upgrade to HTTP/2: Payara loses the connection when the body of the request that
 * asks for it is read by callbacks. These are read with the request's thread, few at once.
 *
 * <p>It holds {@code sluice.http.body.limit} and {@code .seconds} for REST and MCP alike. What
 * breaks them is thrown as {@link BodyFailure} where the body is read.
 */
public class BodyFilter extends HttpFilter {

  private static final long serialVersionUID = 1L;

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
    if (!Unread.isPossible(request)) {
      chain.doFilter(request, response);
      return;
    }
    HttpServletRequest read = request;
    try {
      long length = Unread.announced(request);
      if (length > bodies.limit()) {
        throw BodyFailure.tooLarge(bodies.limit());
      }
      ServletInputStream in = request.getInputStream();
      if (request.getHeader("HTTP2-Settings") != null) {
        read = new Read(request, bodies.blocking(in));
      } else if (length < 0 || in.available() < length) {
        ArrivingBody.await(request, response, bodies, in);
        return;
      }
    } catch (IOException broken) {
      Unread.close(request, response);
      read = new Read(request, WholeBody.failed(ArrivingBody.failure(broken, bodies)));
    }
    chain.doFilter(read, response);
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
      body.finish();
    }
  }

  /** A request whose body was read, or cannot be had. */
  private static final class Read extends HttpServletRequestWrapper {

    private final WholeBody body;

    Read(HttpServletRequest request, WholeBody body) {
      super(request);
      this.body = body;
    }

    @Override
    public ServletInputStream getInputStream() {
      return body;
    }
  }
}
