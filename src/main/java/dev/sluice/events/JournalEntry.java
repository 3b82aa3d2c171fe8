package dev.sluice.events;

import java.time.Instant;
import java.time.temporal.ChronoUnit;

/**
 * One retained event: its place, time, topic and the JSON that every subscriber shares. Immutable.
 */
public final class JournalEntry {

  /** What an entry costs beside its JSON, in bytes: objects, id text and slots. */
  static final int OVERHEAD = 128;

  private final long position;
  private final long seq;
  private final long micros;
  private final Topic topic;
  private final int topicId;
  private final Frame frame;
  private final int bytes;

  JournalEntry(
      long position, long seq, long micros, Topic topic, int topicId, Frame frame, int bytes) {
    this.position = position;
    this.seq = seq;
    this.micros = micros;
    this.topic = topic;
    this.topicId = topicId;
    this.frame = frame;
    this.bytes = bytes;
  }

  /** The text of the id, {@code epoch:seq}. */
  public String id() {
    return frame.id();
  }

  /** The number within the epoch. */
  public long seq() {
    return seq;
  }

  /** When it was appended, to the microsecond. */
  public Instant at() {
    return Instant.EPOCH.plus(micros, ChronoUnit.MICROS);
  }

  /** What filters decide by. */
  public Topic topic() {
    return topic;
  }

  /** The event as subscribers receive it: one JSON object on one line. */
  public String json() {
    return frame.json();
  }

  /** Bytes it is counted with: its JSON in UTF-8 and a fixed overhead. */
  public int bytes() {
    return bytes;
  }

  /** Its place in the ring: unlike {@code seq} without holes even after a crash. */
  long position() {
    return position;
  }

  long micros() {
    return micros;
  }

  int topicId() {
    return topicId;
  }

  Frame frame() {
    return frame;
  }
}
