package dev.sluice.streams;

import dev.sluice.events.Frame;
import dev.sluice.sse.SseText;
import java.nio.charset.StandardCharsets;
import java.util.concurrent.atomic.AtomicReferenceArray;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * Frames as server-sent events. A frame is shared by all its readers, so its bytes are made once
 * while it is in use. Any thread may call.
 */
final class SseFrames {

  /** How many are kept; a power of two. */
  private static final int BUILT = 1024;

  /** Larger ones are made anew for each reader, so that the kept ones are 16 MiB at most. */
  private static final int KEPT_BYTES = 16 * 1024;

  private static final Pattern RETRY = Pattern.compile("\"retry_after_ms\":(\\d{1,9})");

  private static final class Built {
    final Frame frame;
    final byte[] event;

    Built(Frame frame, byte[] event) {
      this.frame = frame;
      this.event = event;
    }
  }

  private final AtomicReferenceArray<Built> built = new AtomicReferenceArray<>(BUILT);

  /** The event for a frame; not to be changed. */
  @SuppressWarnings("ReferenceEquality") // a shared frame is one object, and comparing text is slow
  byte[] event(Frame frame) {
    int slot = System.identityHashCode(frame) & BUILT - 1;
    Built known = built.get(slot);
    if (known != null && known.frame == frame) {
      return known.event;
    }
    byte[] event = build(frame);
    if (event.length <= KEPT_BYTES) {
      built.set(slot, new Built(frame, event));
    }
    return event;
  }

  private static byte[] build(Frame frame) {
    long retry = -1;
    if (frame.kind().equals("goaway")) {
      Matcher found = RETRY.matcher(frame.json());
      retry = found.find() ? Long.parseLong(found.group(1)) : -1;
    }
    return SseText.event(
        frame.id(),
        frame.kind().equals("event") ? "" : frame.kind(),
        retry,
        frame.json().getBytes(StandardCharsets.UTF_8));
  }
}
