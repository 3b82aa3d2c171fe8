package dev.sluice.events;

import static org.assertj.core.api.Assertions.assertThat;

import java.time.Duration;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.stream.LongStream;
import org.junit.jupiter.api.Test;

/** Contract C1, C2, C15: one order without holes, kept as long as retention promises. */
class JournalTest {

  private static List<Long> seqs(Journal journal) {
    return journal.read(0, Integer.MAX_VALUE, topic -> true).stream()
        .map(JournalEntry::seq)
        .toList();
  }

  @Test
  void concurrentAppendsGetIdsWithoutHolesOrTwins() throws InterruptedException {
    Journal journal = Journal.inMemory(TestEvents.settings(100_000));
    List<Long> given = Collections.synchronizedList(new ArrayList<>());
    List<Thread> threads = new ArrayList<>();
    for (int t = 0; t < 4; t++) {
      Thread thread =
          new Thread(
              () -> {
                for (int n = 0; n < 5000; n++) {
                  given.add(journal.append(TestEvents.stopped("math", n)).seq());
                }
              });
      threads.add(thread);
      thread.start();
    }
    for (Thread thread : threads) {
      thread.join();
    }
    List<Long> all = LongStream.rangeClosed(1, 20_000).boxed().toList();
    assertThat(given).containsExactlyInAnyOrderElementsOf(all);
    assertThat(seqs(journal)).isEqualTo(all);
  }

  @Test
  void countBytesAndAgeBoundWhatIsKept() {
    TestClock clock = new TestClock();
    Journal byCount = Journal.inMemory(TestEvents.settings(10));
    Journal byBytes =
        Journal.inMemory(new JournalSettings(1000, 5000, Duration.ofDays(1), "t-1", clock));
    Journal byAge =
        Journal.inMemory(new JournalSettings(1000, 1 << 20, Duration.ofSeconds(10), "t-1", clock));
    for (int n = 0; n < 100; n++) {
      byCount.append(TestEvents.stopped("math", n));
      byBytes.append(TestEvents.stopped("math", n));
      byAge.append(TestEvents.stopped("math", n));
      clock.now = clock.now.plusSeconds(1);
    }
    assertThat(seqs(byCount)).isEqualTo(LongStream.rangeClosed(91, 100).boxed().toList());
    assertThat(byCount.oldest().seq()).isEqualTo(91);
    assertThat(byBytes.stats().retainedBytes()).isBetween(4000L, 5000L);
    assertThat(byAge.stats().retained()).isEqualTo(10);
    clock.now = clock.now.plusSeconds(20);
    byAge.expire();
    assertThat(byAge.stats().retained()).isZero();
    assertThat(byAge.stats().retainedBytes()).isZero();
    assertThat(byAge.oldest().seq()).isEqualTo(101);
    assertThat(byAge.head().seq()).isEqualTo(100);
  }

  @Test
  void timeNeverRunsBackwardsInTheJournal() {
    TestClock clock = new TestClock();
    Journal journal =
        Journal.inMemory(new JournalSettings(10, 1 << 20, Duration.ofDays(1), "t-1", clock));
    RecordedEvent first = journal.record(TestEvents.stopped("math", 1));
    clock.now = clock.now.minusSeconds(60);
    assertThat(journal.record(TestEvents.stopped("math", 2)).at()).isEqualTo(first.at());
  }

  @Test
  void aMemoryJournalBeginsANewEpochEachTime() {
    assertThat(Journal.inMemory(TestEvents.SETTINGS).epoch())
        .isNotEqualTo(Journal.inMemory(TestEvents.SETTINGS).epoch());
  }

  @Test
  void moreTopicsThanTheTableHoldsAreStillFilteredRightly() {
    Journal journal = Journal.inMemory(TestEvents.settings(20_000));
    for (int n = 0; n < TopicTable.LIMIT + 500; n++) {
      journal.append(TestEvents.stopped("server" + n, n));
    }
    assertThat(journal.stats().topics()).isEqualTo(TopicTable.LIMIT);
    String last = "server" + (TopicTable.LIMIT + 499);
    EventFilter filter =
        new EventFilter(SubscribeRequest.EVERYTHING.withFilters(null, List.of(last)));
    TopicMatch match = new TopicMatch(filter, Fanout.SEES_ALL);
    long matching = 0;
    for (long p = 1; p <= journal.headPosition(); p++) {
      JournalEntry entry = journal.entry(p);
      matching += entry != null && match.matches(entry) ? 1 : 0;
    }
    assertThat(matching).isEqualTo(1);
  }
}
