package dev.sluice.servers;

import dev.sluice.servers.upstream.StartFailure;
import java.time.Duration;
import java.util.Optional;

/**
 * What went wrong with one server lately, and when it may start again. A start alone proves little:
 * failures before it count on until the server has answered or has run for {@link #PROVEN}.
 *
 * <p>Not thread-safe: its server guards it with its own lock.
 */
final class Failures {

  /** A run this long proves that a server works, even without a call or a probe. */
  private static final Duration PROVEN = Duration.ofSeconds(10);

  private int consecutive;
  private int unproven;
  private int probes;
  private long total;
  private long retryAt = System.nanoTime();
  private long readySince;
  private Optional<StartFailure> last = Optional.empty();
  private Optional<Ping> lastPing = Optional.empty();

  /** Whether a run so long counts for what failed before it. */
  static boolean proves(Duration ran) {
    return ran.compareTo(PROVEN) >= 0;
  }

  /** The server became ready. */
  void ready() {
    unproven = consecutive;
    consecutive = 0;
    probes = 0;
    last = Optional.empty();
    readySince = System.nanoTime();
  }

  /** The server answered. */
  void proven() {
    unproven = 0;
  }

  /** A ping was answered, or was not; returns how many in a row were not. */
  int pinged(Ping ping) {
    lastPing = Optional.of(ping);
    if (ping.problem().isPresent()) {
      return ++probes;
    }
    probes = 0;
    unproven = 0;
    return 0;
  }

  /** How many it would be in a row if the ready server crashed now. */
  int withCrash() {
    boolean ranLong = proves(Duration.ofNanos(System.nanoTime() - readySince));
    return (ranLong ? 0 : unproven) + 1;
  }

  /** How many it would be in a row if the start under way failed now. */
  int withFailedStart() {
    return consecutive + 1;
  }

  void startFailed(StartFailure failure) {
    last = Optional.of(failure);
  }

  /** The server is down after that many failures in a row and waits for its next start. */
  void down(int inARow, Duration wait) {
    consecutive = inARow;
    total++;
    retryAt = System.nanoTime() + wait.toNanos();
  }

  /** Somebody stopped the server: it starts anew. */
  void forgive() {
    consecutive = 0;
    unproven = 0;
    probes = 0;
  }

  Duration untilRetry() {
    long left = retryAt - System.nanoTime();
    return left > 0 ? Duration.ofNanos(left) : Duration.ZERO;
  }

  /** Starts and crashes while down, probes while ready. */
  int inARow() {
    return consecutive > 0 ? consecutive : probes;
  }

  long total() {
    return total;
  }

  /** The newest ping that counted. */
  Optional<Ping> lastPing() {
    return lastPing;
  }

  Optional<StartFailure> last() {
    return last;
  }
}
