package dev.sluice.relay;

import dev.sluice.jsonrpc.Envelope;
import dev.sluice.jsonrpc.Envelope.Kind;
import dev.sluice.sse.SseResponse;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ConcurrentSkipListMap;
import java.util.concurrent.atomic.AtomicLong;
import org.jspecify.annotations.Nullable;

/**
 * The client's side of Streamable HTTP: each POST with requests has a stream of its own, what
 * belongs to no request goes to the one of GET. Streams outlive their connections for a while, so
 * that a client may come back with {@code Last-Event-ID}.
 */
final class StreamableEnd implements ClientEnd {

  /** Streams without a connection that are kept, and their bytes. */
  private static final int MAX_KEPT = 64;

  private static final long MAX_KEPT_BYTES = 8L << 20;

  /** How long the rest of a stream that was cut waits for the client, in nanoseconds. */
  private static final long KEPT_NANOS = 5 * 60 * 1_000_000_000L;

  private final Map<Long, OutStream> streams = new ConcurrentHashMap<>();
  private final Map<String, OutStream> byRequest = new ConcurrentHashMap<>();

  /** The requests that were cancelled by the numbers of their streams, which no answer ends. */
  private final ConcurrentSkipListMap<Long, String> cancelled = new ConcurrentSkipListMap<>();

  private final AtomicLong numbers = new AtomicLong();
  private final OutStream standalone;
  private final int maxStreams;

  /**
   * Makes it.
   *
   * @param maxStreams at once, those that a client may come back to counted in
   */
  StreamableEnd(int maxStreams) {
    this.maxStreams = maxStreams;
    standalone = new OutStream(numbers.getAndIncrement(), 0, false);
    streams.put(standalone.number(), standalone);
  }

  /** The stream of GET. */
  OutStream standalone() {
    return standalone;
  }

  /**
   * The stream for the answers to the requests of one POST.
   *
   * @param reply where they go; undecided between one JSON body and an event stream
   * @param priming whether the client knows events without data
   * @return empty if there are too many, or one of the ids is in use: its answer is another's
   */
  Optional<OutStream> post(List<String> requests, SseResponse reply, boolean priming) {
    if (streams.size() >= maxStreams && !endCancelled()) {
      return Optional.empty();
    }
    OutStream stream = new OutStream(numbers.getAndIncrement(), requests.size(), priming);
    stream.reply(reply);
    streams.put(stream.number(), stream);
    for (int i = 0; i < requests.size(); i++) {
      if (byRequest.putIfAbsent(requests.get(i), stream) != null) {
        requests.subList(0, i).forEach(claimed -> byRequest.remove(claimed, stream));
        streams.remove(stream.number());
        return Optional.empty();
      }
    }
    return Optional.of(stream);
  }

  /**
   * Ends the oldest stream whose request was cancelled. Clients leave such streams open for good,
   * and come back for them if they end without an answer.
   */
  private boolean endCancelled() {
    for (var oldest = cancelled.pollFirstEntry();
        oldest != null;
        oldest = cancelled.pollFirstEntry()) {
      OutStream stream = streams.remove(oldest.getKey());
      if (stream != null) {
        String why = "The request was cancelled.";
        stream.add(Envelope.error(oldest.getValue(), Session.INTERNAL_ERROR, why), true);
        return true;
      }
    }
    return false;
  }

  /** Whether one of these requests has a stream that waits for its answer. */
  boolean awaitsAny(List<String> requests) {
    return requests.stream().anyMatch(byRequest::containsKey);
  }

  /** The stream that this event id is of, if there still is. */
  Optional<OutStream> byEvent(String id) {
    int dash = id.indexOf('-');
    if (dash <= 0 || dash > 18 || !id.substring(0, dash).chars().allMatch(Character::isDigit)) {
      return Optional.empty();
    }
    return Optional.ofNullable(streams.get(Long.parseLong(id.substring(0, dash))));
  }

  /** It has not learnt of the session, or need not use it: a further one opens another. */
  @Override
  public boolean mayInitializeAgain() {
    return false;
  }

  @Override
  public void send(Envelope message, @Nullable String request) {
    boolean answer = message.kind() == Kind.RESPONSE || message.kind() == Kind.ERROR;
    OutStream stream =
        request == null ? null : answer ? byRequest.remove(request) : byRequest.get(request);
    if (stream != null) {
      if (stream.add(message, answer)) {
        streams.remove(stream.number());
      }
    } else if (!answer) {
      standalone.add(message, false);
    }
  }

  @Override
  public void cancelled(String request) {
    OutStream stream = byRequest.remove(request);
    if (stream != null) {
      cancelled.put(stream.number(), request);
    }
  }

  @Override
  public void refuse(Envelope error, String request, int status, String retryAfter) {
    OutStream stream = byRequest.remove(request);
    if (stream != null && stream.refuse(error, status, retryAfter)) {
      streams.remove(stream.number());
    }
  }

  @Override
  public Held held() {
    Held all = Held.NOTHING;
    for (OutStream stream : streams.values()) {
      all = all.and(stream.held());
    }
    return all;
  }

  /** Streams that wait for long begin, and what nobody comes back for is dropped. */
  @Override
  public void tick(long now) {
    for (OutStream stream : new ArrayList<>(streams.values())) {
      stream.tick(now);
      if (stream != standalone && stream.isForgotten(now, KEPT_NANOS)) {
        streams.remove(stream.number());
      }
    }
    forget();
    cancelled.keySet().retainAll(streams.keySet());
  }

  /** Drops what is kept for a client that may come back, oldest first, down to the bounds. */
  private void forget() {
    List<OutStream> newestFirst =
        streams.values().stream()
            .filter(stream -> stream != standalone && stream.idleBytes() > 0)
            .sorted(Comparator.comparingLong(OutStream::number).reversed())
            .toList();
    long bytes = 0;
    int count = 0;
    for (OutStream stream : newestFirst) {
      bytes += stream.idleBytes();
      if (++count > MAX_KEPT || bytes > MAX_KEPT_BYTES) {
        streams.remove(stream.number());
      }
    }
  }

  @Override
  public void end(SessionEnd why, String reason) {
    streams.values().forEach(OutStream::end);
  }
}
