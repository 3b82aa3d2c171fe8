package dev.sluice.it.server;

import jakarta.servlet.DispatcherType;
import jakarta.servlet.FilterChain;
import jakarta.servlet.FilterRegistration;
import jakarta.servlet.ServletContextEvent;
import jakarta.servlet.ServletContextListener;
import jakarta.servlet.ServletException;
import jakarta.servlet.annotation.WebListener;
import jakarta.servlet.http.HttpFilter;
import jakarta.servlet.http.HttpServletRequest;
import jakarta.servlet.http.HttpServletRequestWrapper;
import jakarta.servlet.http.HttpServletResponse;
import java.io.IOException;
import java.util.EnumSet;

/**
 * Puts a filter in front of the hub's own, in the tested WAR only: a request with the header {@code
 * X-Test-Peer} goes on as if it had come from that address. The test servers listen on loopback, so
 * that nobody from elsewhere can really call them.
 */
@WebListener
public final class SayWhoCalls implements ServletContextListener {

  @Override
  public void contextInitialized(ServletContextEvent started) {
    FilterRegistration.Dynamic filter =
        started.getServletContext().addFilter("say-who-calls", new Elsewhere());
    filter.setAsyncSupported(true);
    filter.addMappingForUrlPatterns(EnumSet.of(DispatcherType.REQUEST), false, "/*");
  }

  /** The filter. */
  private static final class Elsewhere extends HttpFilter {

    private static final long serialVersionUID = 1L;

    @Override
    protected void doFilter(
        HttpServletRequest request, HttpServletResponse response, FilterChain chain)
        throws IOException, ServletException {
      String peer = request.getHeader("X-Test-Peer");
      chain.doFilter(
          peer == null
              ? request
              : new HttpServletRequestWrapper(request) {
                @Override
                public String getRemoteAddr() {
                  return peer;
                }
              },
          response);
    }
  }
}
