package dev.sluice.it;

import jakarta.json.Json;
import jakarta.json.JsonObject;
import java.io.IOException;
import java.io.StringReader;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.WebSocket;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;

/** An MCP client over the JDK's WebSocket: one message a frame. */
final class McpSocketPeer implements WebSocket.Listener, McpPeer {

  private static final HttpClient PLAIN =
      HttpClient.newBuilder().version(HttpClient.Version.HTTP_1_1).build();

  final BlockingQueue<String> messages = new LinkedBlockingQueue<>();
  final BlockingQueue<Integer> closed = new LinkedBlockingQueue<>();

  /** What the close frame said. */
  volatile String reason = "";

  private final StringBuilder part = new StringBuilder();
  private final WebSocket socket;

  McpSocketPeer(URI hub, String path, String... subprotocol) throws Exception {
    WebSocket.Builder builder = PLAIN.newWebSocketBuilder();
    if (subprotocol.length > 0) {
      builder.subprotocols(subprotocol[0]);
    }
    socket =
        builder
            .buildAsync(URI.create("ws://localhost:" + hub.getPort() + path), this)
            .get(20, TimeUnit.SECONDS);
  }

  @Override
  public McpSocketPeer send(String text) {
    socket.sendText(text, true).join();
    return this;
  }

  JsonObject next() throws IOException, InterruptedException {
    String text = messages.poll(30, TimeUnit.SECONDS);
    if (text == null) {
      throw new IOException("no message; closed " + closed);
    }
    try (var reader = Json.createReader(new StringReader(text))) {
      return reader.readObject();
    }
  }

  @Override
  public CompletionStage<?> onText(WebSocket from, CharSequence data, boolean last) {
    part.append(data);
    if (last) {
      messages.add(part.toString());
      part.setLength(0);
    }
    from.request(1);
    return null;
  }

  @Override
  public CompletionStage<?> onClose(WebSocket from, int code, String why) {
    reason = why;
    closed.add(code);
    return null;
  }

  @Override
  public BlockingQueue<String> texts() {
    return messages;
  }

  String subprotocol() {
    return socket.getSubprotocol();
  }

  @Override
  public void close() {
    socket.abort();
  }
}
