package dev.sluice.relay;

import dev.sluice.jsonrpc.Envelope;
import dev.sluice.servers.RelayedServer;
import dev.sluice.servers.upstream.UpstreamPipe;
import java.util.concurrent.CompletableFuture;

/** How one session reaches its server. Any thread may call; nothing blocks. */
sealed interface Channel permits Channel.Own, SharedMember {

  /** Sends a message of the client; as {@link UpstreamPipe#send}. */
  CompletableFuture<Void> send(Envelope message);

  /** The session needs it no more. Idempotent. */
  void close();

  /** A connection or child of the session's own: everything goes through as it is. */
  record Own(RelayedServer server, UpstreamPipe pipe) implements Channel {
    @Override
    public CompletableFuture<Void> send(Envelope message) {
      return pipe.send(message);
    }

    @Override
    public void close() {
      server.retire(pipe);
    }
  }
}
