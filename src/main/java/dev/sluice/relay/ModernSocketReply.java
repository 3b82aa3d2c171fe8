package dev.sluice.relay;

import dev.sluice.jsonrpc.Envelope;
import dev.sluice.servers.ClientTransport;

/** What belongs to a request of the stateless era on a WebSocket, among all else on it. */
record ModernSocketReply(ClientEnd socket) implements ModernExchange.Reply {

  @Override
  public ClientTransport transport() {
    return ClientTransport.WEBSOCKET;
  }

  @Override
  public void part(Envelope message) {
    socket.send(message, null);
  }

  @Override
  public void last(int status, Envelope message, String retryAfter) {
    socket.send(message, null);
  }

  @Override
  public void tick(long now, long waited, int all) {
    // A socket tells when its peer has left.
  }

  @Override
  public long heldBytes() {
    return 0;
  }

  @Override
  public void drop() {
    // What was sent already is the socket's.
  }
}
