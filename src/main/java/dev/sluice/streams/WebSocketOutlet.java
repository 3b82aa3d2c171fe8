package dev.sluice.streams;

import dev.sluice.events.CloseCode;
import dev.sluice.events.Frame;
import dev.sluice.events.Outlet;
import dev.sluice.rest.CloseText;
import dev.sluice.threads.OwnThreads;
import jakarta.websocket.CloseReason;
import jakarta.websocket.RemoteEndpoint;
import jakarta.websocket.Session;
import java.io.IOException;
import java.lang.System.Logger;
import java.lang.System.Logger.Level;
import java.nio.ByteBuffer;
import java.util.concurrent.Executor;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/** The wire end of one WebSocket session, and what is known of its pongs. */
final class WebSocketOutlet implements Outlet {

  private static final Logger LOG = System.getLogger(WebSocketOutlet.class.getName());

  private final Session session;
  private final RemoteEndpoint.Async remote;
  private final Executor closing;
  private final OwnThreads pinging;

  /** Whether a frame has been handed over and not been taken yet. */
  private volatile boolean sending;

  private volatile boolean answers;
  private volatile long pingedAt;
  private volatile boolean awaited;

  /** Whether a ping waits for its thread or is being written. */
  private volatile boolean pings;

  /** Whether the session has ended, or is being closed: nothing is to be watched any more. */
  private volatile boolean over;

  WebSocketOutlet(Session session, Executor closing, OwnThreads pinging) {
    this.session = session;
    this.remote = session.getAsyncRemote();
    this.closing = closing;
    this.pinging = pinging;
    this.pingedAt = System.nanoTime();
  }

  @Override
  public void send(Frame frame, Consumer<@Nullable Throwable> done) {
    sending = true;
    remote.sendText(
        frame.json(),
        result -> {
          sending = false;
          done.accept(result.isOK() ? null : failure(result.getException()));
        });
  }

  private static Throwable failure(@Nullable Throwable reported) {
    return reported != null ? reported : new IOException("the message was not sent");
  }

  /**
   * Closes from another thread, because with a stalled peer both servers may hold the caller for
   * long; at the end of the hub on this one, because the executor ends as well.
   */
  @Override
  public void close(CloseCode code, String reason) {
    over = true;
    if (code == CloseCode.GOING_AWAY) {
      closeNow(code, reason);
      return;
    }
    closing.execute(() -> closeNow(code, reason));
  }

  private void closeNow(CloseCode code, String reason) {
    try {
      session.close(
          new CloseReason(
              CloseReason.CloseCodes.getCloseCode(code.code()), CloseText.fitting(reason)));
    } catch (IOException | IllegalStateException alreadyGone) {
      LOG.log(Level.DEBUG, "a session was gone before it was closed", alreadyGone);
    }
  }

  /** The session has ended. */
  void over() {
    over = true;
  }

  boolean isOver() {
    return over;
  }

  /** The peer answered a protocol ping, or pinged. */
  void pong() {
    answers = true;
    awaited = false;
  }

  /**
   * Looks whether the peer still answers, and has a protocol ping sent when it is due; only one
   * thread at a time, which never waits.
   *
   * <p>A peer that has not taken its last frame is not pinged: the ping would wait behind the
   * frame, and the fan-out watches that.
   *
   * @return false when the session is over, when the ping itself was not taken for too long, or
   *     when the peer, which has answered pings before, owes an answer for too long
   */
  boolean alive(long now, long period, long deadline) {
    boolean late = awaited && now - pingedAt >= deadline;
    if (over || (late && (answers || pings))) {
      return false;
    }
    if (!awaited && !pings && !sending && now - pingedAt >= period) {
      pings = true;
      if (!pinging.offer(this::ping)) {
        pings = false; // all threads hang: it is tried again with the next look
      }
    }
    return true;
  }

  private void ping() {
    pingedAt = System.nanoTime();
    awaited = true;
    try {
      remote.sendPing(ByteBuffer.allocate(0));
    } catch (IOException | RuntimeException lost) {
      LOG.log(Level.DEBUG, "a ping found its session gone", lost);
      over = true;
    } finally {
      pings = false;
    }
  }
}
