package dev.sluice.rest;

import jakarta.servlet.ServletException;
import jakarta.servlet.http.HttpServlet;
import jakarta.servlet.http.HttpServletRequest;
import jakarta.servlet.http.HttpServletResponse;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;

/**
 * The hub's OpenAPI 3.1 document at {@code /openapi.json} and {@code /api/openapi.json}; kept by
 * hand, held to the resources by a test. The servers' own documents at {@code /openapi} differ in
 * version and content, so neither is used.
 */
public class OpenApiServlet extends HttpServlet {

  private static final long serialVersionUID = 1L;

  private transient byte[] document = {};

  @Override
  public void init() throws ServletException {
    try (InputStream in = OpenApiServlet.class.getResourceAsStream("openapi.json")) {
      if (in == null) {
        throw new ServletException("openapi.json is missing from the WAR");
      }
      document = in.readAllBytes();
    } catch (IOException unreadable) {
      throw new UncheckedIOException(unreadable);
    }
  }

  @Override
  protected void doGet(HttpServletRequest request, HttpServletResponse response)
      throws IOException {
    response.setContentType("application/json;charset=UTF-8");
    response.setContentLength(document.length);
    response.getOutputStream().write(document);
  }
}
