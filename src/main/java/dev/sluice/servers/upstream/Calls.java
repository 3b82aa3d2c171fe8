package dev.sluice.servers.upstream;

import dev.sluice.jsonrpc.Envelope;
import dev.sluice.servers.upstream.UpstreamException.Kind;
import jakarta.json.JsonNumber;
import jakarta.json.JsonObject;
import jakarta.json.JsonReader;
import jakarta.json.JsonString;
import jakarta.json.JsonValue;
import jakarta.json.spi.JsonProvider;
import java.io.StringReader;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.OptionalInt;
import java.util.OptionalLong;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.Executor;
import java.util.concurrent.Future;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicLong;
import org.jspecify.annotations.Nullable;

/**
 * The requests under way to one server: gives each an id, finds its waiter when the answer comes in
 * whatever order, and ends it at its deadline. At most {@value #MAX} at once; more are refused.
 */
final class Calls {

  /** Requests under way at once. */
  static final int MAX = 1_024;

  private static final JsonProvider JSON = JsonProvider.provider();

  /** What the owner does for the calls. */
  interface Line {
    /** Sends a message. */
    CompletableFuture<Void> send(Envelope message);

    /** The request ended without an answer; the server should hear of it. */
    void abandoned(long id, String method, String why);
  }

  private static final class Waiter {
    final long id;
    final String method;
    final CompletableFuture<JsonObject> answer = new CompletableFuture<>();
    volatile @Nullable Future<?> deadline;
    volatile @Nullable CompletableFuture<Void> sending;

    Waiter(long id, String method) {
      this.id = id;
      this.method = method;
    }
  }

  private final Line line;
  private final Secrets secrets;
  private final Executor work;
  private final ScheduledExecutorService deadlines;
  private final Map<Long, Waiter> waiting = new ConcurrentHashMap<>();
  private final AtomicLong ids = new AtomicLong();
  private final AtomicInteger count = new AtomicInteger();
  private volatile @Nullable String ended;

  /**
   * Makes it.
   *
   * @param secrets masked in the messages of all failures
   */
  Calls(Line line, Secrets secrets, Executor work, ScheduledExecutorService deadlines) {
    this.line = line;
    this.secrets = secrets;
    this.work = work;
    this.deadlines = deadlines;
  }

  /** Sends a request; the future completes on the managed executor. */
  CompletableFuture<JsonObject> start(String method, @Nullable String params, Duration timeout) {
    if (count.incrementAndGet() > MAX) {
      count.decrementAndGet();
      return CompletableFuture.failedFuture(
          UpstreamException.of(
              Kind.BUSY, MAX + " requests to the server are under way already; try again later"));
    }
    Waiter waiter = new Waiter(ids.incrementAndGet(), method);
    waiting.put(waiter.id, waiter);
    String over = ended;
    if (over != null) {
      fail(waiter, UpstreamException.of(Kind.DISCONNECTED, over));
      return waiter.answer;
    }
    try {
      waiter.deadline =
          deadlines.schedule(
              () -> timeOut(waiter, timeout), timeout.toNanos(), TimeUnit.NANOSECONDS);
    } catch (RejectedExecutionException closing) {
      fail(waiter, UpstreamException.of(Kind.DISCONNECTED, "the hub is shutting down"));
      return waiter.answer;
    }
    CompletableFuture<Void> sending = line.send(Envelope.request(waiter.id, method, params));
    waiter.sending = sending;
    CompletableFuture<?> unused =
        sending.whenComplete(
            (sent, problem) -> {
              if (problem != null) {
                fail(waiter, UpstreamException.from(problem));
              }
            });
    unused =
        waiter.answer.whenComplete(
            (answer, problem) -> {
              if (waiter.answer.isCancelled() && forget(waiter)) {
                line.abandoned(waiter.id, method, "cancelled by the caller");
                sending.cancel(true);
              }
            });
    return waiter.answer;
  }

  private void timeOut(Waiter waiter, Duration timeout) {
    if (!forget(waiter)) {
      return;
    }
    String after = "no answer to " + waiter.method + " within " + text(timeout);
    line.abandoned(waiter.id, waiter.method, after);
    CompletableFuture<Void> sending = waiter.sending;
    if (sending != null) {
      sending.cancel(true);
    }
    onWork(() -> waiter.answer.completeExceptionally(UpstreamException.of(Kind.TIMEOUT, after)));
  }

  private static String text(Duration duration) {
    return duration.toMillis() % 1000 == 0
        ? duration.toSeconds() + " s"
        : duration.toMillis() + " ms";
  }

  /** Takes an answer; false if nobody here waits for it. */
  boolean answered(Envelope answer) {
    OptionalLong id = answer.idNumber();
    Waiter waiter = id.isEmpty() ? null : waiting.get(id.getAsLong());
    if (waiter == null || !forget(waiter)) {
      return false;
    }
    onWork(() -> complete(waiter, answer));
    return true;
  }

  private void complete(Waiter waiter, Envelope answer) {
    boolean failed = answer.kind() == Envelope.Kind.ERROR;
    String json = answer.json(failed ? Envelope.Part.ERROR : Envelope.Part.RESULT);
    JsonValue value;
    try (JsonReader reader = JSON.createReader(new StringReader(String.valueOf(json)))) {
      value = reader.readValue();
    } catch (Throwable unreadable) {
      // Not a JsonException alone: JSON-P throws others for numbers beyond its limits, a large
      // answer may find no memory, and a waiter that is forgotten would wait for ever.
      waiter.answer.completeExceptionally(
          UpstreamException.of(
              Kind.PROTOCOL, "the answer cannot be read: " + unreadable.getMessage()));
      return;
    }
    if (failed) {
      waiter.answer.completeExceptionally(errorResponse(value.asJsonObject()));
    } else if (value instanceof JsonObject result) {
      waiter.answer.complete(result);
    } else {
      waiter.answer.completeExceptionally(
          UpstreamException.of(
              Kind.PROTOCOL, "the result of " + waiter.method + " is not a JSON object"));
    }
  }

  private UpstreamException errorResponse(JsonObject error) {
    String message =
        error.get("message") instanceof JsonString text ? text.getString() : "(no message)";
    OptionalInt code =
        error.get("code") instanceof JsonNumber number
            ? OptionalInt.of(number.intValue())
            : OptionalInt.empty();
    // Masked before the exception cuts it, else half a secret could stay at the end.
    return new UpstreamException(Kind.ERROR_RESPONSE, secrets.mask(message), code);
  }

  /** Fails all, and every later one. */
  void end(String reason) {
    ended = reason;
    for (Waiter waiter : List.copyOf(waiting.values())) {
      fail(waiter, UpstreamException.of(Kind.DISCONNECTED, reason));
    }
  }

  private void fail(Waiter waiter, UpstreamException problem) {
    if (forget(waiter)) {
      onWork(() -> waiter.answer.completeExceptionally(problem.masked(secrets)));
    }
  }

  private boolean forget(Waiter waiter) {
    if (!waiting.remove(waiter.id, waiter)) {
      return false;
    }
    count.decrementAndGet();
    Future<?> deadline = waiter.deadline;
    if (deadline != null) {
      deadline.cancel(false);
    }
    return true;
  }

  private void onWork(Runnable completion) {
    try {
      work.execute(completion);
    } catch (RejectedExecutionException closing) {
      // At undeploy the executor may be gone already; a caller that waits must not wait for ever.
      completion.run();
    }
  }

  /** Requests under way. */
  int underWay() {
    return count.get();
  }
}
