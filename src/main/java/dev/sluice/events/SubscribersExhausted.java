package dev.sluice.events;

/** No further subscriber is taken: the limit is reached or the hub is draining; close 1013. */
public final class SubscribersExhausted extends RuntimeException {

  private static final long serialVersionUID = 1L;

  SubscribersExhausted(String message) {
    super(message);
  }
}
