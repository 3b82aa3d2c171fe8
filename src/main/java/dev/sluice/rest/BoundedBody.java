package dev.sluice.rest;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.time.Duration;
import java.util.function.LongSupplier;

/**
 * Reads a body up to a number of bytes and within a time.
 *
 * <p>The time is looked at whenever bytes arrive: it ends a client that trickles. One that sends
 * nothing at all is ended by the server's own read timeout, because a blocked servlet read cannot
 * be interrupted.
 *
 * @param limit bytes
 * @param within time for the whole body
 * @param nanoTime the clock
 */
public record BoundedBody(int limit, Duration within, LongSupplier nanoTime) {

  /** The body has more bytes than the limit. */
  public static final class TooLargeException extends IOException {
    private static final long serialVersionUID = 1L;
  }

  /** The body took longer than the time. */
  public static final class TooSlowException extends IOException {
    private static final long serialVersionUID = 1L;
  }

  /** Reads all of it. */
  public byte[] read(InputStream in) throws IOException {
    long start = nanoTime.getAsLong();
    ByteArrayOutputStream body = new ByteArrayOutputStream();
    byte[] chunk = new byte[8192];
    for (int read = in.read(chunk); read >= 0; read = in.read(chunk)) {
      if (body.size() + read > limit) {
        throw new TooLargeException();
      }
      body.write(chunk, 0, read);
      if (nanoTime.getAsLong() - start > within.toNanos()) {
        throw new TooSlowException();
      }
    }
    return body.toByteArray();
  }
}
