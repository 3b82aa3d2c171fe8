package dev.sluice.servers;

import dev.sluice.servers.ServerDefinition.Transport;
import dev.sluice.servers.upstream.Catalogue;
import dev.sluice.servers.upstream.EraVerdict;
import dev.sluice.servers.upstream.LogLine;
import dev.sluice.servers.upstream.StartFailure;
import jakarta.json.Json;
import jakarta.json.JsonArray;
import jakarta.json.JsonArrayBuilder;
import jakarta.json.JsonObject;
import jakarta.json.JsonObjectBuilder;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;

/** Servers as the REST interface shows them; values of environment and headers never. */
final class ServerJson {

  private ServerJson() {}

  /** An entry of the list. */
  static JsonObjectBuilder item(ServerView view) {
    ServerDefinition definition = view.read().definition();
    JsonObjectBuilder out =
        Json.createObjectBuilder()
            .add("mcp_server_id", view.id().value())
            .add("state", view.state().wire())
            .add("state_reason", view.reason())
            .add("state_since", view.since().toString())
            .add("mode", definition.transport().mode())
            .add("alive", view.state() == ServerState.READY)
            .add("tools_count", view.tools().size())
            .add("health_status", view.health())
            .add("tools_predefined", false)
            .add("description", definition.description())
            .add("enabled", definition.enabled())
            .add("auto_start", definition.autoStart())
            .add("source", view.source())
            .add("circuit_breaker_state", view.calls().breaker().wire())
            .add("in_flight", view.calls().inFlight())
            .add("blocked", view.blocked().isPresent());
    view.blocked().ifPresent(reason -> out.add("blocked_reason", reason));
    view.read().problem().ifPresent(problem -> out.add("problem", problem));
    if (!view.untilRetry().isZero()) {
      out.add("time_until_retry_s", seconds(view.untilRetry()));
    }
    view.lastFailure().ifPresent(failure -> out.add("last_error", failure(failure)));
    view.connection()
        .ifPresent(
            connection -> {
              connection.client().pid().ifPresent(pid -> out.add("pid", pid));
              out.add("started_at", view.since().toString());
            });
    return out;
  }

  /** One server with everything. */
  static JsonObject detail(ServerView view) {
    JsonObjectBuilder out = item(view);
    out.add("tools", tools(view.tools()));
    out.add("health", health(view));
    out.add("idle_time", seconds(view.calls().idle()));
    JsonObjectBuilder meta = Json.createObjectBuilder();
    view.connection()
        .ifPresent(
            connection -> {
              var info = connection.client().info();
              meta.add("name", info.name())
                  .add("version", info.version())
                  .add("protocol_version", info.protocolVersion())
                  .add("capabilities", info.capabilities());
              Catalogue catalogue = connection.client().catalogue();
              out.add("resources_count", catalogue.resources().size());
              out.add("prompts_count", catalogue.prompts().size());
            });
    out.add("meta", meta);
    view.eras().ifPresent(eras -> out.add("eras", eras(eras)));
    out.add("definition", definition(view.read().definition()));
    out.add("warnings", Json.createArrayBuilder(view.read().warnings()));
    return out.build();
  }

  private static JsonObjectBuilder eras(EraVerdict verdict) {
    JsonArrayBuilder spoken = Json.createArrayBuilder();
    if (verdict.legacy()) {
      spoken.add("legacy");
    }
    if (verdict.modern()) {
      spoken.add("modern");
    }
    return Json.createObjectBuilder()
        .add("spoken", spoken)
        .add("source", verdict.probed() ? "probed" : "configured")
        .add("decided_at", verdict.at().toString());
  }

  /** The answer to a start. */
  static JsonObject started(ServerView view) {
    JsonArrayBuilder names = Json.createArrayBuilder();
    view.tools().forEach(t -> names.add(t.getString("name", "")));
    return Json.createObjectBuilder()
        .add("mcp_server", view.id().value())
        .add("state", view.state().wire())
        .add("tools", names)
        .build();
  }

  /** How it does. */
  static JsonObjectBuilder health(ServerView view) {
    CallGate.Figures calls = view.calls();
    long good = calls.invocations() - calls.failedInvocations();
    JsonObjectBuilder out =
        Json.createObjectBuilder()
            .add("status", view.health())
            .add("consecutive_failures", view.consecutiveFailures())
            .add("total_failures", view.totalFailures() + calls.failedInvocations())
            .add("total_invocations", calls.invocations())
            .add(
                "success_rate",
                calls.invocations() == 0 ? 1.0 : (double) good / calls.invocations())
            .add("can_retry", view.untilRetry().isZero())
            .add("circuit_breaker_state", calls.breaker().wire())
            .add("time_until_retry_s", seconds(view.untilRetry()));
    ago(out, "last_success_ago", calls.lastSuccess());
    ago(out, "last_failure_ago", calls.lastFailure());
    view.lastPing()
        .ifPresentOrElse(ping -> out.add("last_ping", ping(ping)), () -> out.addNull("last_ping"));
    return out;
  }

  private static JsonObjectBuilder ping(Ping ping) {
    JsonObjectBuilder out =
        Json.createObjectBuilder()
            .add("result", ping.problem().isEmpty() ? "passed" : "failed")
            .add("duration_ms", ping.durationMs())
            .add("pinged_at", ping.at().toString());
    ping.problem().ifPresent(problem -> out.add("problem", problem));
    return out;
  }

  private static void ago(JsonObjectBuilder out, String name, Optional<Instant> at) {
    at.ifPresentOrElse(
        time -> out.add(name, seconds(Duration.between(time, Instant.now()))),
        () -> out.addNull(name));
  }

  static JsonArray tools(List<JsonObject> tools) {
    JsonArrayBuilder out = Json.createArrayBuilder();
    tools.forEach(out::add);
    return out.build();
  }

  static JsonArray logs(List<LogLine> lines) {
    JsonArrayBuilder out = Json.createArrayBuilder();
    lines.forEach(line -> out.add(logLine(line)));
    return out.build();
  }

  /** A line, the same in pages and in the stream. */
  static JsonObjectBuilder logLine(LogLine line) {
    return Json.createObjectBuilder()
        .add("seq", line.seq())
        .add("recorded_at", line.at().toString())
        .add("stream", line.stream())
        .add("level", line.level())
        .add("content", line.text());
  }

  private static JsonObject failure(StartFailure failure) {
    JsonObjectBuilder out =
        Json.createObjectBuilder()
            .add("message", String.valueOf(failure.getMessage()))
            .add("stderr", Json.createArrayBuilder(failure.stderr()))
            .add("suggestion", failure.suggestion());
    failure.exitCode().ifPresent(code -> out.add("exit_code", code));
    return out.build();
  }

  /** The definition without secrets, in the keys of the servers file. */
  static JsonObject definition(ServerDefinition d) {
    JsonObjectBuilder out = Json.createObjectBuilder();
    if (d.transport() instanceof Transport.Stdio stdio) {
      out.add("command", stdio.command());
      out.add("args", Json.createArrayBuilder(SecretMask.commandLine(stdio.args())));
      out.add("env", masked(stdio.env()));
      stdio.cwd().ifPresent(cwd -> out.add("cwd", cwd));
    } else if (d.transport() instanceof Transport.Http http) {
      out.add("url", address(http.url().toString())).add("headers", masked(http.headers()));
    } else if (d.transport() instanceof Transport.Sse sse) {
      out.add("url", address(sse.url().toString())).add("headers", masked(sse.headers()));
    } else if (d.transport() instanceof Transport.Ws ws) {
      out.add("url", address(ws.url().toString())).add("headers", masked(ws.headers()));
    }
    return out.add("type", d.transport().mode())
        .add("description", d.description())
        .add("enabled", d.enabled())
        .add("autoStart", d.autoStart())
        .add("sharing", d.sharing().name().toLowerCase(Locale.ROOT))
        .add("era", d.era().name().toLowerCase(Locale.ROOT))
        .add("idleTtlSeconds", d.idleTtl().toSeconds())
        .add("healthCheckIntervalSeconds", d.healthCheckInterval().toSeconds())
        .add("maxConsecutiveFailures", d.maxConsecutiveFailures())
        .add("startTimeoutSeconds", d.startTimeout().toSeconds())
        .add("callTimeoutSeconds", d.callTimeout().toSeconds())
        .add("maxConcurrentCalls", d.limits().maxConcurrentCalls())
        .add(
            "circuitBreaker",
            Json.createObjectBuilder()
                .add("failureThreshold", d.limits().breakerThreshold())
                .add("resetTimeoutSeconds", d.limits().breakerReset().toSeconds()))
        .add(
            "budget",
            Json.createObjectBuilder()
                .add("maxMemoryMb", d.budget().maxMemoryBytes() / (1024 * 1024))
                .add("maxProcesses", d.budget().maxProcesses())
                .add("maxAgeSeconds", d.budget().maxAge().toSeconds()))
        .build();
  }

  /** Query and user part of an address may hold keys. */
  private static String address(String url) {
    int query = url.indexOf('?');
    String plain = query < 0 ? url : url.substring(0, query) + "?" + SecretMask.MASK;
    return plain.replaceFirst("//[^/@]*@", "//" + SecretMask.MASK + "@");
  }

  private static JsonObject masked(Map<String, String> values) {
    JsonObjectBuilder out = Json.createObjectBuilder();
    values.keySet().forEach(name -> out.add(name, SecretMask.MASK));
    return out.build();
  }

  private static double seconds(Duration duration) {
    return duration.toMillis() / 1000.0;
  }
}
