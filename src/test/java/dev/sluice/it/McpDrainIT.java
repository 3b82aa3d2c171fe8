package dev.sluice.it;

import static org.assertj.core.api.Assertions.assertThat;

import jakarta.json.Json;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** The end of the hub, seen by clients of MCP: they are told to go away and come again. */
class McpDrainIT {

  private static final int SOCKETS = 40;
  private static final int GOING_AWAY = 1001;
  private static final String INITIALIZE =
      "{\"jsonrpc\":\"2.0\",\"id\":0,\"method\":\"initialize\",\"params\":{\"protocolVersion\":"
          + "\"2025-11-25\",\"capabilities\":{},\"clientInfo\":{\"name\":\"it\",\"version\":\"1\"}}}";
  private static final String SLOW =
      "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"tools/call\",\"params\":{\"name\":\"sleep\","
          + "\"arguments\":{\"milliseconds\":60000}}}";

  @TempDir private Path directory;

  @ParameterizedTest
  @ValueSource(strings = {"undeploy", "stop"})
  void everySocketIsClosedWith1001AndEveryStreamEnds(String how) throws Exception {
    List<McpSocketPeer> sockets = new ArrayList<>();
    try (HubProcess hub = HubProcess.start(directory, Map.of("sluice.servers.file", servers()));
        RawClient stream = RawClient.of("sse", hub.base(), "sample")) {
      stream.say(INITIALIZE, true);
      for (int i = 0; i < SOCKETS; i++) {
        String path = i % 2 == 0 ? "/mcp/sample/ws" : "/ws?server=sample";
        McpSocketPeer socket = new McpSocketPeer(hub.base(), path, "mcp");
        sockets.add(socket);
        socket.send(INITIALIZE).next();
      }
      for (McpSocketPeer socket : sockets.subList(0, SOCKETS / 2)) {
        socket.send(SLOW);
      }
      CompletableFuture<Void> ended =
          CompletableFuture.runAsync(how.equals("stop") ? hub::stop : hub::undeploy);
      for (McpSocketPeer socket : sockets) {
        assertThat(socket.closed.poll(30, TimeUnit.SECONDS)).isEqualTo(GOING_AWAY);
      }
      assertThat(stream.over()).isTrue();
      ended.get(90, TimeUnit.SECONDS);
    } finally {
      sockets.forEach(McpSocketPeer::close);
    }
  }

  private String servers() throws Exception {
    Path file = directory.resolve("mcp.json");
    Files.writeString(
        file,
        Json.createObjectBuilder()
            .add(
                "mcpServers",
                Json.createObjectBuilder()
                    .add("sample", RestTest.sample("sample").remove("mcp_server_id")))
            .build()
            .toString());
    return file.toString();
  }
}
