package dev.sluice.streams;

import dev.sluice.events.Fanout;
import dev.sluice.events.Frame;
import dev.sluice.events.SubscribeRequest;
import dev.sluice.events.Topic;
import jakarta.ws.rs.core.MediaType;
import jakarta.ws.rs.sse.OutboundSseEvent;
import jakarta.ws.rs.sse.Sse;
import jakarta.ws.rs.sse.SseBroadcaster;
import jakarta.ws.rs.sse.SseEventSink;
import java.util.List;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.Executor;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.atomic.AtomicReferenceArray;
import java.util.function.BiConsumer;
import java.util.function.Consumer;
import java.util.function.Predicate;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * The SSE side of the fan-out: a broadcaster each of whose sinks has a bounded lane, one send in
 * flight, and an account of what it missed.
 *
 * <p>The servers' own are not used. Jersey's loses events in silence and throws at the publisher
 * when one of its 256-event buffers is full; RESTEasy's lets one stalled sink stop all others and
 * queues without bound.
 *
 * <p>Any thread may call; nothing blocks. A sink is registered from its resource method until its
 * peer leaves, it is too slow, or the broadcaster is closed.
 */
final class EventBroadcaster implements SseBroadcaster {

  /** A power of two; frames are shared by all sinks, so each is built once while it is in use. */
  private static final int BUILT = 1024;

  private static final Pattern LEGAL = Pattern.compile("[A-Za-z0-9._:-]*");
  private static final Pattern RETRY = Pattern.compile("\"retry_after_ms\":(\\d{1,9})");

  private final Fanout fanout;
  private final Sse sse;
  private final Executor closing;
  private final ScheduledExecutorService timer;
  private final Set<SinkOutlet> sinks = ConcurrentHashMap.newKeySet();
  private final List<BiConsumer<SseEventSink, Throwable>> failed = new CopyOnWriteArrayList<>();
  private final List<Consumer<SseEventSink>> closed = new CopyOnWriteArrayList<>();
  private final AtomicReferenceArray<Built> built = new AtomicReferenceArray<>(BUILT);

  EventBroadcaster(Fanout fanout, Sse sse, Executor closing, ScheduledExecutorService timer) {
    this.fanout = fanout;
    this.sse = sse;
    this.closing = closing;
    this.timer = timer;
  }

  /**
   * Registers a sink with its filters, place and rights.
   *
   * @param http2 whether the stream shares an HTTP/2 connection
   * @throws dev.sluice.events.SubscribersExhausted at the limit; the sink is then left open
   */
  void register(
      SseEventSink sink, SubscribeRequest request, Predicate<Topic> visible, boolean http2) {
    // Seen on WildFly 39 with HTTP/2: the last event of a burst waits for the next write. We take
    // it
    // for a wake-up that Undertow loses between the writing thread and its I/O thread; not proven.
    boolean nudged = http2 && sink.getClass().getName().startsWith("org.jboss.resteasy.");
    SinkOutlet outlet =
        new SinkOutlet(this, sink, closing, nudged ? new Nudge(timer, nudge()) : null);
    sinks.add(outlet);
    try {
      outlet.subscribed(fanout.subscribe(request, visible, outlet));
    } catch (RuntimeException refused) {
      sinks.remove(outlet);
      throw refused;
    }
  }

  /** Registers a sink for all events from now on. */
  @Override
  public void register(SseEventSink sink) {
    register(sink, SubscribeRequest.EVERYTHING, Fanout.SEES_ALL, false);
  }

  /**
   * Sends an event that is not in the journal to every sink, between the journal's. A sink with
   * more than {@value SinkOutlet#MAX_WAITING} such events waiting is too slow and is closed.
   *
   * @return completed when each sink has written it or has ended
   */
  @Override
  public CompletionStage<?> broadcast(OutboundSseEvent event) {
    return CompletableFuture.allOf(
        sinks.stream().map(sink -> sink.offer(event)).toArray(CompletableFuture[]::new));
  }

  @Override
  public void onError(BiConsumer<SseEventSink, Throwable> callback) {
    failed.add(callback);
  }

  @Override
  public void onClose(Consumer<SseEventSink> callback) {
    closed.add(callback);
  }

  @Override
  public void close() {
    close(true);
  }

  @Override
  public void close(boolean cascading) {
    for (SinkOutlet sink : sinks) {
      if (cascading) {
        sink.end();
      } else {
        sink.leave();
      }
    }
  }

  /** A sink's send failed; it ends. */
  void failed(SinkOutlet outlet, Throwable failure) {
    failed.forEach(callback -> callback.accept(outlet.sink(), failure));
  }

  /** A sink has ended. */
  void ended(SinkOutlet outlet) {
    if (sinks.remove(outlet)) {
      closed.forEach(callback -> callback.accept(outlet.sink()));
    }
  }

  /** The event for a frame, built once for all sinks. */
  @SuppressWarnings("ReferenceEquality") // a shared frame is one object, and comparing text is slow
  OutboundSseEvent event(Frame frame) {
    int slot = System.identityHashCode(frame) & BUILT - 1;
    Built known = built.get(slot);
    if (known != null && known.frame == frame) {
      return known.event;
    }
    OutboundSseEvent event = build(frame);
    built.set(slot, new Built(frame, event));
    return event;
  }

  private OutboundSseEvent build(Frame frame) {
    // RESTEasy writes id and name as they are, line breaks included.
    if (!LEGAL.matcher(frame.id()).matches() || !LEGAL.matcher(frame.kind()).matches()) {
      throw new IllegalArgumentException("id and name of an SSE event must be of [A-Za-z0-9._:-]");
    }
    OutboundSseEvent.Builder event =
        sse.newEventBuilder().mediaType(MediaType.TEXT_PLAIN_TYPE).data(String.class, frame.json());
    if (!frame.id().isEmpty()) {
      event.id(frame.id());
    }
    if (!frame.kind().equals("event")) {
      event.name(frame.kind());
    }
    if (frame.kind().equals("goaway")) {
      Matcher retry = RETRY.matcher(frame.json());
      if (retry.find()) {
        event.reconnectDelay(Long.parseLong(retry.group(1)));
      }
    }
    return event.build();
  }

  /** A comment, which readers skip. */
  private OutboundSseEvent nudge() {
    return sse.newEventBuilder().comment("").build();
  }

  /** What makes a server write what it forgot, and the timer for it. */
  record Nudge(ScheduledExecutorService timer, OutboundSseEvent event) {}

  private record Built(Frame frame, OutboundSseEvent event) {}
}
