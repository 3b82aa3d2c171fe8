package dev.sluice.rest;

import dev.sluice.access.AccessFilter;
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
import java.time.Duration;
import java.util.Arrays;
import java.util.concurrent.atomic.AtomicReference;
import org.jspecify.annotations.Nullable;

/**
 * A request whose body is taken in without a thread while it arrives, and which then is dispatched
 * to its servlet. Whoever reads the body there gets all of it, or a {@link BodyFailure}.
 *
 * <p>Life cycle: {@link #await}, arriving, whole or failed (once), dispatched, {@link #begin
 * begun}, completed. The container's reading thread and the sweep of {@link Bodies} may meet here.
 */
final class ArrivingBody extends HttpServletRequestWrapper implements ReadListener, AsyncListener {

  /** What a body that has not sent anything yet counts for. */
  private static final int LEAST = 1024;

  private static final int CHUNK = 8192;

  /** After which a dispatch that has not begun is taken for lost. */
  private static final Duration LOST = Duration.ofSeconds(10);

  private enum State {
    ARRIVING,
    ENDED,
    DISPATCHED,
    BEGUN,
    GIVEN_UP
  }

  private final Bodies bodies;
  private final ServletInputStream in;
  private final HttpServletResponse response;
  private final AsyncContext async;
  private final AtomicReference<State> state = new AtomicReference<>(State.ARRIVING);

  /** What has arrived; of the container's reading thread alone, until the dispatch hands it on. */
  private byte[] bytes = new byte[LEAST];

  private int size;

  /** Bytes held of the bound of all bodies, under this object's lock; 0 once they are released. */
  private long held = LEAST;

  private volatile @Nullable BodyFailure failure;

  /** Since when it is in its state, of those that are watched; nanoseconds. */
  private volatile long since = System.nanoTime();

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
    ArrivingBody body = new ArrivingBody(request, response, bodies, in);
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
      size += read;
      if (size > bodies.limit()) {
        end(BodyFailure.tooLarge(bodies.limit()));
        return;
      }
    }
    if (in.isFinished()) {
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
    end(null);
  }

  @Override
  public void onError(Throwable broken) {
    end(failure(broken, bodies));
  }

  private void end(@Nullable BodyFailure failed) {
    if (state.compareAndSet(State.ARRIVING, State.ENDED)) {
      failure = failed;
      bodies.run(this);
    }
  }

  /** What a container's exception about a body says. */
  static BodyFailure failure(Throwable broken, Bodies bodies) {
    // Undertow's own max-post-size (10 MB by default), when ours is set above it
    return broken.getClass().getSimpleName().equals("RequestTooBigException")
        ? BodyFailure.tooLarge(bodies.limit())
        : BodyFailure.incomplete();
  }

  /**
   * Whether the container is through with the call in which the request began to wait: from then on
   * it takes no settings any more.
   */
  boolean isLetGo() {
    try {
      async.setTimeout(0);
      return false;
    } catch (IllegalStateException letGo) {
      return true;
    }
  }

  void dispatch() {
    since = System.nanoTime();
    if (state.compareAndSet(State.ENDED, State.DISPATCHED)) {
      try {
        async.dispatch();
      } catch (IllegalStateException gone) {
        giveUp(); // the peer left, and the container has completed the request
      }
    }
  }

  /** The dispatch has come; false if it came after it was given up. */
  boolean begin() {
    return state.compareAndSet(State.DISPATCHED, State.BEGUN);
  }

  /** Looks for what took too long; called each second. */
  void check(long now) {
    State seen = state.get();
    if (seen == State.ARRIVING && now - since > bodies.within().toNanos()) {
      end(BodyFailure.tooSlow(bodies.within()));
    } else if (seen == State.DISPATCHED && now - since > LOST.toNanos()) {
      giveUp();
    }
  }

  /** Its dispatch will not come: says that nothing was done, so that the peer may repeat it. */
  private void giveUp() {
    if (!state.compareAndSet(State.DISPATCHED, State.GIVEN_UP)) {
      return;
    }
    bodies.ran();
    try {
      AccessFilter.answer(response, BodyFailure.notRun().asApiException().refusal());
      async.complete();
    } catch (IOException | IllegalStateException gone) {
      // nobody is there any more
    }
    release();
  }

  @Override
  public void onComplete(AsyncEvent event) {
    release();
  }

  @Override
  public void onTimeout(AsyncEvent event) {
    // none is set
  }

  @Override
  public void onError(AsyncEvent event) {
    release();
  }

  @Override
  public void onStartAsync(AsyncEvent event) {
    release(); // by the servlet, which has its thread and reads, or has read
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
