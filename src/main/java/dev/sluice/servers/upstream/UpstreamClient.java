package dev.sluice.servers.upstream;

import dev.sluice.servers.ServerDefinition;
import jakarta.json.JsonObject;
import java.time.Duration;
import java.util.OptionalLong;
import java.util.concurrent.CompletableFuture;

/**
 * One initialised MCP session with one server, over any transport: correlates requests, keeps the
 * catalogue fresh, and can carry raw messages for the relay.
 *
 * <p>Any thread may call; futures complete on the hub's managed executor.
 */
public final class UpstreamClient implements AutoCloseable {

  private UpstreamClient() {}

  /** What the server said of itself in the handshake. */
  public record ServerInfo(
      String name, String version, String protocolVersion, JsonObject capabilities) {}

  /** From the handshake. */
  public ServerInfo info() {
    throw new UnsupportedOperationException();
  }

  /** The newest catalogue. */
  public Catalogue catalogue() {
    throw new UnsupportedOperationException();
  }

  /**
   * Calls a tool.
   *
   * @return the MCP {@code result} object; fails with {@link UpstreamException} for a JSON-RPC
   *     error, a deadline (the server is told {@code notifications/cancelled}) or a lost connection
   */
  public CompletableFuture<JsonObject> callTool(
      String tool, JsonObject arguments, Duration timeout) {
    throw new UnsupportedOperationException();
  }

  /** An awaited {@code ping}; completes with the round trip. */
  public CompletableFuture<Duration> ping(Duration timeout) {
    throw new UnsupportedOperationException();
  }

  /** Process id of the child, if there is one. */
  public OptionalLong pid() {
    throw new UnsupportedOperationException();
  }

  /**
   * Ends the session and the child: close stdin, wait, TERM to the tree, wait, KILL to the tree.
   * Blocks for the sum of the deadlines at most; idempotent. In-flight calls fail at once.
   */
  @Override
  public void close() {
    throw new UnsupportedOperationException();
  }

  /** For {@link Upstreams#connect}. */
  static UpstreamClient placeholder(ServerDefinition definition) {
    throw new UnsupportedOperationException(definition.id().value());
  }
}
