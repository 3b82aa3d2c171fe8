package dev.sluice.it;

import static org.assertj.core.api.Assertions.assertThat;

import jakarta.json.Json;
import jakarta.json.JsonObjectBuilder;
import java.time.Duration;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.Callable;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/**
 * Clients over all transports call one server at full speed with the same ids: each answer is the
 * answer to its own request, none is lost and none comes twice.
 */
class CrossTalkIT extends RestTest {

  private static final String NAME = "it-crosstalk";
  private static final int WINDOW = 16;
  private static final String META =
      "\"_meta\":{\"io.modelcontextprotocol/protocolVersion\":\"2026-07-28\","
          + "\"io.modelcontextprotocol/clientCapabilities\":{}}";

  private final ExecutorService threads = Executors.newCachedThreadPool();
  private RawEchoSockets sockets;

  @BeforeEach
  void serve() throws Exception {
    events.close(); // two events a call are more than this test can keep
    sockets = new RawEchoSockets();
  }

  @AfterEach
  void close() throws Exception {
    threads.shutdownNow();
    sockets.close();
  }

  private static JsonObjectBuilder server() {
    return Json.createObjectBuilder().add("mcp_server_id", NAME).add("maxConcurrentCalls", 1_024);
  }

  private static JsonObjectBuilder child() {
    return server().add("command", JAVA).add("args", RawEchoServer.args());
  }

  /** One client that always has {@value #WINDOW} calls in flight, with ids from 1 on. */
  private static final class Client implements Callable<Long> {

    /** What the answer to one request begins with, and how it ends after the server's id. */
    private record Expected(String head, String tail) {}

    private final String name;
    private final McpPeer peer;
    private final boolean stateless;
    private final long nanos;
    private final Map<String, Expected> waiting = new LinkedHashMap<>();
    private long calls;

    Client(String name, McpPeer peer, boolean stateless, Duration time) {
      this.name = name;
      this.peer = peer;
      this.stateless = stateless;
      this.nanos = time.toNanos();
    }

    @Override
    public Long call() throws Exception {
      long begin = System.nanoTime();
      while (true) {
        while (waiting.size() < WINDOW && System.nanoTime() - begin < nanos) {
          send();
        }
        if (waiting.isEmpty()) {
          return calls;
        }
        check(peer.text());
      }
    }

    /** Three ids that a careless hub takes for one: 7, "7" and 7.0. */
    private static String id(long call) {
      long number = call / 3 + 1;
      return call % 3 == 0
          ? Long.toString(number)
          : call % 3 == 1 ? "\"" + number + "\"" : number + ".0";
    }

    private void send() throws Exception {
      String id = id(calls);
      String rest =
          ",\"method\":\"tools/call\",\"params\":{\"name\":\"echo\",\"arguments\":{\"of\":\""
              + name
              + "\",\"call\":"
              + calls
              + "}"
              + (stateless ? "," + META : "")
              + "}}";
      calls++;
      waiting.put(
          id,
          new Expected(
              "{\"jsonrpc\":\"2.0\",\"id\":"
                  + id
                  + ",\"result\":{\"resultType\":\"complete\",\"tools\":[],\"content\":[],\"got\":"
                  + "{\"jsonrpc\":\"2.0\",\"id\":",
              rest + "}}"));
      String request = "{\"jsonrpc\":\"2.0\",\"id\":" + id + rest;
      if (stateless && peer instanceof McpHttpPeer http) {
        http.send(
            request,
            "MCP-Protocol-Version",
            "2026-07-28",
            "Mcp-Method",
            "tools/call",
            "Mcp-Name",
            "echo");
      } else {
        peer.send(request);
      }
    }

    private void check(String answer) {
      int end = answer.indexOf(",\"result\"");
      String id = end < 0 ? answer : answer.substring("{\"jsonrpc\":\"2.0\",\"id\":".length(), end);
      Expected expected = waiting.remove(id);
      if (expected == null) {
        throw new AssertionError(name + " does not wait for " + answer);
      }
      // In between is the id that the server saw, which is the hub's own at a shared one.
      if (!answer.startsWith(expected.head)
          || !answer.endsWith(expected.tail)
          || answer.length() - expected.head.length() - expected.tail.length() > 20) {
        throw new AssertionError(name + " got " + answer + " instead of …" + expected.tail);
      }
    }
  }

  /** Lets clients over these transports call for a while; how often each has. */
  private Map<McpPeer, Long> call(Duration time, boolean stateless, String... transports)
      throws Exception {
    List<McpPeer> peers = new ArrayList<>();
    Map<McpPeer, Future<Long>> running = new LinkedHashMap<>();
    try {
      for (String transport : transports) {
        McpPeer peer = McpPeer.open(transport, HUB, NAME);
        peers.add(peer);
        if (!stateless) {
          peer.initialize("{}");
        }
      }
      for (McpPeer peer : peers) {
        String name = transports[peers.indexOf(peer)] + "-" + peers.indexOf(peer);
        running.put(peer, threads.submit(new Client(name, peer, stateless, time)));
      }
      Map<McpPeer, Long> calls = new LinkedHashMap<>();
      for (McpPeer peer : peers) {
        calls.put(peer, running.get(peer).get(time.toSeconds() + 60, TimeUnit.SECONDS));
        assertThat(calls.get(peer)).isGreaterThan(100);
      }
      if (!stateless) {
        assertThatTheServerSawNoOthers(peers, calls);
      }
      for (McpPeer peer : peers) {
        assertThat(peer.texts()).isEmpty();
      }
      return calls;
    } finally {
      peers.forEach(McpPeer::close);
    }
  }

  private static void assertThatTheServerSawNoOthers(List<McpPeer> peers, Map<McpPeer, Long> calls)
      throws Exception {
    List<Long> seen = new ArrayList<>();
    for (McpPeer peer : peers) {
      String answer = peer.send("{\"jsonrpc\":\"2.0\",\"id\":\"end\",\"method\":\"count\"}").text();
      assertThat(answer).matches("\\{\"jsonrpc\":\"2.0\",\"id\":\"end\",.*\"count\":[0-9]+}}");
      seen.add(Long.parseLong(answer.replaceAll(".*\"count\":([0-9]+)}}", "$1")));
    }
    long all = calls.values().stream().mapToLong(Long::longValue).sum();
    boolean shared = seen.get(0) >= all;
    if (shared) {
      assertThat(seen).containsOnly(all);
    } else {
      assertThat(seen).isEqualTo(peers.stream().map(calls::get).toList());
    }
  }

  @Test
  void answersOfOneSharedChildReachTheirOwnRequestsForAMinute() throws Exception {
    create(child().add("sharing", "shared"));
    call(Duration.ofSeconds(60), false, "http", "sse", "ws", "http", "sse", "ws");
  }

  @Test
  void childrenOfTheirOwnAnswerTheirOwnSessions() throws Exception {
    create(child().add("sharing", "isolated"));
    call(Duration.ofSeconds(10), false, "http", "sse", "ws");
  }

  @ParameterizedTest
  @ValueSource(strings = {"http", "sse", "ws"})
  void sessionsOfARemoteServerAreKeptApart(String kind) throws Exception {
    create(server().add("type", kind).add("url", sockets.url(kind)));
    call(Duration.ofSeconds(10), false, "http", "sse", "ws");
  }

  @ParameterizedTest
  @ValueSource(strings = {"stdio", "http"})
  void statelessRequestsWithTheSameIdsAreKeptApart(String kind) throws Exception {
    create(
        (kind.equals("stdio") ? child() : server().add("type", kind).add("url", sockets.url(kind)))
            .add("era", "modern"));
    call(Duration.ofSeconds(10), true, "http", "ws", "http", "ws");
  }
}
