package dev.sluice.rest;

import dev.sluice.access.AccessFilter;
import dev.sluice.access.Refusal;
import dev.sluice.access.RequestCounts;
import jakarta.inject.Inject;
import jakarta.servlet.RequestDispatcher;
import jakarta.servlet.http.HttpServlet;
import jakarta.servlet.http.HttpServletRequest;
import jakarta.servlet.http.HttpServletResponse;
import java.io.IOException;

/**
 * The container's error page, so that a failure which never reaches JAX-RS (an unknown file, an
 * exception in a filter or servlet, a refused upgrade) has the one error shape too.
 */
public class ErrorServlet extends HttpServlet {

  private static final long serialVersionUID = 1L;

  private static final System.Logger LOG = System.getLogger(ErrorServlet.class.getName());

  @Inject private transient RequestCounts counts;

  @Override
  protected void service(HttpServletRequest request, HttpServletResponse response)
      throws IOException {
    Refusal refusal =
        request.getAttribute(RequestDispatcher.ERROR_STATUS_CODE) instanceof Integer status
            ? HttpErrors.of(status)
            : HttpErrors.of(404); // asked for by name, not dispatched to
    if (request.getAttribute(RequestDispatcher.ERROR_EXCEPTION) instanceof Throwable thrown) {
      LOG.log(
          System.Logger.Level.ERROR,
          "SLUICE-0402: A request failed outside of REST with status " + refusal.status(),
          thrown);
    }
    counts.refused(refusal.status());
    if (response.isCommitted()) {
      return;
    }
    AccessFilter.answer(request, response, refusal);
  }
}
