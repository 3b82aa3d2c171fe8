package dev.sluice.servers.upstream;

import java.util.List;
import java.util.Optional;

/**
 * A server could not be started or reached; says why (in at most {@value
 * UpstreamException#MAX_MESSAGE} characters) and what to do about it.
 */
public final class StartFailure extends RuntimeException {

  private final Optional<Integer> exitCode;
  private final List<String> stderr;
  private final String suggestion;

  /**
   * Makes the failure.
   *
   * @param message what happened
   * @param exitCode of the child, if it had ended
   * @param stderr its last lines, at most 20
   * @param suggestion what to do, may be empty
   * @param cause the exception behind it, or null
   */
  public StartFailure(
      String message,
      Optional<Integer> exitCode,
      List<String> stderr,
      String suggestion,
      @org.jspecify.annotations.Nullable Throwable cause) {
    super(UpstreamException.cut(message), cause);
    this.exitCode = exitCode;
    this.stderr = List.copyOf(stderr);
    this.suggestion = suggestion;
  }

  /** The child's exit code, if it had ended. */
  public Optional<Integer> exitCode() {
    return exitCode;
  }

  /** The last lines of its standard error. */
  public List<String> stderr() {
    return stderr;
  }

  /** What to do about it; may be empty. */
  public String suggestion() {
    return suggestion;
  }
}
