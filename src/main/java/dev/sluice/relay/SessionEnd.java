package dev.sluice.relay;

import java.util.Locale;

/** Why a session is over, with the WebSocket close code that says so. */
enum SessionEnd {
  /** The client said good-bye, or its connection is gone. */
  CLIENT(1000),
  /** The server or its child process ended. */
  SERVER(1011),
  /** The server was removed or may not be used any more. */
  REMOVED(4404),
  /** The client does not read what it is sent. */
  TOO_SLOW(1013),
  /** Not used for too long, or too old. */
  EXPIRED(1001),
  /** The hub ends. */
  GOING_AWAY(1001);

  private final int code;

  SessionEnd(int code) {
    this.code = code;
  }

  int code() {
    return code;
  }

  /** As events write it. */
  String wire() {
    return name().toLowerCase(Locale.ROOT);
  }
}
