package dev.sluice.rest;

import dev.sluice.access.AccessFilter;
import dev.sluice.access.Unread;
import jakarta.servlet.AsyncContext;
import jakarta.servlet.AsyncEvent;
import jakarta.servlet.AsyncListener;
import jakarta.servlet.ReadListener;
import jakarta.servlet.ServletInputStream;
import jakarta.servlet.http.HttpServletRequest;
import jakarta.servlet.http.HttpServletRequestWrapper;
import jakarta.servlet.http.HttpServletResponse;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.atomic.AtomicReference;
import org.jspecify.annotations.Nullable;

/**
 * A request whose body is taken in without a thread while it arrives, and which then is dispatched
 * to its servlet. Whoever reads the body there gets all of it, or a {@link BodyFailure}.
 *
 * <p>Life cycle: {@link #await}, arriving, dispatched (whole or with a failure), {@link #finish
 * over}; or given up while it arrives. The container's threads, the sweep of {@link Bodies} and the
 * end of the application may meet here.
 */
final class ArrivingBody extends HttpServletRequestWrapper implements ReadListener, AsyncListener {

  /** What a body that has not sent anything yet counts for. */
  private static final int LEAST = 1024;

  private static final int CHUNK = 8192;

  private enum State {
    ARRIVING,
    DISPATCHED,
    OVER
  }

  private final Bodies bodies;
  private final ServletInputStream in;
  private final HttpServletResponse response;
  private final AsyncContext async;
  private final AtomicReference<State> state = new AtomicReference<>(State.ARRIVING);

  /** What has arrived; of the container's reading thread alone, until the dispatch hands it on. */
  private byte[] bytes = new byte[LEAST];

  private int size;
  private final AtomicLong total = new AtomicLong();

  /** What the sweep saw of it last. */
  private long seen = -1;

  /** Bytes held of the bound of all bodies, under this object's lock; 0 once they are released. */
  private long held = LEAST;

  private volatile @Nullable BodyFailure failure;

  private final long begin = System.nanoTime();

  private ArrivingBody(
      HttpServletRequest request,
      HttpServletResponse response,
      Bodies bodies,
      ServletInputStream in) {
    super(request);
    this.bodies = bodies;
    this.in = in;
    this.response = response;
    this.async = request.startAsync(this, response);
  }

  /**
   * Lets the request wait for its body; the calling thread goes on without it.
   *
   * @param in the request's
   */
  static void await(
      HttpServletRequest request,
      HttpServletResponse response,
      Bodies bodies,
      ServletInputStream in)
      throws IOException {
    if (!bodies.hold(LEAST)) {
      throw BodyFailure.noRoom(bodies.maxBytes());
    }
    ArrivingBody body;
    try {
      body = new ArrivingBody(request, response, bodies, in);
    } catch (RuntimeException notAsync) {
      bodies.release(LEAST);
      throw notAsync;
    }
    request.setAttribute(ArrivingBody.class.getName(), body);
    bodies.began(body);
    body.async.setTimeout(0); // the sweep sees to it
    body.async.addListener(body);
    in.setReadListener(body);
  }

  /** The body of a dispatched request, if it was awaited. */
  static @Nullable ArrivingBody of(HttpServletRequest request) {
    return request.getAttribute(ArrivingBody.class.getName()) instanceof ArrivingBody body
        ? body
        : null;
  }

  @Override
  public void onDataAvailable() throws IOException {
    while (state.get() == State.ARRIVING && in.isReady()) {
      if (size == bytes.length && !grow()) {
        return;
      }
      int read = in.read(bytes, size, bytes.length - size);
      if (read < 0) {
        break;
      }
      long taken = total.addAndGet(read);
      size += read;
      if (taken > bodies.limit()) {
        size = 0; // what comes is thrown away
      }
      if (taken > bodies.most()) {
        break;
      }
    }
    if (total.get() > bodies.most() || in.isFinished()) {
      onAllDataRead();
    }
  }

  /** Makes room for more; false after it has ended the body, because there is none. */
  private boolean grow() {
    int more = Math.max(CHUNK, Math.min(size, bodies.limit() + 1 - size));
    synchronized (this) {
      if (held == 0) {
        return false; // it was ended meanwhile
      }
      if (bodies.hold(more)) {
        held += more;
        bytes = Arrays.copyOf(bytes, size + more);
        return true;
      }
    }
    end(BodyFailure.noRoom(bodies.maxBytes()));
    return false;
  }

  @Override
  public void onAllDataRead() {
    end(total.get() > bodies.limit() ? BodyFailure.tooLarge(bodies.limit()) : null);
  }

  @Override
  public void onError(Throwable broken) {
    end(failure(broken, bodies));
  }

  private void end(@Nullable BodyFailure failed) {
    if (bodies.isEnding()) {
      giveUp();
    } else if (state.compareAndSet(State.ARRIVING, State.DISPATCHED)) {
      failure = failed;
      if (failed != null && !in.isFinished()) {
        Unread.close(this, response);
      }
      try {
        async.dispatch();
      } catch (IllegalStateException gone) { // the peer left, and the container has ended it
        finish();
      }
    }
  }

  /** What a container's exception about a body says. */
  static BodyFailure failure(Throwable broken, Bodies bodies) {
    if (broken instanceof BodyFailure known) {
      return known;
    }
    // Undertow's own max-post-size (10 MB by default), when ours is set above it
    return broken.getClass().getSimpleName().equals("RequestTooBigException")
        ? BodyFailure.tooLarge(bodies.limit())
        : BodyFailure.incomplete();
  }

  /** Its servlet is through with it, and has read the body or not. */
  void finish() {
    state.set(State.OVER);
    release();
  }

  /** Looks for what took too long; called each second. */
  void check(long now) {
    long taken = total.get();
    boolean over = Math.max(Unread.announced(this), taken) > bodies.limit();
    if (over && taken == seen) {
      end(BodyFailure.tooLarge(bodies.limit())); // it waits for the answer
    } else if (now - begin > bodies.within().toNanos()) {
      end(over ? BodyFailure.tooLarge(bodies.limit()) : BodyFailure.tooSlow(bodies.within()));
    }
    seen = taken;
  }

  /** The application ends: says that nothing was done, so that the peer may repeat it. */
  void giveUp() {
    if (state.compareAndSet(State.ARRIVING, State.OVER)) {
      release();
      try {
        AccessFilter.answer(this, response, BodyFailure.notRun().asApiException().refusal());
        async.complete();
      } catch (IOException | RuntimeException gone) {
        // nobody is there any more
      }
    }
  }

  @Override
  public void onComplete(AsyncEvent event) {
    finish();
  }

  @Override
  public void onTimeout(AsyncEvent event) {
    // none is set
  }

  @Override
  public void onError(AsyncEvent event) {
    finish();
  }

  @Override
  public void onStartAsync(AsyncEvent event) {
    // by its servlet
  }

  private void release() {
    long mine;
    synchronized (this) {
      mine = held;
      held = 0;
    }
    if (mine > 0) {
      bodies.release(mine);
      bodies.ended(this);
    }
  }

  @Override
  public ServletInputStream getInputStream() {
    release();
    BodyFailure failed = failure;
    return failed == null ? WholeBody.of(bytes, size) : WholeBody.failed(failed);
  }

  @Override
  public BufferedReader getReader() {
    return new BufferedReader(new InputStreamReader(getInputStream(), StandardCharsets.UTF_8));
  }
}
