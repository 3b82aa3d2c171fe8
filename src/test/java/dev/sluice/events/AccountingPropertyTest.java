package dev.sluice.events;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import jakarta.json.JsonObject;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import java.util.TreeMap;
import java.util.concurrent.ConcurrentSkipListMap;
import java.util.concurrent.locks.LockSupport;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.ShrinkingMode;
import net.jqwik.api.constraints.IntRange;

/** Contract C6: what was published and matched was delivered or reported lost, and in order. */
class AccountingPropertyTest {

  private static final List<String> SERVERS = List.of("math", "files", "web");

  /** One client: it reconnects with its last id when the hub closes it. */
  private static final class Client {
    final SubscribeRequest request;
    final EventFilter filter;
    final List<Reader> connections = new ArrayList<>();
    final Fanout fanout;
    final String epoch;
    final long begin;

    Client(Fanout fanout, Journal journal, SubscribeRequest request) {
      this.fanout = fanout;
      this.request = request;
      this.filter = new EventFilter(request);
      this.epoch = journal.epoch();
      this.begin = journal.head().seq();
      connect(request.withSince(new Since.After(journal.head())));
    }

    void connect(SubscribeRequest how) {
      Reader reader = new Reader();
      connections.add(reader);
      fanout.subscribe(how, Fanout.SEES_ALL, reader);
    }

    Reader last() {
      return connections.get(connections.size() - 1);
    }

    long lastSeq() {
      long seq = begin;
      for (Reader reader : connections) {
        for (long s : reader.seqs()) {
          seq = s;
        }
      }
      return seq;
    }

    void reconnectIfClosed() {
      Reader reader = last();
      if (reader.closedWith() != null && !reader.isSending()) {
        connect(request.withSince(new Since.After(new EventId(epoch, lastSeq()))));
      }
    }

    void act(Random random) {
      Reader reader = last();
      switch (random.nextInt(12)) {
        case 0, 1 -> reader.stop();
        case 2 -> reader.readOne();
        case 3 -> reader.block();
        case 4, 5, 6 -> reader.unblock();
        default -> reader.read();
      }
    }

    void readEverything() {
      for (Reader reader : connections) {
        reader.unblock();
        reader.read();
      }
    }
  }

  @Property(tries = 30, shrinking = ShrinkingMode.OFF)
  void publishedMatchingEqualsDeliveredPlusReportedLost(
      @ForAll long seed,
      @ForAll @IntRange(min = 1, max = 3) int publishers,
      @ForAll @IntRange(min = 1, max = 6) int readers,
      @ForAll @IntRange(min = 100, max = 900) int events,
      @ForAll @IntRange(min = 4, max = 400) int retainedKib,
      @ForAll boolean pings)
      throws InterruptedException {
    TestEvents.Threads threads = new TestEvents.Threads();
    Random random = new Random(seed);
    Journal journal = Journal.inMemory(retaining(retainedKib * 1024));
    Duration ping = pings ? Duration.ofMillis(20) : Duration.ofSeconds(60);
    FanoutSettings settings =
        new FanoutSettings(100, 64, 16_384, ping, Duration.ofSeconds(60), 2, 4);
    ConcurrentSkipListMap<Long, Topic> published = new ConcurrentSkipListMap<>();
    try (Fanout fanout = new Fanout(journal, settings, threads)) {
      List<Client> clients = new ArrayList<>();
      for (int i = 0; i < readers; i++) {
        clients.add(new Client(fanout, journal, randomRequest(random)));
      }
      List<Thread> running = new ArrayList<>();
      for (int p = 0; p < publishers; p++) {
        long publisherSeed = random.nextLong();
        Thread thread = threads.newThread(() -> publish(journal, published, events, publisherSeed));
        running.add(thread);
        thread.start();
      }
      while (running.stream().anyMatch(Thread::isAlive)) {
        Client client = clients.get(random.nextInt(clients.size()));
        client.act(random);
        client.reconnectIfClosed();
        FanoutStats now = fanout.stats();
        assertThat(now.queuedBytes()).isLessThanOrEqualTo(now.boundBytes());
        LockSupport.parkNanos(500_000);
      }
      long end = append(journal, published, TestEvents.stopped("math", 0));
      await()
          .atMost(Duration.ofSeconds(20))
          .pollInterval(Duration.ofMillis(5))
          .until(
              () -> {
                clients.forEach(Client::readEverything);
                clients.forEach(Client::reconnectIfClosed);
                return clients.stream().allMatch(client -> client.lastSeq() == end);
              });
      for (Client client : clients) {
        check(client, published, end);
      }
    }
    await().until(() -> threads.alive.get() == 0);
  }

  /** From ten events on; the trail of their topics reaches back to the first in any case. */
  private static JournalSettings retaining(int bytes) {
    JournalSettings as = TestEvents.settings(1500);
    return new JournalSettings(as.count(), bytes, as.age(), as.producedBy(), as.clock());
  }

  private static SubscribeRequest randomRequest(Random random) {
    List<String> types =
        switch (random.nextInt(4)) {
          case 0 -> List.of("McpServerStopped");
          case 1 -> List.of("McpServer*", "Nothing");
          default -> null;
        };
    List<String> ids =
        switch (random.nextInt(3)) {
          case 0 -> List.of("math");
          case 1 -> List.of("math", "web");
          default -> null;
        };
    DeliveryPolicy policy = DeliveryPolicy.values()[random.nextInt(DeliveryPolicy.values().length)];
    return new SubscribeRequest(types, ids, null, policy, 1 + random.nextInt(64), null);
  }

  private static void publish(
      Journal journal, ConcurrentSkipListMap<Long, Topic> published, int events, long seed) {
    Random random = new Random(seed);
    for (int n = 0; n < events; n++) {
      String server = SERVERS.get(random.nextInt(SERVERS.size()));
      append(
          journal,
          published,
          random.nextBoolean() ? TestEvents.stopped(server, n) : TestEvents.passed(server, n));
      if (random.nextInt(20) == 0) {
        LockSupport.parkNanos(random.nextInt(1_500_000));
      }
    }
  }

  private static long append(
      Journal journal, ConcurrentSkipListMap<Long, Topic> published, DomainEvent event) {
    long seq = journal.append(event).seq();
    published.put(seq, new Topic(event.type(), event.subject()));
    return seq;
  }

  private static void check(Client client, ConcurrentSkipListMap<Long, Topic> published, long end) {
    TreeMap<Long, Topic> matching = new TreeMap<>(published);
    matching.values().removeIf(topic -> !client.filter.test(topic));
    long last = client.begin;
    long delivered = 0;
    long lost = 0;
    for (Reader connection : client.connections) {
      assertThat(connection.mostAtOnce()).as("one frame in flight").isLessThanOrEqualTo(1);
      long pending = 0;
      long told = 0;
      for (Frame frame : connection.frames()) {
        if (frame.kind().equals("warning")) {
          JsonObject warning = Reader.parse(frame.json());
          assertThat(warning.containsKey("exact")).isFalse();
          if (pending > 0) {
            // The first was told ahead, when nothing was left to read; see C5 for what may follow.
            assertThat(warning.getString("reason"))
                .as("what can split a hole")
                .isEqualTo("retention");
            assertThat(seq(warning, "from")).as("no id in two warnings").isGreaterThan(told);
          }
          told = seq(warning, "to");
          long dropped = warning.getJsonNumber("dropped").longValue();
          assertThat((long) matching.subMap(last, false, told, true).size())
              .as("hole of %s told up to %s", client.request, told)
              .isEqualTo(pending + dropped);
          pending += dropped;
        } else if (frame.kind().equals("event")) {
          long seq = EventId.parse(frame.id()).seq();
          assertThat(seq).as("ascending, no duplicate").isGreaterThan(last);
          assertThat(matching).as("only what matches").containsKey(seq);
          assertThat((long) matching.subMap(last, false, seq, false).size())
              .as("hole of %s between %s and %s", client.request, last, seq)
              .isEqualTo(pending);
          lost += pending;
          pending = 0;
          last = seq;
          delivered++;
        }
      }
    }
    assertThat(last).isEqualTo(end);
    assertThat(delivered + lost).isEqualTo(matching.size());
  }

  private static long seq(JsonObject warning, String key) {
    return EventId.parse(warning.getString(key)).seq();
  }
}
