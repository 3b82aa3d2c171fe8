package dev.sluice.bench.server;

import dev.sluice.sse.SseResponse;
import dev.sluice.sse.SseText;
import jakarta.inject.Inject;
import jakarta.servlet.annotation.WebServlet;
import jakarta.servlet.http.HttpServlet;
import jakarta.servlet.http.HttpServletRequest;
import jakarta.servlet.http.HttpServletResponse;
import java.io.IOException;
import java.nio.charset.StandardCharsets;

/** An SSE stream that does nothing but send the prepared bytes. */
@WebServlet(urlPatterns = "/bench/sse", asyncSupported = true)
public class BareSseServlet extends HttpServlet {

  private static final long serialVersionUID = 1L;

  @Inject private transient Bare bare;

  @Override
  protected void doGet(HttpServletRequest request, HttpServletResponse response)
      throws IOException {
    byte[] message = event(bare.text());
    byte[][] next = {event(Bare.GREETING)};
    SseResponse stream = SseResponse.of(request, response, () -> {});
    bare.sse()
        .add(
            done ->
                stream.send(
                    next[0],
                    failure -> {
                      if (failure == null) {
                        next[0] = message;
                        done.run();
                      }
                    }));
    stream.open();
  }

  private static byte[] event(String text) {
    return SseText.event("", "", -1, text.getBytes(StandardCharsets.UTF_8));
  }
}
