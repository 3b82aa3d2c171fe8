package dev.sluice.relay;

import dev.sluice.jsonrpc.Envelope;
import dev.sluice.servers.ClientTransport;
import dev.sluice.servers.upstream.ModernHeaders;
import dev.sluice.sse.SseResponse;
import dev.sluice.sse.SseText;
import jakarta.servlet.http.HttpServletRequest;
import jakarta.servlet.http.HttpServletResponse;
import java.io.IOException;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/**
 * The answer to a POST of the stateless era: one JSON body if it comes soon and alone, else an
 * event stream that ends with it.
 *
 * <p>Neither server tells that a peer has left before something is written to it, and the writes
 * right after that still succeed: one on WildFly, two on Payara. So that the upstream is told
 * within a second, a stream that waits for the answer to a call carries a comment every {@value
 * #BEAT_MILLIS} ms, less often when there are very many.
 */
final class ModernHttpReply implements ModernExchange.Reply {

  /** How long a call may take before the client gets a stream to wait on, and can be watched. */
  static final long DECIDE_MILLIS = 250;

  /** The same of what should be quick, and whose HTTP status says more: lists and discovery. */
  static final long DECIDE_QUICK_MILLIS = 5_000;

  /** Between two comments while the answer to a call is awaited. */
  static final long BEAT_MILLIS = 200;

  /** The same on a subscription, which costs the server nothing while nothing happens. */
  static final long LISTEN_BEAT_MILLIS = 2_500;

  /** Comments of all requests in a millisecond, at most. */
  private static final int BEATS_A_MILLI = 1;

  private static final long NANOS = 1_000_000;
  private static final byte[] BEAT = SseText.comment("");

  private final HttpServletResponse response;
  private final SseResponse stream;
  private final boolean listens;
  private final boolean calls;
  private final Outbox outbox;
  private volatile @Nullable ModernExchange exchange;
  private volatile long beat;
  private volatile boolean writing;

  /** Whether it is a stream; guarded by this. */
  private boolean streaming;

  /** Whether it is one JSON body; guarded by this. */
  private boolean whole;

  /** Takes the response of this request over. */
  ModernHttpReply(HttpServletRequest request, HttpServletResponse response, Envelope message)
      throws IOException {
    this.response = response;
    this.listens = ModernExchange.isListen(message);
    this.calls = ModernHeaders.named(message) != null;
    this.outbox = new Outbox(this::write, this::tooSlow, this::left);
    this.stream = SseResponse.of(request, response, this::left);
  }

  /** Who is told when the client leaves. */
  void of(ModernExchange owner) {
    exchange = owner;
  }

  private void left() {
    ModernExchange owner = exchange;
    if (owner != null) {
      owner.left();
    }
  }

  private void tooSlow() {
    ModernExchange owner = exchange;
    if (owner != null) {
      owner.tooSlow();
    }
    stream.close();
  }

  private void write(byte[] event, Consumer<@Nullable Throwable> done) {
    writing = true;
    stream.send(
        event,
        failure -> {
          writing = false;
          done.accept(failure);
        });
  }

  private static byte[] event(Envelope message) {
    return SseText.event("", "message", -1, message.singleLine());
  }

  @Override
  public ClientTransport transport() {
    return ClientTransport.STREAMABLE_HTTP;
  }

  @Override
  public void part(Envelope message) {
    open();
    outbox.add(event(message));
  }

  @Override
  public void last(int status, Envelope message, String retryAfter) {
    boolean alone;
    synchronized (this) {
      alone = !streaming;
      whole = alone;
    }
    if (!alone) {
      outbox.add(event(message));
      outbox.finish(stream::close);
      return;
    }
    if (!retryAfter.isEmpty()) {
      response.setHeader("Retry-After", retryAfter);
    }
    stream.answer(status, "application/json", message.bytes());
  }

  /** It becomes a stream, if it is not decided yet. */
  private boolean open() {
    synchronized (this) {
      if (streaming || whole) {
        return false;
      }
      streaming = true;
    }
    stream.open();
    return true;
  }

  private synchronized boolean isOpen() {
    return streaming;
  }

  @Override
  public void tick(long now, long waited, int all) {
    long decide = listens || calls ? DECIDE_MILLIS : DECIDE_QUICK_MILLIS;
    boolean begun = waited > decide * NANOS && open();
    long pause = listens ? LISTEN_BEAT_MILLIS : Math.max(BEAT_MILLIS, (long) all / BEATS_A_MILLI);
    if (begun || (now - beat > pause * NANOS && isOpen() && !writing)) {
      beat = now;
      outbox.add(BEAT);
    }
  }

  @Override
  public long heldBytes() {
    return outbox.bytes();
  }

  @Override
  public void drop() {
    outbox.drop();
  }
}
