package dev.sluice.management;

import jakarta.inject.Inject;
import jakarta.servlet.http.HttpServlet;
import jakarta.servlet.http.HttpServletRequest;
import jakarta.servlet.http.HttpServletResponse;
import java.io.IOException;

/**
 * {@code /metrics}: all figures in the Prometheus text format. The mapping is exact, so it comes
 * before the one that Payara adds to a root application for its own metrics ({@code /metrics/*}).
 */
public class MetricsServlet extends HttpServlet {

  private static final long serialVersionUID = 1L;

  @Inject private transient ReadModels models;

  @Override
  protected void doGet(HttpServletRequest request, HttpServletResponse response)
      throws IOException {
    response.setContentType(Exposition.CONTENT_TYPE);
    Exposition.write(models.read(), response.getOutputStream());
  }
}
