package dev.sluice.events;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import dev.sluice.storage.MvEventLog;
import jakarta.json.JsonObject;
import java.io.IOException;
import java.nio.file.Path;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.LongStream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Contract C8: what a resume says after a restart on a real store. */
class RestartTest {

  private final TestEvents.Threads threads = new TestEvents.Threads();

  @TempDir Path directory;

  @AfterEach
  void everyThreadEnds() {
    await().until(() -> threads.alive.get() == 0);
  }

  private Journal open(int count) throws IOException {
    return Journal.durable(TestEvents.settings(count), new MvEventLog(directory), threads);
  }

  private Fanout fanout(Journal journal) {
    return new Fanout(journal, FanoutSettings.DEFAULTS, threads);
  }

  private static Reader subscribe(Fanout fanout, Since since) {
    Reader reader = new Reader();
    fanout.subscribe(SubscribeRequest.EVERYTHING.withSince(since), Fanout.SEES_ALL, reader);
    return reader;
  }

  @Test
  void aResumeByTimeIsPartialAfterARestartWhenItsEventsAreGone() throws IOException {
    Instant before = Instant.now().minusSeconds(1);
    try (Journal journal = open(50)) {
      for (int n = 0; n < 200; n++) {
        journal.append(TestEvents.stopped("math", n));
      }
    }
    try (Journal journal = open(50);
        Fanout fanout = fanout(journal)) {
      assertThat(journal.oldest().seq()).isEqualTo(151);
      Reader early = subscribe(fanout, new Since.At(before));
      await().until(() -> early.seqs().size() == 50);
      assertThat(early.json("subscribed").get(0).getString("resumed")).isEqualTo("partial");
      assertThat(early.frames().get(1).kind()).isEqualTo("warning");
      assertThat(early.json("warning").get(0).getInt("dropped")).isEqualTo(150);
      Reader late = subscribe(fanout, new Since.At(Instant.now().plusSeconds(1)));
      await().until(() -> late.size() == 1);
      assertThat(late.json("subscribed").get(0).getString("resumed")).isEqualTo("full");
    }
  }

  @Test
  void aHoleOfACrashThatRetentionHasPassedIsCountedAsAnUpperBound() throws IOException {
    MvEventLog log = new MvEventLog(directory);
    log.open("crashed", 100);
    List<StoredEvent> stored = new ArrayList<>();
    LongStream.concat(LongStream.rangeClosed(1, 10), LongStream.rangeClosed(21, 30))
        .forEach(
            seq -> stored.add(new StoredEvent(seq, seq, "McpServerStopped", "math", "{\"n\":1}")));
    log.mark(30);
    log.write(stored, 1);
    log.close();
    JournalSettings keeps =
        new JournalSettings(
            20,
            TestEvents.SETTINGS.bytes(),
            java.time.Duration.ofDays(36_500),
            "test-00000001",
            TestEvents.SETTINGS.clock());
    try (Journal journal = Journal.durable(keeps, new MvEventLog(directory), threads);
        Fanout fanout = fanout(journal)) {
      assertThat(journal.head().seq()).isEqualTo(30);
      for (int n = 0; n < 15; n++) {
        journal.append(TestEvents.stopped("math", n));
      }
      assertThat(journal.oldest().seq()).isEqualTo(26);
      Reader reader = subscribe(fanout, new Since.After(new EventId(journal.epoch(), 3)));
      await().until(() -> reader.seqs().size() == 20);
      JsonObject warning = reader.json("warning").get(0);
      assertThat(warning.getInt("dropped")).isEqualTo(22);
      assertThat(warning.getBoolean("exact")).isFalse();
      assertThat(warning.getString("from")).isEqualTo("crashed:4");
      assertThat(warning.getString("to")).isEqualTo("crashed:25");
      assertThat(reader.json("warning")).hasSize(1);
    }
  }

  @Test
  void aPlaceBeyondAllNumbersIsTheHead() throws IOException {
    try (Journal journal = open(50);
        Fanout fanout = fanout(journal)) {
      journal.append(TestEvents.stopped("math", 0));
      assertThat(journal.read(Long.MAX_VALUE, 10, topic -> true)).isEmpty();
      Reader far = subscribe(fanout, new Since.At(Instant.MAX));
      Reader past = subscribe(fanout, new Since.At(Instant.MIN));
      await().until(() -> past.seqs().equals(List.of(1L)));
      journal.append(TestEvents.stopped("math", 1));
      await().until(() -> far.seqs().contains(2L));
      assertThat(far.seqs()).containsExactly(2L);
    }
  }

  @Test
  void anAnswerThatIsOwedSurvivesARequestForAnotherPlace() {
    Journal journal = Journal.inMemory(TestEvents.settings(100));
    try (Fanout fanout = fanout(journal)) {
      Reader reader = new Reader();
      Subscription subscription =
          fanout.subscribe(SubscribeRequest.EVERYTHING, Fanout.SEES_ALL, reader);
      await().until(() -> reader.size() == 1);
      reader.stop();
      journal.append(TestEvents.stopped("math", 0));
      await().until(reader::hasWriteInFlight);
      subscription.replace(SubscribeRequest.EVERYTHING.withQueueSize(7));
      subscription.replace(SubscribeRequest.EVERYTHING.withSince(new Since.Earliest()));
      reader.read();
      await().until(() -> reader.of("subscribed").size() == 3);
    }
  }
}
