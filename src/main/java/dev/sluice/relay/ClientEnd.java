package dev.sluice.relay;

import dev.sluice.jsonrpc.Envelope;
import org.jspecify.annotations.Nullable;

/**
 * A client's side of a session; one for each transport. Called by the threads that read from
 * servers: must neither block nor throw.
 */
interface ClientEnd {

  /**
   * Sends a message to the client.
   *
   * @param request id, as JSON text, of the client's request that it answers or belongs to; null
   *     for none
   */
  void send(Envelope message, @Nullable String request);

  /** Whether a client whose {@code initialize} was refused may send another in this session. */
  default boolean mayInitializeAgain() {
    return true;
  }

  /** The client has cancelled that request: it gets no answer. */
  default void cancelled(String request) {}

  /**
   * Answers a request for which there is no room. HTTP has a status for that, where nothing was
   * sent yet.
   *
   * @param request its id, as JSON text
   * @param status 429 or 503
   * @param retryAfter seconds
   */
  default void refuse(Envelope error, String request, int status, String retryAfter) {
    send(error, request);
  }

  /** What is held for the client now. */
  Held held();

  /** Called about once a second. */
  default void tick(long now) {}

  /**
   * The session is over; what was sent before still goes out where the transport can.
   *
   * @param reason for people, told where the transport can
   */
  void end(SessionEnd why, String reason);
}
