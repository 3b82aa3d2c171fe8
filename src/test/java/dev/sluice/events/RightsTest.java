package dev.sluice.events;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import java.time.Duration;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

/** Contract C11: what waits is decided again when rights are taken away. */
class RightsTest {

  private final TestEvents.Threads threads = new TestEvents.Threads();
  private final Journal journal = Journal.inMemory(TestEvents.settings(2000));
  private final Fanout fanout =
      new Fanout(
          journal,
          new FanoutSettings(
              100, 1024, 1 << 20, Duration.ofSeconds(60), Duration.ofSeconds(60), 1, 4),
          threads);
  private final Set<String> hidden = ConcurrentHashMap.newKeySet();
  private final Reader reader = new Reader();

  @AfterEach
  void everyThreadEnds() {
    fanout.close();
    await().until(() -> threads.alive.get() == 0);
  }

  /** A reader with the answer to its subscription and one event in flight, that reads no more. */
  private Subscription stalled(SubscribeRequest request) {
    Subscription subscription =
        fanout.subscribe(request, topic -> !hidden.contains(topic.subject()), reader);
    await().until(() -> reader.size() == 1);
    reader.stop();
    publish("math", 1);
    await().until(reader::hasWriteInFlight);
    return subscription;
  }

  private void publish(String server, int count) {
    for (int n = 0; n < count; n++) {
      journal.append(TestEvents.stopped(server, n));
    }
  }

  /** Takes the right to see a server's events; the one shard has done so when this returns. */
  private void revoke(Subscription subscription, String server, int left) {
    hidden.add(server);
    subscription.refreshRights();
    await().until(() -> fanout.stats().queuedEvents() == left);
  }

  @Test
  void whatWaitsAndMayNotBeSeenAnyMoreIsNotSent() {
    Subscription subscription = stalled(SubscribeRequest.EVERYTHING);
    publish("secret", 10);
    publish("math", 5);
    publish("secret", 10);
    await().until(() -> fanout.stats().queuedEvents() == 25);
    revoke(subscription, "secret", 5);
    publish("secret", 3);
    publish("math", 1);
    reader.read();
    await().until(() -> reader.seqs().size() == 7);
    assertThat(reader.seqs()).containsExactly(1L, 12L, 13L, 14L, 15L, 16L, 30L);
    assertThat(reader.of("warning")).isEmpty();
    assertThat(fanout.stats().queuedBytes()).isZero();
  }

  @Test
  void aHoleIsStillToldWhenTheEventAfterItMayNotBeSeenAnyMore() {
    Subscription subscription = stalled(SubscribeRequest.EVERYTHING.withQueueSize(4));
    publish("math", 6);
    publish("secret", 2);
    publish("math", 1);
    await().until(() -> fanout.stats().queuedEvents() == 4 && fanout.stats().lagEvents() == 4);
    // In the lane: the last of math, twice secret, math; five of math are lost.
    revoke(subscription, "secret", 2);
    reader.read();
    await().until(() -> reader.seqs().size() == 3);
    assertThat(reader.seqs()).containsExactly(1L, 7L, 10L);
    assertThat(reader.json("warning")).hasSize(1);
    assertThat(reader.json("warning").get(0).getInt("dropped")).isEqualTo(5);
  }

  @Test
  void theEventThatEndsAToldHoleIsNotSentEither() {
    Subscription subscription = stalled(SubscribeRequest.EVERYTHING.withQueueSize(2));
    publish("math", 3);
    publish("secret", 2);
    await().until(() -> fanout.stats().queuedEvents() == 2 && fanout.stats().lagEvents() == 2);
    reader.readOne();
    await().until(() -> reader.of("warning").size() == 1);
    // The first of secret has left the lane: it waits for the warning to be taken.
    revoke(subscription, "secret", 0);
    reader.read();
    publish("math", 1);
    await().until(() -> reader.seqs().size() == 2);
    assertThat(reader.seqs()).containsExactly(1L, 7L);
    assertThat(reader.json("warning").get(0).getInt("dropped")).isEqualTo(3);
  }

  @Test
  void aConflatingReaderKeepsItsPlaceAndItsCount() {
    Subscription subscription =
        stalled(SubscribeRequest.EVERYTHING.withPolicy(DeliveryPolicy.CONFLATE));
    publish("math", 4);
    publish("secret", 4);
    await().until(() -> fanout.stats().queuedEvents() == 2 && fanout.stats().lagEvents() == 2);
    revoke(subscription, "secret", 1);
    publish("other", 1);
    reader.read();
    await().until(() -> reader.seqs().size() == 3);
    assertThat(reader.seqs()).containsExactly(1L, 5L, 10L);
    assertThat(reader.json("warning").get(0).getInt("dropped")).isEqualTo(3);
  }

  @Test
  void replayIsDecidedByTheRightsOfNow() {
    publish("secret", 1200);
    publish("math", 1);
    hidden.add("secret");
    fanout.subscribe(
        SubscribeRequest.EVERYTHING.withSince(new Since.Earliest()),
        topic -> !hidden.contains(topic.subject()),
        reader);
    await().until(() -> reader.seqs().size() == 1);
    assertThat(reader.seqs()).containsExactly(1201L);
  }

  @Test
  void whoIsClosedWhileAFrameIsNotTakenIsCounted() {
    Subscription subscription = stalled(SubscribeRequest.EVERYTHING);
    Reader reads = new Reader();
    Subscription other = fanout.subscribe(SubscribeRequest.EVERYTHING, Fanout.SEES_ALL, reads);
    await().until(() -> reads.size() == 1);
    other.close(CloseCode.TOO_LARGE, "as a client does that sends too much");
    await().until(() -> reads.closedWith() != null);
    assertThat(fanout.stats().unreadCloses()).isZero();
    subscription.close(CloseCode.TOO_SLOW, "stalled");
    await().until(() -> reader.closedWith() != null);
    assertThat(fanout.stats().unreadCloses()).isEqualTo(1);
  }
}
