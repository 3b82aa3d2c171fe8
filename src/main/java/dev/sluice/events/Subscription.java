package dev.sluice.events;

/**
 * One subscriber's place in the stream, made by {@link Fanout#subscribe}. Any thread may call; no
 * method blocks.
 */
public final class Subscription {

  Subscription() {}

  /**
   * Replaces the filters (and place, policy and sizes where the request names them) and answers
   * with a {@code subscribed} frame that says from which id this holds.
   */
  public void replace(SubscribeRequest request) {
    throw new UnsupportedOperationException(request.toString());
  }

  /** As {@link #replace}, without the answer: the legacy form. */
  public void replaceQuietly(SubscribeRequest request) {
    throw new UnsupportedOperationException(request.toString());
  }

  /** Sends an {@code error} control frame; the connection lives on. */
  public void error(String code, String message) {
    throw new UnsupportedOperationException(code + message);
  }

  /** Asks the visibility predicate afresh for every topic, because rights changed. */
  public void refreshRights() {
    throw new UnsupportedOperationException();
  }

  /** The peer has left: frees everything at once; the outlet is not called again. */
  public void gone() {
    throw new UnsupportedOperationException();
  }

  /** Frees the lane and closes the outlet. */
  public void close(CloseCode code, String reason) {
    throw new UnsupportedOperationException(code + reason);
  }
}
