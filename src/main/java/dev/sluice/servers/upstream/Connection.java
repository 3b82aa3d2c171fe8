package dev.sluice.servers.upstream;

import dev.sluice.jsonrpc.Envelope;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.concurrent.CompletableFuture;

/**
 * A way to carry messages to one server and back; knows nothing of what they mean beyond their
 * kind, method and id. Any thread may call.
 */
interface Connection {

  /** Who gets what arrives. Called by the connection's threads; returns quickly. */
  interface Inbound {
    /** A message of the server, batches already taken apart. */
    void received(Envelope message);

    /** Something arrived that is no message: noise, garbage, or too long. */
    void noise(String stream, String text);

    /** The server knows the session of that id no more; found without a message to repeat. */
    default void sessionLost(String session) {}

    /** A line of the child's standard error. */
    void stderr(String line);

    /**
     * The connection is over. May be called more than once; the first counts.
     *
     * @param exitCode of a child process that ended
     */
    void ended(String reason, Optional<Integer> exitCode);
  }

  /**
   * Opens it; blocks, and can be interrupted.
   *
   * @throws StartFailure if that fails
   * @throws InterruptedException if interrupted
   */
  void open(Inbound inbound) throws InterruptedException;

  /**
   * Sends a message; never blocks. The future completes when the transport has nothing more to do
   * for it, and fails if it could not be delivered or if its answer can no longer come. Cancelling
   * the future gives up waiting for the answer.
   *
   * @return fails with {@link UpstreamException}, or {@link SessionLost} if the server has surely
   *     not taken the message
   */
  CompletableFuture<Void> send(Envelope message);

  /** The id of the session messages are sent in now; empty without one. */
  default String session() {
    return "";
  }

  /** The protocol version both sides speak from now on. */
  default void negotiated(String version) {}

  /** The session stands: unasked messages of the server may be listened for. */
  default void listen() {}

  /** Messages sent that it has not done with. */
  default int queued() {
    return child().map(ChildProcess::queued).orElse(0);
  }

  /** Process id of the child, if there is one. */
  default OptionalLong pid() {
    return OptionalLong.empty();
  }

  /** What the child is doing and costs, if there is one. */
  default Optional<ChildProcess> child() {
    return Optional.empty();
  }

  /**
   * Ends it; blocks for a bounded time. May be called again, and ends what an {@link #open} that
   * was under way has brought since.
   */
  void close();

  /** The server knows the session no more; it has not taken the message. */
  final class SessionLost extends RuntimeException {
    private static final long serialVersionUID = 1L;

    private final String session;

    SessionLost(String session) {
      super("the server no longer knows the session");
      this.session = session;
    }

    /** The id of the session that was lost; another may have taken its place since. */
    String session() {
      return session;
    }
  }
}
