package dev.sluice.relay;

import dev.sluice.jsonrpc.Envelope;
import dev.sluice.rest.CloseText;
import jakarta.websocket.CloseReason;
import jakarta.websocket.RemoteEndpoint;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/**
 * The client's side of a WebSocket: one message a frame; the socket's end is the session's end. Of
 * what a server says, a {@link LockStep} client gets the answers only.
 */
final class WebSocketEnd implements ClientEnd {

  private final jakarta.websocket.Session socket;
  private final RemoteEndpoint.Async remote;
  private final Consumer<Runnable> closing;
  private final Outbox outbox;
  private final Runnable gone;
  private final Consumer<Envelope> fromClient;
  private volatile @Nullable LockStep lockStep;

  /**
   * Makes it.
   *
   * @param fromClient takes what is answered in the client's place
   */
  WebSocketEnd(
      jakarta.websocket.Session socket,
      Consumer<Runnable> closing,
      Consumer<Envelope> fromClient,
      Runnable tooSlow,
      Runnable gone) {
    this.fromClient = fromClient;
    this.socket = socket;
    this.remote = socket.getAsyncRemote();
    this.closing = closing;
    this.gone = gone;
    this.outbox = new Outbox(this::write, tooSlow, gone);
  }

  /**
   * Without the application's class loader: with it Tyrus captures the application's context on
   * each send. The threads of the fan-out do without it for good; here anybody may be writing.
   */
  private void write(byte[] message, Consumer<@Nullable Throwable> done) {
    Thread thread = Thread.currentThread();
    ClassLoader own = thread.getContextClassLoader();
    thread.setContextClassLoader(ClassLoader.getPlatformClassLoader());
    try {
      remote.sendText(
          new String(message, StandardCharsets.UTF_8),
          result ->
              done.accept(
                  result.isOK()
                      ? null
                      : result.getException() == null
                          ? new IOException("the message was not sent")
                          : result.getException()));
    } finally {
      thread.setContextClassLoader(own);
    }
  }

  /** From now on the client gets what it can take. */
  void lockStep(LockStep client) {
    lockStep = client;
  }

  @Override
  public void send(Envelope message, @Nullable String request) {
    LockStep client = lockStep;
    Envelope told = client == null ? message : client.toClient(message);
    if (told != null) {
      push(told);
    } else if (message.kind() == Envelope.Kind.REQUEST) {
      fromClient.accept(LockStep.answer(message));
    }
  }

  /** Sends a message of the hub's own. */
  void push(Envelope message) {
    outbox.add(message.singleLine());
  }

  /** A socket that is over ends its session, also when nobody was told of its end. */
  @Override
  public void tick(long now) {
    if (!socket.isOpen()) {
      gone.run();
    }
  }

  @Override
  public Held held() {
    return new Held(0, 0, outbox.bytes());
  }

  @Override
  public void end(SessionEnd why, String reason) {
    switch (why) {
      case TOO_SLOW, CLIENT, GOING_AWAY -> {
        outbox.drop();
        close(why.code(), why.name());
      }
      default -> outbox.finish(() -> close(why.code(), reason));
    }
  }

  /** On another thread: with a stalled peer both servers may hold the caller for long. */
  void close(int code, String reason) {
    closing.accept(
        () -> {
          try {
            socket.close(
                new CloseReason(
                    CloseReason.CloseCodes.getCloseCode(code), CloseText.fitting(reason)));
          } catch (IOException | IllegalStateException gone) {
            Relay.LOG.log(System.Logger.Level.DEBUG, "a socket was gone before it was closed");
          }
        });
  }
}
