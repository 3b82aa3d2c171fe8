package dev.sluice.streams;

import static org.assertj.core.api.Assertions.assertThat;

import dev.sluice.events.DomainEvent;
import dev.sluice.events.EventId;
import dev.sluice.events.Journal;
import dev.sluice.events.JournalSettings;
import dev.sluice.events.StoredEvent;
import dev.sluice.storage.MvEventLog;
import jakarta.json.Json;
import jakarta.json.JsonObject;
import jakarta.json.JsonReader;
import jakarta.json.JsonValue;
import java.io.IOException;
import java.io.StringReader;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.stream.LongStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Contract C8 and C15: a page accounts for every event between its place and its next. */
class EventHistoryTest {

  private static final JournalSettings DEFAULTS = JournalSettings.defaults("test-00000001");

  private final Journal journal =
      Journal.inMemory(
          new JournalSettings(
              300, DEFAULTS.bytes(), DEFAULTS.age(), DEFAULTS.producedBy(), DEFAULTS.clock()));
  private final EventHistory history = new EventHistory();

  EventHistoryTest() {
    history.journal = journal;
  }

  private void publish(int count) {
    for (int n = 0; n < count; n++) {
      journal.append(new DomainEvent.McpServerStopped("math", "n" + n));
    }
  }

  private JsonObject page(String since) {
    String text = history.page(Map.of("since", List.of(since), "limit", List.of("1000")));
    try (JsonReader reader = Json.createReader(new StringReader(text))) {
      return reader.readObject();
    }
  }

  @TempDir Path directory;

  @Test
  void whatACrashSwallowedIsToldInThePageWhereItWas() throws IOException {
    MvEventLog log = new MvEventLog(directory);
    log.open("crashed", 100);
    List<StoredEvent> stored = new ArrayList<>();
    LongStream.concat(LongStream.rangeClosed(1, 100), LongStream.rangeClosed(106, 110))
        .forEach(
            seq ->
                stored.add(
                    new StoredEvent(
                        seq,
                        seq,
                        "McpServerStopped",
                        "math",
                        "{\"event_id\":\"crashed:" + seq + "\"}")));
    log.mark(110);
    log.write(stored, 1);
    log.close();
    JournalSettings ageless =
        new JournalSettings(
            300,
            DEFAULTS.bytes(),
            Duration.ofDays(40_000),
            DEFAULTS.producedBy(),
            DEFAULTS.clock());
    try (Journal again = Journal.durable(ageless, new MvEventLog(directory), Thread::new)) {
      history.journal = again;
      JsonObject first = page("crashed:90");
      JsonObject lost = first.getJsonArray("lost").getJsonObject(0);
      assertThat(first.getJsonArray("lost")).hasSize(1);
      assertThat(lost.getString("from")).isEqualTo("crashed:101");
      assertThat(lost.getString("to")).isEqualTo("crashed:105");
      assertThat(lost.getInt("dropped")).isEqualTo(5);
      assertThat(page("crashed:105").containsKey("lost")).isFalse();
      assertThat(page("crashed:103").getJsonArray("lost").getJsonObject(0).getInt("dropped"))
          .isEqualTo(2);
    }
  }

  @Test
  void aGapUnderAFilterSaysThatItsCountIsAnUpperBound() {
    publish(400);
    String text =
        history.page(
            Map.of(
                "since",
                List.of(journal.epoch() + ":10"),
                "event_types",
                List.of("McpServerStopped")));
    try (JsonReader reader = Json.createReader(new StringReader(text))) {
      assertThat(reader.readObject().getJsonObject("gap").getBoolean("exact")).isFalse();
    }
    assertThat(page(journal.epoch() + ":10").getJsonObject("gap").containsKey("exact")).isFalse();
  }

  private static long seq(String id) {
    return EventId.parse(id).seq();
  }

  @Test
  void nothingIsLeftOutInSilenceWhileRetentionMoves() throws InterruptedException {
    AtomicBoolean stop = new AtomicBoolean();
    Thread publisher =
        new Thread(
            () -> {
              while (!stop.get()) {
                publish(10);
              }
            });
    publisher.setDaemon(true);
    publisher.start();
    try {
      long place = 0;
      int gaps = 0;
      for (int pages = 0; pages < 3000; pages++) {
        JsonObject page = page(journal.epoch() + ":" + place);
        long next = seq(page.getString("next"));
        long expected = place + 1;
        if (page.containsKey("gap")) {
          JsonObject gap = page.getJsonObject("gap");
          assertThat(seq(gap.getString("from"))).isEqualTo(expected);
          expected = seq(gap.getString("to")) + 1;
          gaps++;
        }
        for (JsonValue event : page.getJsonArray("events")) {
          assertThat(seq(event.asJsonObject().getString("event_id"))).isEqualTo(expected++);
        }
        assertThat(next).isEqualTo(expected - 1);
        place = next;
      }
      assertThat(gaps).as("retention has moved").isPositive();
    } finally {
      stop.set(true);
      publisher.join();
    }
  }

  @Test
  void aPageByTimeTellsWhatRetentionHasTaken() {
    Instant before = Instant.now();
    publish(500);
    JsonObject gap = page(before.toString()).getJsonObject("gap");
    assertThat(seq(gap.getString("to"))).isEqualTo(200);
    assertThat(gap.getBoolean("exact")).isFalse();
    String last = page("earliest").getJsonArray("events").getJsonObject(299).getString("timestamp");
    assertThat(page(Instant.parse(last).plusSeconds(1).toString()).containsKey("gap")).isFalse();
  }

  @Test
  void aPlaceBeyondAllNumbersIsTheHead() {
    publish(10);
    JsonObject page = page(journal.epoch() + ":" + Long.MAX_VALUE);
    assertThat(page.getJsonArray("events")).isEmpty();
    assertThat(page.containsKey("gap")).isFalse();
    assertThat(seq(page.getString("next"))).isEqualTo(10);
    assertThat(page("+999999999-12-31T23:59:59Z").getJsonArray("events")).isEmpty();
    assertThat(page("-999999999-01-01T00:00:00Z").getJsonArray("events")).hasSize(10);
  }
}
