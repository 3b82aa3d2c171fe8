package dev.sluice.management;

import jakarta.inject.Inject;
import jakarta.json.JsonObject;
import jakarta.servlet.http.HttpServlet;
import jakarta.servlet.http.HttpServletRequest;
import jakarta.servlet.http.HttpServletResponse;
import java.io.IOException;
import java.nio.charset.StandardCharsets;

/**
 * {@code /health/live}, {@code /health/ready} and {@code /health/started}: 200 when up, 503 when
 * not, with the checks in the body. The mappings are exact, so they come before the one that Payara
 * adds to a root application for MicroProfile Health ({@code /health/*}).
 */
public class HealthServlet extends HttpServlet {

  private static final long serialVersionUID = 1L;

  @Inject private transient Health health;

  @Override
  protected void doGet(HttpServletRequest request, HttpServletResponse response)
      throws IOException {
    String path = request.getServletPath();
    Health.Report report =
        switch (path) {
          case "/health/ready" -> health.ready();
          case "/health/started" -> health.started();
          default -> health.live();
        };
    JsonObject json = report.json();
    byte[] body = json.toString().getBytes(StandardCharsets.UTF_8);
    response.setStatus(
        report.isUp() ? HttpServletResponse.SC_OK : HttpServletResponse.SC_SERVICE_UNAVAILABLE);
    response.setContentType("application/json;charset=UTF-8");
    response.setContentLength(body.length);
    response.getOutputStream().write(body);
  }
}
