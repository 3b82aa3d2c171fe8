package dev.sluice.events;

/** The one table of close codes for every socket of the hub; docs/stream-contract.md explains. */
public enum CloseCode {
  /** Shutdown or redeploy; come back after the goaway's delay. */
  GOING_AWAY(1001),
  /** Binary where text is expected. */
  UNSUPPORTED_DATA(1003),
  /** Not UTF-8. */
  INVALID_DATA(1007),
  /** A message over the limit. */
  TOO_LARGE(1009),
  /** A defect on our side. */
  INTERNAL(1011),
  /** A limit of the hub is reached. */
  TRY_AGAIN_LATER(1013),
  /** Credentials expired. */
  EXPIRED(4001),
  /** Rights were taken away. */
  FORBIDDEN(4003),
  /** The reader is too slow; resume from the last id. */
  TOO_SLOW(4008),
  /** The server that the stream was about is gone. */
  SERVER_REMOVED(4404);

  private final int code;

  CloseCode(int code) {
    this.code = code;
  }

  /** The number on the wire. */
  public int code() {
    return code;
  }
}
