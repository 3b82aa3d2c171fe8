package dev.sluice.jsonrpc;

/** A JSON-RPC message as bytes with the positions of the parts that routing needs. */
public final class Envelope {
  private Envelope() {}
}
