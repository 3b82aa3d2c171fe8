package dev.sluice.relay;

import dev.sluice.jsonrpc.Envelope;
import jakarta.websocket.CloseReason;
import jakarta.websocket.RemoteEndpoint;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.util.concurrent.Executor;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/** The client's side of a WebSocket: one message a frame; the socket's end is the session's end. */
final class WebSocketEnd implements ClientEnd {

  private final jakarta.websocket.Session socket;
  private final RemoteEndpoint.Async remote;
  private final Executor closing;
  private final Outbox outbox;

  WebSocketEnd(
      jakarta.websocket.Session socket, Executor closing, Runnable tooSlow, Runnable gone) {
    this.socket = socket;
    this.remote = socket.getAsyncRemote();
    this.closing = closing;
    this.outbox = new Outbox(this::write, tooSlow, gone);
  }

  private void write(byte[] message, Consumer<@Nullable Throwable> done) {
    remote.sendText(
        new String(message, StandardCharsets.UTF_8),
        result ->
            done.accept(
                result.isOK()
                    ? null
                    : result.getException() == null
                        ? new IOException("the message was not sent")
                        : result.getException()));
  }

  @Override
  public void send(Envelope message, @Nullable String request) {
    outbox.add(message.singleLine());
  }

  @Override
  public void end(SessionEnd why) {
    switch (why) {
      case TOO_SLOW, CLIENT, GOING_AWAY -> {
        outbox.drop();
        close(why.code(), why.name());
      }
      default -> outbox.finish(() -> close(why.code(), why.name()));
    }
  }

  /** On another thread: with a stalled peer both servers may hold the caller for long. */
  void close(int code, String reason) {
    closing.execute(
        () -> {
          try {
            socket.close(new CloseReason(CloseReason.CloseCodes.getCloseCode(code), reason));
          } catch (IOException | IllegalStateException gone) {
            Relay.LOG.log(System.Logger.Level.DEBUG, "a socket was gone before it was closed");
          }
        });
  }
}
