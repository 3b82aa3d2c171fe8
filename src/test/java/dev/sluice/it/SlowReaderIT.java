package dev.sluice.it;

import static dev.sluice.it.Publishing.publish;
import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import dev.sluice.events.EventId;
import jakarta.json.JsonObject;
import java.io.IOException;
import java.net.URI;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Readers that stop reading under load, over both transports (contract C5, C6, C8, C12). */
class SlowReaderIT extends HubTest {

  private static final int RETAINED = 10_000;
  private static final int RATE = 400;
  private static final String END = "McpServerStopped";
  private static final Duration STALL = Duration.ofSeconds(60);

  /** What a reader does, whichever its transport. */
  private interface Reader extends AutoCloseable {

    /** The next frame that is no ping; null at the end of the connection. */
    JsonObject next() throws Exception;

    @Override
    void close() throws IOException;

    /** With so small a buffer that the server soon cannot write to one that stops. */
    static Reader narrow(String transport, URI hub, String query) throws Exception {
      return transport.equals("socket")
          ? of(WebSocketPeer.narrow(hub, query))
          : of(SseSocket.narrow(hub, query));
    }

    static Reader open(String transport, URI hub, String query) throws Exception {
      return transport.equals("socket")
          ? of(WebSocketPeer.open(hub, query))
          : of(SseSocket.open(hub, query));
    }

    private static Reader of(WebSocketPeer peer) {
      return new Reader() {
        @Override
        public JsonObject next() throws IOException {
          return peer.next();
        }

        @Override
        public void close() throws IOException {
          peer.close();
        }
      };
    }

    private static Reader of(SseSocket stream) {
      return new Reader() {
        @Override
        public JsonObject next() throws IOException {
          SsePeer.Event event = stream.next();
          return event == null ? null : event.json();
        }

        @Override
        public void close() throws IOException {
          stream.close();
        }
      };
    }
  }

  /**
   * Follows frames and holds them to the contract: every id is delivered or lies in the one warning
   * before the next event. Only for hubs whose every event the reader's filter matches.
   */
  private static final class Account {
    private final String name;
    private long last;
    private String lastId;
    private long delivered;
    private long lost;
    private int holes;
    private String beforeFirstHole = "";
    private boolean warned;

    Account(String name, JsonObject subscribed) {
      assertThat(subscribed.getString("type")).isEqualTo("subscribed");
      this.name = name;
      this.lastId = subscribed.getString("from");
      this.last = EventId.parse(lastId).seq() - 1;
    }

    /** Reads until this id was delivered. */
    Account readTo(Reader reader, String id) throws Exception {
      long end = EventId.parse(id).seq();
      while (last < end) {
        JsonObject frame = reader.next();
        assertThat(frame).as("%s ended at %s", name, lastId).isNotNull();
        take(frame);
      }
      return this;
    }

    void take(JsonObject frame) {
      if (frame.containsKey("event_type")) {
        long seq = EventId.parse(frame.getString("event_id")).seq();
        assertThat(seq).as("%s: after %d", name, last).isEqualTo(last + 1);
        last = seq;
        lastId = frame.getString("event_id");
        delivered++;
        warned = false;
        return;
      }
      assertThat(frame.getString("type")).as("%s: %s", name, frame).isEqualTo("warning");
      assertThat(frame.getString("code")).isEqualTo("events_dropped");
      assertThat(warned).as("%s: one warning for each hole", name).isFalse();
      assertThat(frame.containsKey("exact")).as("%s: %s", name, frame).isFalse();
      long from = EventId.parse(frame.getString("from")).seq();
      long to = EventId.parse(frame.getString("to")).seq();
      assertThat(from).as("%s: %s", name, frame).isEqualTo(last + 1);
      assertThat((long) frame.getInt("dropped")).isEqualTo(to - from + 1);
      if (holes++ == 0) {
        beforeFirstHole = lastId;
      }
      lost += to - from + 1;
      last = to;
      warned = true;
    }
  }

  @Test
  void aMinuteWithoutReadingIsOneHoleWithItsTrueCountAndAResumeGivesAllThatIsRetained()
      throws Exception {
    Path work = Path.of(System.getProperty("sluice.test.dir"), "slow");
    String query = "?since=live&mcp_server_ids=slow";
    try (HubProcess hub =
            HubProcess.startPublishing(
                work,
                Map.of(
                    "sluice.events.stall.seconds",
                    "300",
                    "sluice.events.retention.count",
                    Integer.toString(RETAINED)));
        Reader socket = Reader.narrow("socket", hub.base(), query);
        Reader stream = Reader.narrow("stream", hub.base(), query);
        Reader healthy = Reader.open("socket", hub.base(), query)) {
      Account bySocket = new Account("the socket", socket.next());
      Account byStream = new Account("the stream", stream.next());
      Account byHealthy = new Account("who reads on", healthy.next());
      String first = publish(hub.base(), 100, "slow", "&pad=2000&rate=" + RATE).get("last");
      bySocket.readTo(socket, first);
      byStream.readTo(stream, first);

      CompletableFuture<Void> load = CompletableFuture.runAsync(() -> loadFor(hub.base(), STALL));
      JsonObject frame = healthy.next();
      for (; !frame.getString("event_type", "").equals(END); frame = healthy.next()) {
        byHealthy.take(frame);
      }
      byHealthy.take(frame);
      String end = frame.getString("event_id");
      load.join();
      assertThat(byHealthy.lost).as("who reads on loses nothing").isZero();

      long published = byHealthy.delivered;
      assertThat(published).isGreaterThan(2L * RETAINED);
      bySocket.readTo(socket, end);
      byStream.readTo(stream, end);
      for (Account slow : new Account[] {bySocket, byStream}) {
        assertThat(slow.holes).as("%s: holes of one stall", slow.name).isEqualTo(1);
        assertThat(slow.lost).as(slow.name).isGreaterThan(RETAINED);
        assertThat(slow.delivered + slow.lost).as(slow.name).isEqualTo(published);
      }
      assertThat(ManagementIT.metrics(hub.base()).get("sluice_stream_dropped_slow_total"))
          .isEqualTo(bySocket.lost + byStream.lost);

      resumes("socket", hub.base(), bySocket.beforeFirstHole, end, RETAINED);
      resumes("stream", hub.base(), byStream.beforeFirstHole, end, RETAINED);
    }
  }

  private static void loadFor(URI hub, Duration time) {
    long until = System.nanoTime() + time.toNanos();
    try {
      while (System.nanoTime() < until) {
        publish(hub, RATE * 2, "slow", "&pad=2000&rate=" + RATE);
      }
      publish(hub, 1, "slow", "&types=" + END);
    } catch (IOException failure) {
      throw new java.io.UncheckedIOException(failure);
    }
  }

  private static void resumes(String transport, URI hub, String since, String end, long retained)
      throws Exception {
    try (Reader again = Reader.open(transport, hub, "?mcp_server_ids=slow&since=" + since)) {
      JsonObject subscribed = again.next();
      assertThat(subscribed.getString("resumed")).isEqualTo("partial");
      Account account = new Account("the resumed " + transport, subscribed);
      account.last = EventId.parse(since).seq();
      account.readTo(again, end);
      assertThat(account.holes).isEqualTo(1);
      assertThat(account.delivered).isEqualTo(retained);
    }
  }

  @ParameterizedTest
  @ValueSource(strings = {"socket", "stream"})
  void aReaderThatWasLetGoResumesFromItsLastIdWithoutAHole(String transport) throws Exception {
    String server = "slow-gone-" + transport;
    String query = "?since=live&policy=require-complete&mcp_server_ids=" + server;
    double closes = ManagementIT.metrics().get("sluice_stream_slow_closes_total");
    double unread = ManagementIT.metrics().get("sluice_stream_unread_closes_total");
    String last;
    try (Reader reader = Reader.narrow(transport, HUB, query)) {
      assertThat(reader.next().getString("type")).isEqualTo("subscribed");
      last = publish(HUB, 1, server, "").get("last");
      assertThat(reader.next().getString("event_id")).isEqualTo(last);
      await()
          .atMost(Duration.ofSeconds(90))
          .pollInterval(Duration.ofMillis(500))
          .until(
              () -> {
                publish(HUB, 200, server, "&pad=6000");
                return ManagementIT.metrics().get("sluice_stream_slow_closes_total") > closes;
              });
      assertThat(ManagementIT.metrics().get("sluice_stream_unread_closes_total"))
          .isGreaterThan(unread);
      for (JsonObject frame = reader.next(); frame != null; frame = reader.next()) {
        assertThat(frame.getString("type", "event")).as("%s", frame).isEqualTo("event");
        last = frame.getString("event_id");
      }
    }
    String end = publish(HUB, 10, server, "").get("last");
    try (Reader again =
        Reader.open(transport, HUB, "?mcp_server_ids=" + server + "&since=" + last)) {
      assertThat(again.next().getString("resumed")).isEqualTo("full");
      long before = EventId.parse(last).seq();
      String id = last;
      while (!id.equals(end)) {
        JsonObject frame = again.next();
        assertThat(frame.getString("type", "event")).as("%s", frame).isEqualTo("event");
        id = frame.getString("event_id");
        assertThat(EventId.parse(id).seq()).isGreaterThan(before);
        before = EventId.parse(id).seq();
      }
    }
  }
}
