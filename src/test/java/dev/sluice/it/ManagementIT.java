package dev.sluice.it;

import static dev.sluice.it.Publishing.publish;
import static org.assertj.core.api.Assertions.assertThat;

import jakarta.json.JsonObject;
import java.io.IOException;
import java.net.URI;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class ManagementIT extends HubTest {

  private static final Pattern SAMPLE =
      Pattern.compile("([a-zA-Z_:][a-zA-Z0-9_:]*(?:\\{[^}]*\\})?) (-?[0-9.]+(?:E-?[0-9]+)?)");

  private static RawHttp.Answer get(String path) throws IOException {
    return RawHttp.get(HUB, path, "Host: localhost");
  }

  /** Every sample of /metrics; fails on a line that is not of the text format. */
  static Map<String, Double> metrics() throws IOException {
    return metrics(HUB);
  }

  /** As above of another hub. */
  static Map<String, Double> metrics(URI hub) throws IOException {
    RawHttp.Answer answer = RawHttp.get(hub, "/metrics", "Host: localhost");
    assertThat(answer.status()).isEqualTo(200);
    assertThat(answer.headers().get("content-type")).startsWith("text/plain; version=0.0.4");
    Map<String, Double> samples = new TreeMap<>();
    for (String line : answer.body().split("\n", -1)) {
      if (line.isEmpty() || line.startsWith("# HELP ") || line.startsWith("# TYPE ")) {
        continue;
      }
      Matcher sample = SAMPLE.matcher(line);
      assertThat(sample.matches()).as(line).isTrue();
      assertThat(samples.put(sample.group(1), Double.valueOf(sample.group(2)))).as(line).isNull();
    }
    return samples;
  }

  @ParameterizedTest
  @ValueSource(strings = {"/health/live", "/health/ready", "/health/started"})
  void healthIsOursAndUp(String path) throws IOException {
    RawHttp.Answer answer = get(path);
    assertThat(answer.status()).isEqualTo(200);
    JsonObject body = answer.json();
    assertThat(body.getString("status")).isEqualTo("UP");
    assertThat(body.getJsonArray("checks")).isNotEmpty();
    assertThat(body.getJsonArray("checks").getJsonObject(0).getString("status")).isEqualTo("UP");
  }

  @Test
  void startedSaysSinceWhen() throws IOException {
    JsonObject body = get("/health/started").json();
    assertThat(body.getBoolean("startup_complete")).isTrue();
    assertThat(body.getJsonNumber("uptime_seconds").longValue()).isNotNegative();
  }

  @Test
  void metricsAreOursAndParse() throws IOException {
    assertThat(metrics())
        .containsKeys(
            "sluice_uptime_seconds", "sluice_stream_subscribers", "sluice_http_requests_total")
        .allSatisfy((name, value) -> assertThat(name).startsWith("sluice_"));
  }

  @Test
  void aRefusedRequestIsCountedByItsStatus() throws IOException {
    String metric = "sluice_http_errors_by_status_total{status=\"406\"}";
    double before = metrics().getOrDefault(metric, 0.0);
    RawHttp.get(HUB, "/api/system", "Host: localhost", "Accept: image/png");
    assertThat(metrics().get(metric)).isEqualTo(before + 1);
  }

  @Test
  void theSystemNamesItsVersionAndServer() throws IOException {
    JsonObject system = get("/api/system").json().getJsonObject("system");
    assertThat(system.getString("version")).matches("\\d+\\.\\d+\\.\\d+.*");
    assertThat(system.getString("server"))
        .containsIgnoringCase(SERVER.equals("payara") ? "payara" : "wildfly");
    assertThat(system.getString("java"))
        .startsWith(System.getProperty("java.specification.version"));
    assertThat(system.getJsonNumber("uptime_seconds").doubleValue()).isPositive();
  }

  @Test
  void theInstanceIsTheProducerOfItsEventsAndSharesNothing() throws IOException {
    publish(HUB, 1, "management", "");
    JsonObject instance =
        get("/api/system").json().getJsonObject("system").getJsonObject("instance");
    JsonObject event =
        get("/api/events/history?limit=1").json().getJsonArray("events").getJsonObject(0);
    assertThat(instance.getString("instance_id")).isEqualTo(event.getString("produced_by"));
    assertThat(instance.getBoolean("coordinates_with_peers")).isFalse();
    assertThat(instance.getBoolean("manages_fleet")).isTrue();
    assertThat(instance.getBoolean("storage_is_shareable")).isFalse();
    assertThat(instance.getBoolean("rate_limits_are_per_instance")).isTrue();
    assertThat(instance.toString()).doesNotContain("/", "\\");
  }

  @Test
  void everyQueueAndPoolHasAGaugeAndMostHaveTheirLimitBesideIt() throws IOException {
    Map<String, Double> all = metrics();
    for (String what :
        List.of(
            "threads_reactions",
            "threads_closing",
            "threads_pinging",
            "threads_log_readers",
            "threads_answers",
            "upstream_children",
            "upstream_log_bytes",
            "stream_subscribers",
            "journal_events",
            "journal_topics")) {
      int end = what.indexOf('_');
      String limit = what.substring(0, end) + "_max" + what.substring(end);
      assertThat(all.get("sluice_" + limit))
          .as(limit)
          .isGreaterThanOrEqualTo(all.get("sluice_" + what));
    }
    assertThat(all)
        .containsKeys(
            "sluice_threads_work_delay_seconds",
            "sluice_threads_timer_delay_seconds",
            "sluice_threads_log_writing",
            "sluice_upstream_queued_messages",
            "sluice_upstream_requests",
            "sluice_servers_waiting_starts",
            "sluice_servers_waiting_stops");
  }

  @Test
  void theServersOwnHealthSeesOursWhereItHasOne() throws IOException {
    if (SERVER.equals("payara")) {
      assertThat(get("/health").body()).contains("sluice-live", "sluice-ready", "sluice-started");
    } else {
      // WildFly's default configuration has no MicroProfile Health: the beans are left out
      assertThat(get("/health").status()).isEqualTo(404);
    }
  }
}
