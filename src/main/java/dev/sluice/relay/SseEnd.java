package dev.sluice.relay;

import dev.sluice.jsonrpc.Envelope;
import dev.sluice.sse.SseResponse;
import dev.sluice.sse.SseText;
import java.nio.charset.StandardCharsets;
import org.jspecify.annotations.Nullable;

/**
 * The client's side of HTTP+SSE (MCP 2024-11-05): everything goes out on one stream, without ids;
 * its end is the session's end.
 */
final class SseEnd implements ClientEnd {

  private static final byte[] KEEP_ALIVE = SseText.comment("keep-alive");

  /**
   * A client that has left is seen by the second write after that, and its calls and its child are
   * to be gone within ten seconds.
   */
  private static final long KEEP_ALIVE_NANOS = 2_500_000_000L;

  private final SseResponse stream;
  private final Outbox outbox;
  private long beat = System.nanoTime(); // of the one thread that ticks

  SseEnd(SseResponse stream, Runnable tooSlow, Runnable gone) {
    this.stream = stream;
    this.outbox = new Outbox(stream::send, tooSlow, gone);
  }

  /** The first event: where the client posts its messages. */
  void endpoint(String path) {
    outbox.add(SseText.event("", "endpoint", -1, path.getBytes(StandardCharsets.UTF_8)));
    stream.open();
  }

  @Override
  public void tick(long now) {
    if (now - beat > KEEP_ALIVE_NANOS) {
      beat = now;
      outbox.add(KEEP_ALIVE);
    }
  }

  @Override
  public void send(Envelope message, @Nullable String request) {
    outbox.add(SseText.event("", "message", -1, message.singleLine()));
  }

  @Override
  public Held held() {
    return new Held(0, 0, outbox.bytes());
  }

  @Override
  public void end(SessionEnd why, String reason) {
    if (why == SessionEnd.TOO_SLOW || why == SessionEnd.CLIENT) {
      outbox.drop();
      stream.close();
    } else {
      outbox.finish(stream::close);
    }
  }
}
