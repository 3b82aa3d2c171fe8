package dev.sluice.relay;

import dev.sluice.jsonrpc.Envelope;
import dev.sluice.sse.SseResponse;
import dev.sluice.sse.SseText;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/**
 * One stream of a Streamable HTTP session: the answers to one POST, or what GET listens to. The
 * newest events are kept, at most {@value #MAX_EVENTS} and {@value #MAX_BYTES} bytes of them, for a
 * client that comes back with {@code Last-Event-ID}; a client that is further behind than that is
 * cut, and told so when it comes back.
 *
 * <p>A single answer that comes soon and alone is one JSON body, unless the client would rather
 * have events; anything else is an event stream. Any thread may call; nothing blocks, and nothing
 * is written under the lock.
 */
final class OutStream {

  static final int MAX_EVENTS = 1_024;
  static final long MAX_BYTES = 8L << 20;

  /** How long an answer may take before the client gets a stream to wait on. */
  private static final long DECIDE_NANOS = 1_000_000_000L;

  private static final long KEEP_ALIVE_NANOS = 15_000_000_000L;
  private static final long RETRY_MILLIS = 1_000;
  private static final byte[] KEEP_ALIVE = SseText.comment("keep-alive");
  private static final byte[] HELLO = SseText.comment("open");

  private record Event(long seq, Envelope message) {}

  private final long number;
  private final boolean priming;

  // Guarded by this, held for a few instructions.
  private final Deque<Event> kept = new ArrayDeque<>();
  private long keptBytes;
  private long newest;
  private long sent;
  private int due;
  private final boolean answers;
  private @Nullable SseResponse undecided;
  private @Nullable SseResponse live;
  private boolean writing;
  private boolean prime;
  private boolean greet;
  private boolean ended;
  private long since = System.nanoTime();
  private long wrote = since;

  /**
   * Makes it.
   *
   * @param due answers that will come; 0 for a stream that goes on
   * @param priming whether a connection begins with an id alone (2025-11-25)
   */
  OutStream(long number, int due, boolean priming) {
    this.number = number;
    this.due = due;
    this.answers = due > 0;
    this.priming = priming;
  }

  long number() {
    return number;
  }

  /** Where a POST is answered, one way or the other. */
  synchronized void reply(SseResponse reply) {
    undecided = reply;
  }

  /** The reply is an event stream, whatever comes. */
  void begin() {
    SseResponse begun;
    synchronized (this) {
      begun = decide();
    }
    if (begun != null) {
      begun.open();
      pump();
    }
  }

  /** Whether a connection listens now. */
  synchronized boolean isLive() {
    return live != null || undecided != null;
  }

  /**
   * Lets a connection listen from after that event on, or from what nobody got yet.
   *
   * @param lastId of an event of this stream, or null
   * @return false if there is a listener already, or the place is not kept any more
   */
  boolean attach(SseResponse listener, @Nullable String lastId) {
    synchronized (this) {
      if (isLive() || ended) {
        return false;
      }
      if (lastId != null) {
        long after = seq(lastId);
        long oldest = kept.isEmpty() ? newest + 1 : kept.getFirst().seq();
        if (after < oldest - 1 || after > newest) {
          return false;
        }
        sent = after;
      }
      live = listener;
      prime = priming;
      greet = !priming;
      wrote = System.nanoTime();
    }
    listener.open();
    pump();
    return true;
  }

  private static long seq(String id) {
    String digits = id.substring(id.indexOf('-') + 1);
    return digits.isEmpty() || digits.length() > 18 || !digits.chars().allMatch(Character::isDigit)
        ? -1
        : Long.parseLong(digits);
  }

  private String id(long seq) {
    return number + "-" + seq;
  }

  /**
   * Adds a message.
   *
   * @param answer counts it among those that are due
   * @return true if all is said and nothing is kept
   */
  boolean add(Envelope message, boolean answer) {
    return add(message, answer, 200, "");
  }

  /** Adds an answer for want of room; as the status, if it is the whole reply. */
  boolean refuse(Envelope error, int status, String retryAfter) {
    return add(error, true, status, retryAfter);
  }

  private boolean add(Envelope message, boolean answer, int status, String retryAfter) {
    SseResponse whole = null;
    SseResponse begin = null;
    SseResponse cut = null;
    synchronized (this) {
      if (ended) {
        return true;
      }
      due -= answer ? 1 : 0;
      if (undecided != null && answer && due == 0) {
        whole = undecided;
        undecided = null;
        ended = true;
      } else {
        kept.add(new Event(++newest, message));
        keptBytes += message.size();
        while (kept.size() > 1 && (kept.size() > MAX_EVENTS || keptBytes > MAX_BYTES)) {
          Event dropped = kept.removeFirst();
          keptBytes -= dropped.message().size();
          if (live != null && dropped.seq() > sent) {
            cut = live; // it would miss this one
            live = null;
          }
        }
        begin = decide();
      }
    }
    if (whole != null) {
      if (!retryAfter.isEmpty()) {
        whole.retryAfter(retryAfter);
      }
      whole.answer(status, "application/json", message.bytes());
      return true;
    }
    if (cut != null) {
      cut.close();
    }
    if (begin != null) {
      begin.open();
    }
    pump();
    return false;
  }

  /** The reply becomes a stream; the caller holds the lock and opens what this returns. */
  private @Nullable SseResponse decide() {
    SseResponse reply = undecided;
    undecided = null;
    if (reply != null) {
      live = reply;
      prime = priming;
    }
    return reply;
  }

  /** The peer of this connection has left. */
  void left(SseResponse connection) {
    synchronized (this) {
      if (live == connection) {
        live = null;
      } else if (undecided == connection) {
        undecided = null;
      } else {
        return;
      }
      since = System.nanoTime();
      writing = false;
    }
  }

  private void pump() {
    while (true) {
      SseResponse to;
      byte[] next;
      boolean last;
      synchronized (this) {
        to = live;
        if (to == null || writing) {
          return;
        }
        next = next();
        last = next == null && answers && due == 0;
        if (last) {
          live = null; // kept for a client that did not get it all
          since = System.nanoTime();
        } else if (next == null) {
          return;
        }
        writing = !last;
        wrote = System.nanoTime();
      }
      if (next == null) {
        to.close();
        return;
      }
      Turn turn = new Turn(to);
      to.send(next, turn);
      if (!turn.inline()) {
        return;
      }
    }
  }

  /** The caller holds the lock. */
  private byte @Nullable [] next() {
    if (greet) { // the head goes out with the first bytes, and clients may wait for it
      greet = false;
      return HELLO;
    }
    if (prime) {
      prime = false;
      return SseText.event(id(sent), "", RETRY_MILLIS, new byte[0]);
    }
    if (newest == sent) {
      return null;
    }
    Event next = kept.getLast(); // most often there is one
    if (next.seq() != sent + 1) {
      for (Event event : kept) {
        if (event.seq() > sent) {
          next = event;
          break;
        }
      }
    }
    sent = next.seq();
    return SseText.event(id(sent), "message", -1, next.message().singleLine());
  }

  /** One write: tells a report that came inline from one that came later. */
  private final class Turn implements Consumer<@Nullable Throwable> {
    private final SseResponse to;
    private boolean reported;
    private boolean later;

    Turn(SseResponse to) {
      this.to = to;
    }

    @Override
    public void accept(@Nullable Throwable failure) {
      synchronized (OutStream.this) {
        if (live == to) {
          writing = false;
        }
        reported = true;
        if (!later) {
          return;
        }
      }
      pump();
    }

    boolean inline() {
      synchronized (OutStream.this) {
        later = !reported;
        return reported;
      }
    }
  }

  /** Once a second. */
  void tick(long now) {
    SseResponse begin = null;
    SseResponse beat = null;
    Turn turn = null;
    synchronized (this) {
      if (undecided != null && now - since > DECIDE_NANOS) {
        begin = decide();
      } else if (live != null && !writing && now - wrote > KEEP_ALIVE_NANOS) {
        beat = live;
        writing = true;
        wrote = now;
        turn = new Turn(beat);
      }
    }
    if (begin != null) {
      begin.open();
      pump();
    }
    if (beat != null && turn != null) {
      beat.send(KEEP_ALIVE, turn);
      if (turn.inline()) {
        pump();
      }
    }
  }

  /** Bytes kept for a client that may come back, 0 while it is connected. */
  synchronized long idleBytes() {
    return isLive() ? 0 : keptBytes + 1;
  }

  /** What it holds. */
  synchronized Held held() {
    return new Held(1, isLive() || !answers ? 0 : 1, keptBytes);
  }

  /** Whether nobody will come back for it. */
  synchronized boolean isForgotten(long now, long keptNanos) {
    return live == null && undecided == null && (ended || now - since > keptNanos);
  }

  /** The session is over: nothing more comes. */
  void end() {
    SseResponse open;
    SseResponse unanswered;
    synchronized (this) {
      ended = true;
      open = live;
      unanswered = undecided;
      live = null;
      undecided = null;
      kept.clear();
      keptBytes = 0;
    }
    if (open != null) {
      open.close();
    }
    if (unanswered != null) {
      byte[] gone =
          Envelope.error((String) null, Session.INTERNAL_ERROR, "The session has ended.").bytes();
      unanswered.answer(404, "application/json", gone);
    }
  }
}
