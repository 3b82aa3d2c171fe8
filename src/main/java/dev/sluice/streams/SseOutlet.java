package dev.sluice.streams;

import dev.sluice.events.CloseCode;
import dev.sluice.events.Frame;
import dev.sluice.events.Outlet;
import dev.sluice.events.Subscription;
import dev.sluice.sse.SseResponse;
import jakarta.servlet.http.HttpServletRequest;
import jakarta.servlet.http.HttpServletResponse;
import java.io.IOException;
import java.util.concurrent.Executor;
import java.util.concurrent.atomic.AtomicReference;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/** The wire end of one SSE stream. */
final class SseOutlet implements Outlet {

  private final SseFrames frames;
  private final SseResponse stream;
  private final Executor closing;
  private final AtomicReference<@Nullable Subscription> subscription = new AtomicReference<>();

  SseOutlet(
      SseFrames frames, HttpServletRequest request, HttpServletResponse response, Executor closing)
      throws IOException {
    this.frames = frames;
    this.stream = SseResponse.of(request, response, this::left);
    this.closing = closing;
  }

  /** Subscribed: from now on frames go out. */
  void open(Subscription made) {
    subscription.set(made);
    stream.open();
  }

  /** Not subscribed, and a plain answer was written instead. */
  void refuse() {
    stream.close();
  }

  @Override
  public void send(Frame frame, Consumer<@Nullable Throwable> done) {
    stream.send(frames.event(frame), done);
  }

  private void left() {
    Subscription made = subscription.get();
    if (made != null) {
      made.gone();
    }
  }

  /** Closes on another thread: with a stalled peer both servers may hold the caller for long. */
  @Override
  public void close(CloseCode code, String reason) {
    closing.execute(stream::close);
  }
}
