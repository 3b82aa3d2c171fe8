package dev.sluice.streams;

import static org.assertj.core.api.Assertions.assertThat;

import dev.sluice.events.DomainEvent;
import dev.sluice.events.EventId;
import dev.sluice.events.Journal;
import dev.sluice.events.JournalSettings;
import jakarta.json.Json;
import jakarta.json.JsonObject;
import jakarta.json.JsonReader;
import jakarta.json.JsonValue;
import java.io.StringReader;
import java.time.Instant;
import java.util.List;
import java.util.Map;
import java.util.concurrent.atomic.AtomicBoolean;
import org.junit.jupiter.api.Test;

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
