package dev.sluice.management;

import dev.sluice.events.Fanout;
import dev.sluice.events.FanoutStats;
import dev.sluice.events.JournalStats;
import dev.sluice.servers.ServerState;
import jakarta.annotation.Priority;
import jakarta.enterprise.context.ApplicationScoped;
import jakarta.enterprise.event.Observes;
import jakarta.enterprise.event.Startup;
import jakarta.inject.Inject;
import jakarta.json.Json;
import jakarta.json.JsonArrayBuilder;
import jakarta.json.JsonObject;
import jakarta.json.JsonObjectBuilder;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/** Whether the hub lives, is ready for work, and has started. Any thread; nothing blocks. */
@ApplicationScoped
class Health {

  /**
   * Static, and asked before any bean is: Payara asks the checks as soon as it knows them, in the
   * middle of the start, and its CDI fails with WELD-001524 if two threads make the class of the
   * same proxy (seen with probes every 200 ms; that the start may be the one that loses is
   * inferred).
   */
  private static volatile boolean begun;

  @Inject private ReadModels models;
  @Inject private Fanout fanout;

  /** The start is over. */
  void begin(@Observes @Priority(Integer.MAX_VALUE) Startup started) {
    begun = true;
  }

  /** Whether a check may be asked; before that all are down. */
  static boolean hasBegun() {
    return begun;
  }

  /** The process answers and its sending threads live; clients that stall do not count. */
  Report live() {
    FanoutStats stream = models.read().stream();
    return new Report(
        List.of(
            new Check(
                "sending-threads",
                fanout.isSending(),
                Map.of("blocked", stream.blockedThreads(), "limit", stream.maxBlockedThreads()))),
        Map.of());
  }

  /** It takes work: more subscribers fit, and events become durable where they are to. */
  Report ready() {
    HubReading reading = models.read();
    FanoutStats stream = reading.stream();
    JournalStats journal = reading.journal();
    return new Report(
        List.of(
            new Check(
                "journal",
                journal.undurable() < journal.maxCount(),
                Map.of(
                    "durable", journal.durable(),
                    "undurable_events", journal.undurable(),
                    "log_failures", journal.logFailures())),
            new Check(
                "subscribers",
                stream.subscribers() < stream.maxSubscribers(),
                Map.of("now", stream.subscribers(), "limit", stream.maxSubscribers()))),
        Map.of(
            "ready_mcp_servers",
            reading.servers().byState().getOrDefault(ServerState.READY, 0),
            "total_mcp_servers",
            reading.servers().total()));
  }

  /** The start is over: requests are answered only from then on. */
  Report started() {
    return new Report(
        List.of(new Check("start", true, Map.of())),
        new LinkedHashMap<>(
            Map.of(
                "startup_complete", true, "uptime_seconds", models.read().uptime().toSeconds())));
  }

  /**
   * One finding.
   *
   * @param data facts, by name
   */
  record Check(String name, boolean up, Map<String, Object> data) {}

  /**
   * What an endpoint answers.
   *
   * @param facts further fields of the body, beside status and checks
   */
  record Report(List<Check> checks, Map<String, Object> facts) {

    boolean isUp() {
      return checks.stream().allMatch(Check::up);
    }

    JsonObject json() {
      JsonObjectBuilder body = Json.createObjectBuilder().add("status", word(isUp()));
      JsonArrayBuilder list = Json.createArrayBuilder();
      for (Check check : checks) {
        JsonObjectBuilder one =
            Json.createObjectBuilder().add("name", check.name()).add("status", word(check.up()));
        if (!check.data().isEmpty()) {
          one.add("data", Json.createObjectBuilder(check.data()));
        }
        list.add(one);
      }
      body.add("checks", list);
      return body.addAll(Json.createObjectBuilder(facts)).build();
    }

    private static String word(boolean up) {
      return up ? "UP" : "DOWN";
    }
  }
}
