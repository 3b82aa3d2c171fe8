package dev.sluice.relay;

/**
 * What the hub holds for clients.
 *
 * @param streams of Streamable HTTP
 * @param kept of these, those without a connection, to which a client may come back
 * @param bytes that wait to be written, or are kept for a client that comes back
 */
record Held(int streams, int kept, long bytes) {

  static final Held NOTHING = new Held(0, 0, 0);

  Held and(Held more) {
    return new Held(streams + more.streams, kept + more.kept, bytes + more.bytes);
  }
}
