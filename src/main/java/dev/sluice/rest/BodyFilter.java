package dev.sluice.rest;

import dev.sluice.access.Unread;
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
 * Last in front of the servlets that read bodies. What has arrived together with its head goes on
 * at once. Anything else is taken in without a thread by {@link ArrivingBody}; on Payara, where
 * that cannot be done, {@code sluice.http.body.threads} at most wait for bodies. Without it 300
 * bodies that trickle take all request threads, and others wait for 30 s.
 *
 * <p>It holds {@code sluice.http.body.limit} and {@code .seconds} for REST and MCP alike. What
 * breaks them is thrown as {@link BodyFailure} where the body is read.
 */
public class BodyFilter extends HttpFilter {

  private static final long serialVersionUID = 1L;

  @Inject private transient Bodies bodies;

  /** Whether the server has to be waited for. */
  private boolean waits;

  /**
   * Payara cannot read bodies by callbacks and then dispatch: such a dispatch may never be run, has
   * no request scope and another path, and its thread goes on to use a request that has ended and
   * may be another one by then; an upgrade to HTTP/2 loses its connection.
   */
  @Override
  public void init() {
    String server = getServletContext().getServerInfo();
    waits = server.contains("Payara") || server.contains("GlassFish");
  }

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
      if (length > (waits ? bodies.limit() : bodies.most())) {
        throw BodyFailure.tooLarge(bodies.limit());
      }
      ServletInputStream in = request.getInputStream();
      if (length < 0 || length > bodies.limit() || in.available() < length) {
        if (!waits) {
          ArrivingBody.await(request, response, bodies, in);
          return;
        }
        read = new Read(request, bodies.waitFor(in));
      }
    } catch (IOException broken) {
      if (!waits || !(broken instanceof BodyFailure known) || known.status() != 413) {
        Unread.close(request, response); // after 413 Payara lets the peer send on, and read it
      }
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
    try {
      chain.doFilter(request, response);
    } finally {
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
