package dev.sluice.servers;

import java.util.Locale;

/** The life-cycle states of a server; the wire name is the lower-case name. */
public enum ServerState {
  /** Known and not running; a start or a call wakes it. */
  COLD,
  /** Starting: process or connection, handshake, first listing. */
  INITIALIZING,
  /** Answers calls. */
  READY,
  /** Too many failures in a row; restarts by itself after its back-off. */
  DEGRADED,
  /** Crashed or failed to start; below the limit of consecutive failures. */
  DEAD;

  /** The name on the wire. */
  public String wire() {
    return name().toLowerCase(Locale.ROOT);
  }
}
