package dev.sluice.events;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import java.time.Duration;
import java.util.List;
import java.util.stream.LongStream;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** Contract C5, C6: a lane, however small, overflows because its reader is slow and never else. */
class SmallLaneTest {

  private static final int EVENTS = 3000;

  private final TestEvents.Threads threads = new TestEvents.Threads();
  private final Journal journal = Journal.inMemory(TestEvents.settings(2 * EVENTS));
  private final Fanout fanout =
      new Fanout(
          journal,
          new FanoutSettings(
              100, 1024, 1 << 20, Duration.ofSeconds(60), Duration.ofSeconds(60), 1, 4),
          threads);
  private final Reader blocking = new Reader().block();

  /** Holds the only shard in a write while the burst is published, so that batches are full. */
  @BeforeEach
  void hold() {
    fanout.subscribeQuietly(SubscribeRequest.EVERYTHING, Fanout.SEES_ALL, blocking);
  }

  @AfterEach
  void everyThreadEnds() {
    blocking.unblock();
    fanout.close();
    await().until(() -> threads.alive.get() == 0);
  }

  private Reader subscribe(
      DeliveryPolicy policy, @Nullable Integer events, @Nullable Integer bytes) {
    Reader reader = new Reader();
    fanout.subscribe(
        new SubscribeRequest(null, null, null, policy, events, bytes), Fanout.SEES_ALL, reader);
    await().until(() -> reader.size() == 1);
    return reader;
  }

  private void burstReaches(Reader reader) {
    for (int n = 0; n < EVENTS; n++) {
      journal.append(TestEvents.stopped("math", n));
    }
    await().until(() -> reader.closedWith() != null || reader.seqs().contains((long) EVENTS));
    assertThat(reader.closedWith()).isNull();
    List<Long> all = LongStream.rangeClosed(1, EVENTS).boxed().toList();
    assertThat(reader.seqs()).isEqualTo(all);
    assertThat(reader.of("warning")).isEmpty();
  }

  @Test
  void aReaderThatKeepsUpLosesNothingOfABurstWithALaneOfOneEvent() {
    burstReaches(subscribe(DeliveryPolicy.DROP_OLDEST, 1, null));
  }

  @Test
  void aReaderThatKeepsUpLosesNothingOfABurstWithALaneOfAFewEventsBytes() {
    burstReaches(subscribe(DeliveryPolicy.DROP_OLDEST, 1000, 4096));
  }

  @Test
  void aReaderThatKeepsUpIsNotDisconnectedByABurst() {
    burstReaches(subscribe(DeliveryPolicy.DISCONNECT, 3, 4096));
  }

  @Test
  void aLaneThatIsMadeSmallerCountsAtOnce() {
    Reader reader = new Reader();
    Subscription subscription =
        fanout.subscribe(SubscribeRequest.EVERYTHING, Fanout.SEES_ALL, reader);
    subscription.replace(SubscribeRequest.EVERYTHING.withQueueSize(2));
    await().until(() -> reader.of("subscribed").size() == 2);
    burstReaches(reader);
  }
}
