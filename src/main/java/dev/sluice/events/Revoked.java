package dev.sluice.events;

/** Unwinds a thread whose shard was given to another one while it hung in an outlet. */
final class Revoked extends RuntimeException {

  private static final long serialVersionUID = 1L;

  /** Without a stack trace, since it is only a jump. */
  Revoked() {
    super("the shard was handed over", null, false, false);
  }
}
