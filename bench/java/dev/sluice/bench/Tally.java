package dev.sluice.bench;

import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/** What one connection was sent. Written by the selector thread only; read when it is quiet. */
final class Tally {

  private static final Pattern DROPPED = Pattern.compile("\"dropped\":(\\d+)");
  private static final byte[] SENT_AT = "\"correlation_id\":\"".getBytes(StandardCharsets.US_ASCII);

  /** Whether to measure latency: off while only throughput counts. */
  boolean timed;

  long events;
  long controls;
  long warnings;
  long reported;
  long bytes;
  String lastControl = "";
  String lastEvent = "";

  private volatile long settled;
  private volatile boolean greeted;
  private long[] latencies = new long[0];
  private int samples;

  /** One JSON object arrived. */
  void message(byte[] buffer, int offset, int length) {
    bytes += length;
    // {"event_type" is an event, {"type" is control.
    if (length > 2 && buffer[offset + 2] == 'e') {
      if (timed) {
        sample(buffer, offset, length);
      } else if (events == 0) {
        lastEvent = new String(buffer, offset, length, StandardCharsets.UTF_8);
      }
      events++;
      return;
    }
    controls++;
    lastControl = new String(buffer, offset, length, StandardCharsets.UTF_8);
    if (lastControl.startsWith("{\"type\":\"warning\"")) {
      warnings++;
      Matcher dropped = DROPPED.matcher(lastControl);
      if (dropped.find()) {
        reported += Long.parseLong(dropped.group(1));
      }
    }
  }

  private void sample(byte[] buffer, int offset, int length) {
    int at = -1;
    int end = offset + length - SENT_AT.length;
    for (int i = offset; i < end; i++) {
      if (buffer[i] == '"'
          && Arrays.equals(SENT_AT, 0, SENT_AT.length, buffer, i, i + SENT_AT.length)) {
        at = i + SENT_AT.length;
        break;
      }
    }
    if (at <= 0) {
      return;
    }
    long sent = 0;
    for (int i = at; i < offset + length && buffer[i] >= '0' && buffer[i] <= '9'; i++) {
      sent = sent * 10 + buffer[i] - '0';
    }
    if (samples == latencies.length) {
      latencies = Arrays.copyOf(latencies, Math.max(1024, samples * 2));
    }
    latencies[samples++] = System.nanoTime() - sent;
  }

  /** Makes what was counted visible to other threads: once a read, not once a message. */
  void settle() {
    settled = events + reported;
    greeted |= controls > 0;
  }

  /** Events delivered and events reported as dropped, as of the last read; any thread. */
  long accounted() {
    return settled;
  }

  /** Whether the first control frame, the answer to the subscription, has come; any thread. */
  boolean greeted() {
    return greeted;
  }

  /** Latencies in nanoseconds since the last {@link #clear}. */
  long[] latencies() {
    return Arrays.copyOf(latencies, samples);
  }

  void clear() {
    events = 0;
    controls = 0;
    warnings = 0;
    reported = 0;
    bytes = 0;
    samples = 0;
    settled = 0;
  }
}
