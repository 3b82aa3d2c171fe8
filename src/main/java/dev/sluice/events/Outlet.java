package dev.sluice.events;

import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/**
 * The wire end of one subscription; WebSocket and SSE each bring one. The fan-out calls it from its
 * own threads, one frame in flight at a time.
 */
public interface Outlet {

  /**
   * Starts writing one frame and reports its end exactly once, from any thread, inline or later:
   * {@code null} for written, else the failure (the subscription then ends and {@link #close} is
   * called).
   *
   * <p>May block the calling thread: the fan-out notices and goes on without it.
   */
  void send(Frame frame, Consumer<@Nullable Throwable> done);

  /**
   * Ends the connection with a code of {@link CloseCode}. Called at most once, possibly while a
   * frame is still in flight, never after {@link Subscription#gone()}. Should not block the caller.
   */
  void close(CloseCode code, String reason);
}
