package dev.sluice.servers.upstream;

import dev.sluice.jsonrpc.Envelope;
import java.util.Optional;

/**
 * What a connection tells its owner. Called from the connection's own threads, never under a lock;
 * implementations return quickly and never block.
 */
public interface UpstreamListener {

  /** How the reason begins when the hub ended a child that took more than its budget. */
  String BUDGET = "budget: ";

  /**
   * How the reason begins when the hub ended an idle child for its age: a planned renewal, not a
   * fault of the server.
   */
  String AGED = BUDGET + "age";

  /** The server's lists changed and were read again; the new catalogue is in place. */
  default void catalogueChanged(Catalogue catalogue) {}

  /** One line of the child's standard error, or noise found on its standard output. */
  default void logLine(LogLine line) {}

  /**
   * A message that is not for the hub itself: an answer to nothing the hub asked, a request or a
   * notification of the server.
   *
   * @return whether it was taken; a request nobody takes is refused with -32601
   */
  default boolean message(Envelope message) {
    return false;
  }

  /**
   * The connection ended, asked for or not; called exactly once, and never for a start that failed.
   *
   * @param reason for people: exit code or signal, closed stream, budget
   * @param exitCode of a child process that ended by itself; none when the hub ended it
   */
  default void ended(String reason, Optional<Integer> exitCode) {}
}
