package dev.sluice.events;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.awaitility.Awaitility.await;

import jakarta.json.JsonObject;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.IntStream;
import java.util.stream.LongStream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

/** Contract C3 to C10, C14 on one node, with peers that the test controls. */
class FanoutTest {

  private final TestEvents.Threads threads = new TestEvents.Threads();
  private final Journal journal = Journal.inMemory(TestEvents.settings(2000));
  private Fanout fanout = new Fanout(journal, settings(60_000, 60_000), threads);

  private static FanoutSettings settings(int pingMillis, int stallMillis) {
    return new FanoutSettings(
        100,
        1024,
        1024 * 1024,
        Duration.ofMillis(pingMillis),
        Duration.ofMillis(stallMillis),
        2,
        4);
  }

  private void restart(FanoutSettings settings) {
    fanout.close();
    fanout = new Fanout(journal, settings, threads);
  }

  @AfterEach
  void everyThreadEnds() {
    fanout.close();
    await().until(() -> threads.alive.get() == 0);
  }

  private Subscription subscribe(SubscribeRequest request, Reader reader) {
    return fanout.subscribe(request, Fanout.SEES_ALL, reader);
  }

  private void publish(int from, int to) {
    IntStream.range(from, to).forEach(n -> journal.append(TestEvents.stopped("math", n)));
  }

  private static List<Long> seqs(long from, long to) {
    return LongStream.rangeClosed(from, to).boxed().toList();
  }

  private Since after(long seq) {
    return new Since.After(new EventId(journal.epoch(), seq));
  }

  @Test
  void everyEventAfterSubscribingArrivesInOrderBehindTheAcknowledgement() {
    publish(0, 5);
    Reader reader = new Reader();
    subscribe(SubscribeRequest.EVERYTHING, reader);
    publish(0, 1000);
    await().until(() -> reader.size() == 1001);
    assertThat(reader.seqs()).isEqualTo(seqs(6, 1005));
    JsonObject ack = reader.json("subscribed").get(0);
    assertThat(reader.frames().get(0).kind()).isEqualTo("subscribed");
    assertThat(ack.getString("from")).isEqualTo(journal.epoch() + ":6");
    assertThat(ack.getString("resumed")).isEqualTo("none");
    assertThat(ack.getJsonArray("filtered")).isEmpty();
    assertThat(fanout.stats().delivered()).isEqualTo(1000);
  }

  @Test
  void aQuietSubscriptionGetsNoAcknowledgement() {
    Reader reader = new Reader();
    fanout.subscribeQuietly(SubscribeRequest.EVERYTHING, Fanout.SEES_ALL, reader);
    publish(0, 3);
    await().until(() -> reader.size() == 3);
    assertThat(reader.of("subscribed")).isEmpty();
  }

  @Test
  void allSubscribersGetTheSameSerialisedObject() {
    Reader one = new Reader();
    Reader two = new Reader();
    subscribe(SubscribeRequest.EVERYTHING, one);
    subscribe(SubscribeRequest.EVERYTHING, two);
    publish(0, 1);
    await().until(() -> one.size() == 2 && two.size() == 2);
    assertThat(one.frames().get(1)).isSameAs(two.frames().get(1));
  }

  @Test
  void aFullLaneDropsTheOldestAndTellsOneExactHoleBeforeTheNextEvent() {
    Reader reader = new Reader();
    subscribe(SubscribeRequest.EVERYTHING.withQueueSize(10), reader);
    await().until(() -> reader.size() == 1);
    reader.stop();
    publish(0, 1);
    await().until(reader::hasWriteInFlight);
    publish(1, 100);
    await().until(() -> fanout.stats().queuedEvents() == 10);
    reader.read();
    await().until(() -> reader.seqs().size() == 11);
    assertThat(reader.seqs().subList(1, 11)).isEqualTo(seqs(91, 100));
    assertThat(reader.frames().get(2).kind()).isEqualTo("warning");
    assertThat(reader.json("warning"))
        .singleElement()
        .satisfies(
            warning -> {
              assertThat(warning.getString("code")).isEqualTo("events_dropped");
              assertThat(warning.getString("reason")).isEqualTo("slow_consumer");
              assertThat(warning.getInt("dropped")).isEqualTo(89);
              assertThat(warning.getString("from")).isEqualTo(journal.epoch() + ":2");
              assertThat(warning.getString("to")).isEqualTo(journal.epoch() + ":90");
              assertThat(warning.containsKey("exact")).isFalse();
            });
    assertThat(fanout.stats().droppedSlow()).isEqualTo(89);
  }

  @Test
  void theLaneIsBoundedInBytesToo() {
    Reader reader = new Reader();
    subscribe(new SubscribeRequest(null, null, null, null, 1000, 8192), reader);
    await().until(() -> reader.size() == 1);
    reader.stop();
    publish(0, 500);
    await().until(() -> fanout.stats().lagEvents() < 50);
    assertThat(fanout.stats().queuedBytes()).isLessThanOrEqualTo(8192).isGreaterThan(7000);
    assertThat(fanout.stats().boundBytes()).isEqualTo(8192);
  }

  @Test
  void onlyMatchingEventsAreCountedInAHole() {
    Reader reader = new Reader();
    subscribe(
        SubscribeRequest.EVERYTHING
            .withFilters(List.of("McpServerStopped"), List.of("math"))
            .withQueueSize(5),
        reader);
    await().until(() -> reader.size() == 1);
    reader.stop();
    for (int n = 0; n < 30; n++) {
      journal.append(TestEvents.stopped("math", n));
      journal.append(TestEvents.stopped("other", n));
      journal.append(TestEvents.passed("math", n));
    }
    await().until(() -> fanout.stats().queuedEvents() == 5);
    await().until(reader::hasWriteInFlight);
    reader.read();
    await().until(() -> reader.seqs().size() == 6);
    assertThat(reader.json("warning").get(0).getInt("dropped")).isEqualTo(24);
  }

  @Test
  void disconnectClosesWith4008WhenTheLaneIsFull() {
    Reader reader = new Reader();
    subscribe(
        SubscribeRequest.EVERYTHING.withQueueSize(5).withPolicy(DeliveryPolicy.DISCONNECT), reader);
    await().until(() -> reader.size() == 1);
    reader.stop();
    publish(0, 50);
    await().until(() -> reader.closedWith() == CloseCode.TOO_SLOW);
    assertThat(fanout.stats().slowCloses()).isEqualTo(1);
    assertThat(fanout.stats().subscribers()).isZero();
    assertThat(fanout.stats().queuedBytes()).isZero();
  }

  @Test
  void conflateKeepsTheLatestOfEachTopicAndTellsHowManyWereSkipped() {
    Reader reader = new Reader();
    subscribe(SubscribeRequest.EVERYTHING.withPolicy(DeliveryPolicy.CONFLATE), reader);
    await().until(() -> reader.size() == 1);
    reader.stop();
    publish(0, 1);
    await().until(reader::hasWriteInFlight);
    for (int n = 1; n <= 20; n++) {
      journal.append(TestEvents.stopped("math", n));
      journal.append(TestEvents.passed("other", n));
    }
    await().until(() -> fanout.stats().queuedEvents() == 2 && fanout.stats().lagEvents() == 2);
    reader.read();
    await().until(() -> reader.seqs().size() == 3);
    assertThat(reader.seqs()).containsExactly(1L, 40L, 41L);
    JsonObject warning = reader.json("warning").get(0);
    assertThat(warning.getString("code")).isEqualTo("events_conflated");
    assertThat(warning.getInt("dropped")).isEqualTo(38);
    assertThat(fanout.stats().conflated()).isEqualTo(38);
  }

  @Test
  void requireCompleteReplaysInsteadOfDropping() {
    Reader reader = new Reader();
    subscribe(
        SubscribeRequest.EVERYTHING.withQueueSize(5).withPolicy(DeliveryPolicy.REQUIRE_COMPLETE),
        reader);
    await().until(() -> reader.size() == 1);
    reader.stop();
    publish(0, 1500);
    await().until(reader::hasWriteInFlight);
    assertThat(fanout.stats().queuedEvents()).isLessThanOrEqualTo(5);
    reader.read();
    await().until(() -> reader.seqs().size() == 1500);
    assertThat(reader.seqs()).isEqualTo(seqs(1, 1500));
    assertThat(reader.of("warning")).isEmpty();
  }

  @Test
  void requireCompleteReportsExactlyWhatRetentionTook() {
    Reader reader = new Reader();
    subscribe(
        SubscribeRequest.EVERYTHING
            .withFilters(List.of("McpServerStopped"), null)
            .withQueueSize(5)
            .withPolicy(DeliveryPolicy.REQUIRE_COMPLETE),
        reader);
    await().until(() -> reader.size() == 1);
    reader.stop();
    publish(0, 1);
    await().until(reader::hasWriteInFlight);
    for (int n = 1; n < 3000; n++) {
      journal.append(TestEvents.stopped("math", n));
      journal.append(TestEvents.passed("math", n));
    }
    reader.read();
    await().until(() -> reader.seqs().contains(5998L));
    JsonObject warning = reader.json("warning").get(0);
    assertThat(warning.getString("reason")).isEqualTo("retention");
    assertThat(warning.containsKey("exact")).isFalse();
    assertThat(reader.seqs().size() + warning.getInt("dropped")).isEqualTo(3000);
    assertThat(reader.json("warning")).hasSize(1);
  }

  @Test
  void resumeById() {
    Reader one = new Reader();
    Reader two = new Reader();
    subscribe(SubscribeRequest.EVERYTHING, one);
    subscribe(SubscribeRequest.EVERYTHING, two);
    publish(0, 100);
    await().until(() -> one.size() == 101 && two.size() == 101);
    Reader reader = new Reader();
    subscribe(SubscribeRequest.EVERYTHING.withSince(after(40)), reader);
    await().until(() -> reader.seqs().size() == 60);
    assertThat(reader.seqs()).isEqualTo(seqs(41, 100));
    JsonObject ack = reader.json("subscribed").get(0);
    assertThat(ack.getString("resumed")).isEqualTo("full");
    assertThat(ack.getString("from")).isEqualTo(journal.epoch() + ":41");
    assertThat(ack.getString("first_available")).isEqualTo(journal.epoch() + ":1");
    assertThat(ack.getString("last_available")).isEqualTo(journal.epoch() + ":100");
    assertThat(fanout.stats().replayed()).isEqualTo(60);
  }

  @Test
  void resumeFromBeforeRetentionIsPartialAndTellsTheExactLossFirst() {
    publish(0, 5000);
    Reader reader = new Reader();
    subscribe(SubscribeRequest.EVERYTHING.withSince(after(1000)), reader);
    await().until(() -> reader.seqs().size() == 2000);
    assertThat(reader.json("subscribed").get(0).getString("resumed")).isEqualTo("partial");
    assertThat(reader.frames().get(1).kind()).isEqualTo("warning");
    JsonObject warning = reader.json("warning").get(0);
    assertThat(warning.getInt("dropped")).isEqualTo(2000);
    assertThat(warning.getString("from")).isEqualTo(journal.epoch() + ":1001");
    assertThat(warning.getString("to")).isEqualTo(journal.epoch() + ":3000");
    assertThat(reader.json("warning")).hasSize(1);
  }

  @Test
  void aHoleTooOldToBeFilteredIsGivenAsAnUpperBound() {
    publish(0, 40_000);
    Reader reader = new Reader();
    subscribe(
        SubscribeRequest.EVERYTHING.withFilters(null, List.of("nobody")).withSince(after(0)),
        reader);
    await().until(() -> !reader.of("warning").isEmpty());
    JsonObject warning = reader.json("warning").get(0);
    assertThat(warning.getBoolean("exact")).isFalse();
    assertThat(warning.getInt("dropped")).isBetween(1, 38_000);
  }

  @Test
  void anIdOfAnotherEpochIsNotResumedAndSaysSo() {
    publish(0, 10);
    Reader reader = new Reader();
    subscribe(SubscribeRequest.EVERYTHING.withSince(Since.parse("gone:7")), reader);
    await().until(() -> reader.seqs().size() == 10);
    assertThat(reader.json("subscribed").get(0).getString("resumed")).isEqualTo("none");
    assertThat(reader.frames().get(1).kind()).isEqualTo("warning");
    JsonObject warning = reader.json("warning").get(0);
    assertThat(warning.getString("from")).isEqualTo("gone:7");
    assertThat(warning.getBoolean("exact")).isFalse();
  }

  @Test
  void anIdOfTheFutureIsTreatedAsTheHead() {
    publish(0, 10);
    Reader reader = new Reader();
    subscribe(SubscribeRequest.EVERYTHING.withSince(after(99)), reader);
    await().until(() -> reader.size() == 1);
    publish(0, 1);
    await().until(() -> reader.seqs().equals(List.of(11L)));
  }

  @Test
  void resumeByEarliestAndByTime() {
    publish(0, 5);
    Instant passed = journal.read(4, 1, topic -> true).get(0).at().plusMillis(2);
    await().until(() -> Instant.now().isAfter(passed));
    publish(5, 10);
    Reader earliest = new Reader();
    subscribe(SubscribeRequest.EVERYTHING.withSince(new Since.Earliest()), earliest);
    await().until(() -> earliest.seqs().size() == 10);
    JournalEntry sixth = journal.read(5, 1, topic -> true).get(0);
    Reader timed = new Reader();
    subscribe(SubscribeRequest.EVERYTHING.withSince(new Since.At(sixth.at())), timed);
    await().until(() -> timed.seqs().contains(10L));
    assertThat(timed.seqs()).isEqualTo(seqs(6, 10));
  }

  @Test
  void replacedFiltersHoldFromTheAcknowledgedIdOn() {
    Reader reader = new Reader();
    Subscription subscription = subscribe(SubscribeRequest.EVERYTHING, reader);
    publish(0, 10);
    await().until(() -> reader.size() == 11);
    subscription.replace(SubscribeRequest.EVERYTHING.withFilters(List.of("HealthCheck*"), null));
    await().until(() -> reader.of("subscribed").size() == 2);
    publish(0, 5);
    journal.append(TestEvents.passed("math", 1));
    await().until(() -> reader.seqs().contains(16L));
    assertThat(reader.seqs())
        .isEqualTo(LongStream.of(1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 16).boxed().toList());
    JsonObject ack = reader.json("subscribed").get(1);
    assertThat(ack.getString("from")).isEqualTo(journal.epoch() + ":11");
    assertThat(ack.getJsonArray("filtered").getString(0)).isEqualTo("event_types");
    assertThat(ack.getJsonArray("mcp_server_ids")).isEmpty();
  }

  @Test
  void theAcknowledgementKeepsItsPlaceAmongEventsThatWait() {
    Reader reader = new Reader();
    Subscription subscription = subscribe(SubscribeRequest.EVERYTHING, reader);
    await().until(() -> reader.size() == 1);
    reader.stop();
    publish(0, 20);
    await().until(() -> fanout.stats().queuedEvents() == 19);
    subscription.replace(SubscribeRequest.EVERYTHING.withFilters(List.of(), null));
    subscription.error("bad_request", "what?");
    reader.read();
    await().until(() -> reader.size() == 23);
    assertThat(reader.frames().get(22).kind()).isEqualTo("subscribed");
    assertThat(reader.of("error")).hasSize(1);
  }

  @Test
  void anIdleSubscriptionGetsAPingWithTheCursor() {
    restart(settings(200, 60_000));
    Reader reader = new Reader();
    subscribe(SubscribeRequest.EVERYTHING.withFilters(List.of(), null), reader);
    publish(0, 7);
    await().until(() -> reader.of("ping").size() > 1);
    Frame ping = reader.of("ping").get(reader.of("ping").size() - 1);
    assertThat(ping.id()).isEqualTo(journal.head().toString());
  }

  @Test
  void aThousandSkippedEventsMoveTheCursor() {
    Reader reader = new Reader();
    subscribe(SubscribeRequest.EVERYTHING.withFilters(List.of("nothing"), null), reader);
    publish(0, 1100);
    await().until(() -> !reader.of("ping").isEmpty());
    assertThat(EventId.parse(reader.of("ping").get(0).id()).seq()).isBetween(900L, 1100L);
  }

  @Test
  void aStalledReaderIsClosedWith4008AndItsMemoryFreed() {
    restart(settings(60_000, 300));
    Reader reader = new Reader().stop();
    subscribe(SubscribeRequest.EVERYTHING, reader);
    publish(0, 100);
    await().until(() -> reader.closedWith() == CloseCode.TOO_SLOW);
    assertThat(fanout.stats().queuedBytes()).isZero();
    assertThat(fanout.stats().subscribers()).isZero();
  }

  @Test
  void theLimitOfSubscribersIsAClearRefusalAndLeavingMakesRoom() {
    List<Subscription> all = new ArrayList<>();
    for (int i = 0; i < 100; i++) {
      all.add(subscribe(SubscribeRequest.EVERYTHING, new Reader()));
    }
    assertThatThrownBy(() -> subscribe(SubscribeRequest.EVERYTHING, new Reader()))
        .isInstanceOf(SubscribersExhausted.class)
        .hasMessageContaining("100");
    assertThat(fanout.stats().refused()).isEqualTo(1);
    assertThatThrownBy(fanout::checkRoom).isInstanceOf(SubscribersExhausted.class);
    all.get(0).gone();
    all.get(0).gone();
    fanout.checkRoom();
    subscribe(SubscribeRequest.EVERYTHING, new Reader());
    assertThat(fanout.stats().subscribers()).isEqualTo(100);
  }

  @Test
  void aFailedWriteEndsTheSubscription() {
    Outlet broken = new Reader();
    Reader seen = (Reader) broken;
    fanout.subscribe(
        SubscribeRequest.EVERYTHING,
        Fanout.SEES_ALL,
        new Outlet() {
          @Override
          public void send(
              Frame frame,
              java.util.function.Consumer<@org.jspecify.annotations.Nullable Throwable> done) {
            throw new IllegalStateException("broken pipe");
          }

          @Override
          public void close(CloseCode code, String reason) {
            seen.close(code, reason);
          }
        });
    await().until(() -> seen.closedWith() == CloseCode.INTERNAL);
    assertThat(fanout.stats().subscribers()).isZero();
  }

  @Test
  void drainSendsGoawayWithACursorAndClosesWith1001() {
    publish(0, 10);
    List<Reader> readers = new ArrayList<>();
    for (int i = 0; i < 20; i++) {
      Reader reader = new Reader();
      subscribe(SubscribeRequest.EVERYTHING.withSince(new Since.Earliest()), reader);
      readers.add(reader);
    }
    Reader stalled = new Reader().stop();
    subscribe(SubscribeRequest.EVERYTHING, stalled);
    await().until(() -> readers.stream().allMatch(r -> r.seqs().size() == 10));
    fanout.drain(Duration.ofMillis(300));
    // A subscriber is counted out just before its outlet is told.
    await().until(() -> stalled.closedWith() != null);
    await().until(() -> readers.stream().allMatch(reader -> reader.closedWith() != null));
    for (Reader reader : readers) {
      assertThat(reader.closedWith()).isEqualTo(CloseCode.GOING_AWAY);
      JsonObject goaway = reader.json("goaway").get(0);
      assertThat(goaway.getString("cursor")).isEqualTo(journal.epoch() + ":10");
      assertThat(goaway.getInt("retry_after_ms")).isPositive();
    }
    assertThat(stalled.closedWith()).isEqualTo(CloseCode.GOING_AWAY);
    assertThatThrownBy(() -> subscribe(SubscribeRequest.EVERYTHING, new Reader()))
        .isInstanceOf(SubscribersExhausted.class);
  }

  @Test
  void rightsAreAskedPerTopicAndAgainWhenTheyChange() {
    Reader reader = new Reader();
    java.util.concurrent.atomic.AtomicBoolean may = new java.util.concurrent.atomic.AtomicBoolean();
    Subscription subscription =
        fanout.subscribe(SubscribeRequest.EVERYTHING, topic -> may.get(), reader);
    publish(0, 5);
    await().until(() -> fanout.stats().lagEvents() == 0);
    may.set(true);
    subscription.refreshRights();
    await()
        .until(
            () -> {
              publish(0, 1);
              return !reader.seqs().isEmpty();
            });
    assertThat(reader.seqs().get(0)).isGreaterThan(5);
  }

  @Test
  void closingTheFanoutClosesEverybodyWith1001() {
    Reader reader = new Reader();
    subscribe(SubscribeRequest.EVERYTHING, reader);
    fanout.close();
    assertThat(reader.closedWith()).isEqualTo(CloseCode.GOING_AWAY);
  }
}
