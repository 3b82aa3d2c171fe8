package dev.sluice.sse;

import jakarta.servlet.AsyncContext;
import jakarta.servlet.AsyncEvent;
import jakarta.servlet.AsyncListener;
import jakarta.servlet.ServletOutputStream;
import jakarta.servlet.WriteListener;
import jakarta.servlet.http.HttpServletRequest;
import jakarta.servlet.http.HttpServletResponse;
import java.io.IOException;
import java.lang.System.Logger;
import java.lang.System.Logger.Level;
import java.util.Locale;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.Consumer;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/**
 * One HTTP response that goes on as an event stream. Nothing here blocks: what the peer does not
 * take is kept by the server, and the write is reported as done when the server can take more.
 *
 * <p>Life cycle: made and opened by a servlet, then written to, one event at a time, until it is
 * {@link #close closed} once or the peer leaves. Any thread may call; {@link #send} must not be
 * called again before the last one was reported.
 *
 * <p>JAX-RS has streams of its own; measured, RESTEasy's writes each event byte by byte, for each
 * reader anew, and blocks the sender when the peer's window is small.
 */
public final class SseResponse {

  private static final Logger LOG = System.getLogger(SseResponse.class.getName());

  private static final byte[] NOTHING = {};

  // The states.

  /** The server has not yet said that it takes anything. */
  private static final int STARTING = 0;

  /** An event waits for that. */
  private static final int HELD = 1;

  /** May be written to. */
  private static final int READY = 2;

  /** A thread is writing. */
  private static final int WRITING = 3;

  /** As WRITING; meanwhile the server said that it takes more. */
  private static final int CLEARED = 4;

  /** Written as far as the server took it; it will tell when it takes more. */
  private static final int FULL = 5;

  /**
   * As WRITING, and to be ended by the thread that writes: a completed response may belong to
   * another request at once, and must not be written to any more.
   */
  private static final int ENDING = 6;

  private static final int ENDED = 7;

  private final AsyncContext async;
  private final HttpServletResponse response;
  private final ServletOutputStream out;
  private final Runnable left;
  private final AtomicInteger state = new AtomicInteger(STARTING);
  private final AtomicBoolean completed = new AtomicBoolean();

  /** The event on its way; written before the state that publishes it. */
  private byte[] bytes = NOTHING;

  private Consumer<@Nullable Throwable> done = failure -> {};

  /** Whether the event still has to be pushed out of the server's buffer. */
  private boolean unflushed;

  /** Why it is ENDING; null when it was closed. Guarded by this, set together with the state. */
  private @Nullable Throwable cause;

  private SseResponse(AsyncContext async, HttpServletResponse response, Runnable left)
      throws IOException {
    this.async = async;
    this.response = response;
    // Undertow's flush of its own buffer takes a short write for a whole one while a listener is
    // set; what is longer than the buffer is written past it, and is told truly. Payara ignores it.
    response.setBufferSize(1);
    this.out = response.getOutputStream();
    this.left = left;
  }

  /** What a client is told that does not accept an event stream. */
  public static final String NOT_ACCEPTABLE =
      "This path answers with text/event-stream only; Accept it.";

  /** Whether the client accepts an event stream as the answer. */
  public static boolean accepted(HttpServletRequest request) {
    String accept = request.getHeader("Accept");
    return accept == null
        || Stream.of("text/event-stream", "text/*", "*/*")
            .anyMatch(accept.toLowerCase(Locale.ROOT)::contains);
  }

  /**
   * Takes the response of this request over. Nothing is written before {@link #open}, so that a
   * plain answer is still possible; an event sent before then waits. The servlet and all filters
   * before it must support asynchronous processing.
   *
   * @param left called once, from any thread, when the peer is seen to have left; not after {@link
   *     #close}
   */
  public static SseResponse of(
      HttpServletRequest request, HttpServletResponse response, Runnable left) throws IOException {
    AsyncContext async = request.startAsync();
    async.setTimeout(0);
    SseResponse stream = new SseResponse(async, response, left);
    async.addListener(stream.new Ends());
    return stream;
  }

  /** Makes it an event stream; the headers go out with the first event. */
  public void open() {
    response.setStatus(HttpServletResponse.SC_OK);
    response.setContentType("text/event-stream;charset=UTF-8");
    response.setHeader("Cache-Control", "no-cache, no-transform");
    response.setHeader("X-Accel-Buffering", "no");
    out.setWriteListener(new Turns());
  }

  /** When the client may try again, of an {@link #answer} that refuses. */
  public void retryAfter(String seconds) {
    response.setHeader("Retry-After", seconds);
  }

  /**
   * Answers with one whole body instead of a stream, and ends. The headers of the response are as
   * the caller has set them.
   */
  public void answer(int status, String contentType, byte[] body) {
    response.setStatus(status);
    response.setContentType(contentType);
    response.setContentLength(body.length);
    out.setWriteListener(new Turns());
    send(body, failure -> close());
  }

  /**
   * Starts writing one event and reports once, inline or later: null when the server took it, else
   * why the stream is over.
   *
   * @param event as {@link SseText} makes it; not changed and not kept once it is reported
   */
  public void send(byte[] event, Consumer<@Nullable Throwable> whenDone) {
    bytes = event;
    done = whenDone;
    while (true) {
      int now = state.get();
      switch (now) {
        case STARTING -> {
          if (state.compareAndSet(now, HELD)) {
            return;
          }
        }
        case READY -> {
          if (state.compareAndSet(now, WRITING)) {
            write();
            return;
          }
        }
        case ENDING, ENDED -> {
          whenDone.accept(new IOException("the stream has ended"));
          return;
        }
        default -> throw new IllegalStateException("the last event is still being written");
      }
    }
  }

  /**
   * Ends the stream; an event on its way is not reported any more. With a peer that does not read
   * the server may hold the caller for long. Idempotent.
   */
  public void close() {
    end(null);
  }

  private void write() {
    try {
      out.write(bytes);
      unflushed = true;
      push();
    } catch (IOException | RuntimeException failure) {
      ended(state.getAndSet(ENDED), failure);
    }
  }

  /** Goes on until the event is out or the server takes no more. */
  private void push() throws IOException {
    while (true) {
      if (out.isReady()) {
        if (!unflushed) {
          written();
          return;
        }
        unflushed = false;
        out.flush();
      } else if (state.compareAndSet(WRITING, FULL)) {
        return;
      } else if (!state.compareAndSet(CLEARED, WRITING)) {
        ended(state.getAndSet(ENDED), cause());
        return;
      }
    }
  }

  private void written() {
    Consumer<@Nullable Throwable> report = done;
    bytes = NOTHING;
    if (state.compareAndSet(WRITING, READY) || state.compareAndSet(CLEARED, READY)) {
      report.accept(null);
    } else {
      ended(state.getAndSet(ENDED), cause());
    }
  }

  /** Ends it from outside of a write. */
  private void end(@Nullable Throwable failure) {
    while (true) {
      int now = state.get();
      if (now == ENDING || now == ENDED) {
        return;
      }
      if (now == WRITING || now == CLEARED) {
        if (leaveToWriter(now, failure)) {
          return;
        }
      } else if (state.compareAndSet(now, ENDED)) {
        ended(now, failure);
        return;
      }
    }
  }

  private synchronized boolean leaveToWriter(int now, @Nullable Throwable failure) {
    boolean left = state.compareAndSet(now, ENDING);
    if (left) {
      cause = failure;
    }
    return left;
  }

  private synchronized @Nullable Throwable cause() {
    return cause;
  }

  /** It has ended; nothing is written any more. */
  private void ended(int before, @Nullable Throwable failure) {
    complete();
    // A write that fails after close() is what was asked for.
    boolean closed = failure == null || (before == ENDING && cause() == null);
    if (before == ENDED || closed) {
      return;
    }
    LOG.log(Level.DEBUG, "an event stream ended: {0}", failure);
    if (before != STARTING && before != READY) {
      done.accept(failure);
    }
    left.run();
  }

  private void complete() {
    if (completed.compareAndSet(false, true)) {
      try {
        async.complete();
      } catch (RuntimeException over) { // what a server throws on a response that it has ended
        LOG.log(Level.DEBUG, "a stream was over before it was ended", over);
      }
    }
  }

  /** The server's word that it takes more, or that it is over. */
  private final class Turns implements WriteListener {
    @Override
    public void onWritePossible() throws IOException {
      while (true) {
        int now = state.get();
        int next =
            switch (now) {
              case STARTING -> READY;
              case HELD, FULL -> WRITING;
              case WRITING -> CLEARED;
              default -> now;
            };
        if (next == now) {
          return;
        }
        if (state.compareAndSet(now, next)) {
          if (now == HELD) {
            write();
          } else if (now == FULL) {
            try {
              push();
            } catch (IOException | RuntimeException failure) {
              ended(state.getAndSet(ENDED), failure);
            }
          }
          return;
        }
      }
    }

    @Override
    public void onError(Throwable failure) {
      end(failure);
    }
  }

  private final class Ends implements AsyncListener {
    @Override
    public void onComplete(AsyncEvent event) {
      completed.set(true);
      end(new IOException("the response was completed"));
    }

    @Override
    public void onTimeout(AsyncEvent event) {
      end(new IOException("the server's time limit for responses was reached"));
    }

    @Override
    public void onError(AsyncEvent event) {
      Throwable failure = event.getThrowable();
      end(failure == null ? new IOException("the response failed") : failure);
    }

    @Override
    public void onStartAsync(AsyncEvent event) {
      // Nobody starts it again.
    }
  }
}
