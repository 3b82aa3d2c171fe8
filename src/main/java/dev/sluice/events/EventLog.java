package dev.sluice.events;

import java.io.IOException;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * The durable log behind the {@link Journal}; {@code storage} implements it with an embedded store.
 *
 * <p>{@link #open} is called once, then {@link #mark} from any appending thread (one at a time) and
 * the rest from one background thread.
 */
public interface EventLog extends AutoCloseable {

  /**
   * What was found at start.
   *
   * @param epoch the epoch to go on with
   * @param events what is retained, ascending
   * @param head the last seq that was, or may have been, given out; the next event gets head + 1
   * @param loss why ids up to {@code head} may be missing, or null after an orderly end
   * @param lostEpoch the epoch that ended because its store could not be read, or null
   * @param lostHead the last seq given out in {@code lostEpoch}
   */
  record Recovery(
      String epoch,
      List<StoredEvent> events,
      long head,
      @Nullable String loss,
      @Nullable String lostEpoch,
      long lostHead) {}

  /**
   * Opens the log, makes it good again where a crash has torn it, and reads what it holds.
   *
   * @param freshEpoch the epoch to begin with if there is none to go on with
   * @param limit most events to return, the newest
   * @throws IOException with a message for the operator: directory not writable, locked by another
   *     process
   */
  Recovery open(String freshEpoch, int limit) throws IOException;

  /**
   * Remembers that {@code seq} is given out, so that it is never given again, even after {@code
   * kill -9}. A memory write: no I/O, no lock.
   */
  void mark(long seq);

  /**
   * Commits a batch and removes what is older than {@code oldest}.
   *
   * @throws IOException if the disk failed; the caller tries again with the same events
   */
  void write(List<StoredEvent> batch, long oldest) throws IOException;

  /**
   * Forces to the disk what {@link #write} has committed, so that it survives the system too.
   *
   * @throws IOException if the disk failed
   */
  void sync() throws IOException;

  /** Writes down that the end was orderly and lets go of the files. */
  @Override
  void close();
}
