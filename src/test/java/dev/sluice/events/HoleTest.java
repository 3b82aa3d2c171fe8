package dev.sluice.events;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import jakarta.json.JsonObject;
import java.time.Duration;
import java.util.List;
import java.util.stream.LongStream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

/** Contract C5: one contiguous hole is told in one warning, also when it is told ahead. */
class HoleTest {

  private static final int RETAINED = 50;

  private final TestEvents.Threads threads = new TestEvents.Threads();
  private final TestClock clock = new TestClock();
  private final Journal journal =
      Journal.inMemory(
          new JournalSettings(RETAINED, 1 << 20, Duration.ofHours(1), "test-00000001", clock));
  private Fanout fanout = fanout(Duration.ofSeconds(60));

  /** One shard, so that what one reader has got was offered to all. */
  private Fanout fanout(Duration ping) {
    return new Fanout(
        journal,
        new FanoutSettings(100, 1024, 1 << 20, ping, Duration.ofSeconds(60), 1, 4),
        threads);
  }

  @AfterEach
  void everyThreadEnds() {
    fanout.close();
    await().until(() -> threads.alive.get() == 0);
  }

  private void publish(int count) {
    publish(count, "math");
  }

  private void publish(int count, String server) {
    for (int n = 0; n < count; n++) {
      journal.append(TestEvents.stopped(server, n));
    }
  }

  private Reader subscribe(SubscribeRequest request) {
    Reader reader = new Reader();
    fanout.subscribe(request, Fanout.SEES_ALL, reader);
    await().until(() -> reader.size() == 1);
    return reader;
  }

  /** Publishes, and waits until the only shard has offered it to everybody. */
  private void publishAndOffer(int count) {
    publishAndOffer(count, "math");
  }

  private void publishAndOffer(int count, String server) {
    Reader witness = subscribe(SubscribeRequest.EVERYTHING);
    publish(count, server);
    await().until(() -> witness.seqs().contains(journal.head().seq()));
  }

  /** Ten events are published and gone; the warning about them is on its way to the reader. */
  private Reader resumeWithAWarningInFlight(DeliveryPolicy policy, int queueSize) {
    publish(10);
    clock.now = clock.now.plus(Duration.ofHours(2));
    Reader reader = new Reader().stop();
    fanout.subscribe(
        new SubscribeRequest(
            null, null, new Since.After(new EventId(journal.epoch(), 0)), policy, queueSize, null),
        Fanout.SEES_ALL,
        reader);
    await().until(reader::hasWriteInFlight);
    reader.readOne();
    await().until(() -> reader.of("warning").size() == 1);
    assertHole(reader.json("warning").get(0), "retention", 10, 1, 10);
    return reader;
  }

  private void assertHole(JsonObject warning, String reason, int dropped, long from, long to) {
    assertThat(warning.getString("reason")).isEqualTo(reason);
    assertThat(warning.getInt("dropped")).isEqualTo(dropped);
    assertThat(warning.getString("from")).isEqualTo(journal.id(from));
    assertThat(warning.getString("to")).isEqualTo(journal.id(to));
    assertThat(warning.containsKey("exact")).isFalse();
  }

  private static List<String> kinds(Reader reader) {
    return reader.frames().stream().map(Frame::kind).toList();
  }

  @Test
  void aBurstWhileAHoleIsToldDoesNotMakeItTwo() {
    Reader reader = resumeWithAWarningInFlight(DeliveryPolicy.DROP_OLDEST, 5);
    publishAndOffer(50);
    reader.read();
    await().until(() -> reader.seqs().contains(60L));
    assertThat(reader.seqs()).containsExactly(11L, 56L, 57L, 58L, 59L, 60L);
    assertThat(kinds(reader)).startsWith("subscribed", "warning", "event", "warning", "event");
    assertThat(reader.json("warning")).hasSize(2);
    assertHole(reader.json("warning").get(1), "slow_consumer", 44, 12, 55);
  }

  @Test
  void aBurstThatIsConflatedWhileAHoleIsToldDoesNotMakeItTwo() {
    Reader reader = resumeWithAWarningInFlight(DeliveryPolicy.CONFLATE, 5);
    publishAndOffer(50);
    reader.read();
    await().until(() -> reader.seqs().contains(60L));
    assertThat(reader.seqs()).containsExactly(11L, 60L);
    assertThat(kinds(reader)).containsExactly("subscribed", "warning", "event", "warning", "event");
    assertHole(reader.json("warning").get(1), "slow_consumer", 48, 12, 59);
  }

  @Test
  void aReaderThatAsksToBeDisconnectedGetsTheEventThatEndsAToldHole() {
    Reader reader = resumeWithAWarningInFlight(DeliveryPolicy.DISCONNECT, 5);
    publishAndOffer(6);
    reader.read();
    await().until(() -> reader.seqs().contains(16L));
    assertThat(reader.seqs()).isEqualTo(LongStream.rangeClosed(11, 16).boxed().toList());
    assertThat(reader.closedWith()).isNull();
  }

  /** What docs/stream-contract.md says of C5: a frame that is sent cannot grow. */
  @Test
  void whatRetentionTakesAfterAHoleWasToldIsToldFromBehindIt() {
    Reader reader = resumeWithAWarningInFlight(DeliveryPolicy.DROP_OLDEST, 1024);
    reader.read();
    clock.inNextTick(() -> publish(3 * RETAINED));
    await().until(() -> reader.seqs().contains(10L + 3 * RETAINED));
    assertThat(kinds(reader)).startsWith("subscribed", "warning", "warning", "event");
    assertThat(reader.json("warning")).hasSize(2);
    assertHole(reader.json("warning").get(1), "retention", 2 * RETAINED, 11, 10 + 2 * RETAINED);
    assertThat(reader.seqs()).hasSize(RETAINED);
  }

  @Test
  void aHoleIsNotToldWhileThereIsMoreToReadAndNoPingPassesIt() {
    fanout.close();
    fanout = fanout(Duration.ofMillis(200));
    publish(1);
    Reader reader =
        subscribe(SubscribeRequest.EVERYTHING.withFilters(List.of("McpServerStopped"), null));
    int ticks = 20; // a ping is due after eight, and every one finds something to read
    clock.inNextTick(() -> outrun(ticks));
    await().until(() -> reader.of("ping").stream().anyMatch(ping -> ping.id().equals(head())));
    assertThat(reader.json("warning")).hasSize(1);
    assertThat(reader.json("warning").get(0).getInt("dropped")).isEqualTo(30 * ticks);
    boolean told = false;
    for (Frame frame : reader.frames()) {
      told |= frame.kind().equals("warning");
      if (frame.kind().equals("ping") && !told) {
        assertThat(frame.id()).as("a cursor before the hole").isEqualTo(journal.id(1));
      }
    }
    assertThat(reader.of("ping").get(0).id())
        .as("a ping while there was more")
        .isEqualTo(journal.id(1));
  }

  /** Publishes more than the journal keeps in each tick; what matches is gone before it is read. */
  private void outrun(int ticks) {
    publish(30);
    for (int n = 0; n < RETAINED; n++) {
      journal.append(TestEvents.passed("math", n));
    }
    if (ticks > 1) {
      clock.inNextTick(() -> outrun(ticks - 1));
    }
  }

  private String head() {
    return journal.head().toString();
  }

  @Test
  void anAnswerDoesNotOvertakeTheEventThatAToldHoleEndsWith() {
    Reader reader = new Reader();
    Subscription subscription =
        fanout.subscribe(SubscribeRequest.EVERYTHING.withQueueSize(3), Fanout.SEES_ALL, reader);
    await().until(() -> reader.size() == 1);
    reader.stop();
    publishAndOffer(10);
    reader.readOne();
    await().until(() -> reader.of("warning").size() == 1);
    subscription.replace(SubscribeRequest.EVERYTHING.withQueueSize(3));
    publishAndOffer(4);
    reader.read();
    await().until(() -> reader.seqs().contains(14L));
    assertThat(reader.seqs()).containsExactly(1L, 8L, 12L, 13L, 14L);
    assertThat(kinds(reader))
        .containsExactly(
            "subscribed",
            "event",
            "warning",
            "event",
            "subscribed",
            "warning",
            "event",
            "event",
            "event");
    assertHole(reader.json("warning").get(0), "slow_consumer", 6, 2, 7);
    assertHole(reader.json("warning").get(1), "slow_consumer", 3, 9, 11);
    assertThat(reader.json("subscribed").get(1).getString("from")).isEqualTo(journal.id(11));
  }

  @Test
  void anEventThatIsLargerThanTheLaneIsLostAlone() {
    largerThanTheLaneIsLostAlone(DeliveryPolicy.DROP_OLDEST);
  }

  @Test
  void anEventThatIsLargerThanAConflatingLaneIsLostAlone() {
    largerThanTheLaneIsLostAlone(DeliveryPolicy.CONFLATE);
  }

  private void largerThanTheLaneIsLostAlone(DeliveryPolicy policy) {
    Reader reader = subscribe(new SubscribeRequest(null, null, null, policy, 100, 4096));
    reader.stop();
    publish(1);
    await().until(reader::hasWriteInFlight);
    journal.append(TestEvents.stopped("files", 1));
    journal.append(TestEvents.stopped("math", 1));
    for (int n = 0; n < 2; n++) {
      journal.append(new DomainEvent.McpServerStopped("math", "x".repeat(4096)));
    }
    publishAndOffer(1, "web");
    reader.read();
    await().until(() -> reader.seqs().contains(6L));
    assertThat(reader.seqs()).containsExactly(1L, 2L, 3L, 6L);
    assertThat(kinds(reader).subList(4, 6)).containsExactly("warning", "event");
    assertThat(reader.json("warning")).hasSize(1);
    assertHole(reader.json("warning").get(0), "slow_consumer", 2, 4, 5);
  }
}
