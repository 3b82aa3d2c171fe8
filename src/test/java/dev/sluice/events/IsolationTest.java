package dev.sluice.events;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

/** Contract C12: a reader that stalls, or whose write blocks the thread, delays nobody else. */
class IsolationTest {

  private final TestEvents.Threads threads = new TestEvents.Threads();
  private final Journal journal = Journal.inMemory(TestEvents.settings(20_000));
  private final Fanout fanout =
      new Fanout(
          journal,
          new FanoutSettings(
              1000, 1024, 1024 * 1024, Duration.ofSeconds(60), Duration.ofSeconds(2), 2, 3),
          threads);

  @AfterEach
  void everyThreadEnds() {
    fanout.close();
    await().until(() -> threads.alive.get() == 0);
  }

  private List<Reader> readers(int count) {
    List<Reader> readers = new ArrayList<>();
    for (int i = 0; i < count; i++) {
      Reader reader = new Reader();
      fanout.subscribeQuietly(SubscribeRequest.EVERYTHING, Fanout.SEES_ALL, reader);
      readers.add(reader);
    }
    return readers;
  }

  private void publish(int count) {
    for (int n = 0; n < count; n++) {
      journal.append(TestEvents.stopped("math", n));
    }
  }

  @Test
  void aWriteThatBlocksItsThreadDelaysNobodyElse() {
    List<Reader> healthy = readers(10);
    List<Reader> blocking = readers(3);
    healthy.addAll(readers(10));
    blocking.forEach(Reader::block);
    publish(500);
    await()
        .atMost(Duration.ofSeconds(1))
        .until(() -> healthy.stream().allMatch(reader -> reader.size() == 500));
    assertThat(blocking).allMatch(reader -> reader.blockedSends() == 1);
    assertThat(fanout.stats().blockedThreads()).isEqualTo(3);
    assertThat(fanout.isSending()).as("stalled clients leave the hub alive").isTrue();
    blocking.forEach(Reader::unblock);
    await().until(() -> blocking.stream().allMatch(reader -> reader.size() == 500));
    assertThat(blocking).allMatch(reader -> reader.mostAtOnce() == 1);
    await().until(() -> fanout.stats().blockedThreads() == 0);
  }

  @Test
  void aStalledReaderDelaysNobodyElseAndIsClosed() {
    List<Reader> healthy = readers(20);
    List<Reader> stalled = readers(5);
    stalled.forEach(Reader::stop);
    publish(5000);
    await().until(() -> healthy.stream().allMatch(reader -> reader.seqs().contains(5000L)));
    await().until(() -> stalled.stream().allMatch(r -> r.closedWith() == CloseCode.TOO_SLOW));
    assertThat(fanout.stats().slowCloses()).isEqualTo(5);
    assertThat(fanout.stats().subscribers()).isEqualTo(20);
  }

  @Test
  void moreBlockedWritesThanThreadsCloseTheLongestStalledAndTheRestGoesOn() {
    List<Reader> healthy = readers(6);
    List<Reader> blocking = readers(12);
    blocking.forEach(Reader::block);
    publish(100);
    await().until(() -> healthy.stream().allMatch(reader -> reader.size() == 100));
    assertThat(fanout.stats().blockedThreads())
        .isLessThanOrEqualTo(fanout.stats().maxBlockedThreads());
    await()
        .atMost(Duration.ofSeconds(15))
        .until(
            () -> blocking.stream().filter(r -> r.closedWith() == CloseCode.TOO_SLOW).count() >= 3);
    publish(100);
    await()
        .atMost(Duration.ofSeconds(15))
        .until(() -> healthy.stream().allMatch(reader -> reader.size() == 200));
    blocking.forEach(Reader::unblock);
  }
}
