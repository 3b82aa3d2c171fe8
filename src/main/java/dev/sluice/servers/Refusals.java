package dev.sluice.servers;

import dev.sluice.rest.ApiException;
import dev.sluice.servers.upstream.StartFailure;
import jakarta.json.Json;
import jakarta.json.JsonObjectBuilder;
import java.time.Duration;
import java.util.Optional;

/** Why a server is not started, in words for people and with facts for programs. */
final class Refusals {

  private Refusals() {}

  static void unlessStartable(
      ServerId id, boolean removed, Optional<String> blocked, DefinitionReader.Read read) {
    if (removed) {
      throw notFound(id.value());
    }
    if (blocked.isPresent()) {
      throw ApiException.conflict(
          "server_blocked",
          "Server " + id + " is blocked: " + blocked.get() + ". Unblock it to use it.");
    }
    if (!read.definition().enabled()) {
      throw ApiException.conflict(
          "server_disabled", "Server " + id + " is disabled in its definition.");
    }
    if (read.problem().isPresent()) {
      throw ApiException.conflict(
          "server_not_usable", "Server " + id + " cannot start: " + read.problem().get() + ".");
    }
  }

  static ApiException notFound(String id) {
    return ApiException.notFound("server_not_found", "There is no server \"" + id + "\".");
  }

  static void whileBackingOff(
      ServerId id, Duration wait, int failures, Optional<StartFailure> last) {
    if (wait.isZero()) {
      return;
    }
    double seconds = wait.toMillis() / 1000.0;
    throw new ApiException(
        503,
        "server_backing_off",
        "Server "
            + id
            + " failed "
            + failures
            + " times in a row; it may start again in "
            + seconds
            + " s.",
        facts(failures, wait)
            .add("last_error", last.map(f -> String.valueOf(f.getMessage())).orElse(""))
            .build(),
        Optional.of(wait));
  }

  static ApiException startFailed(ServerId id, StartFailure failure, int failures, Duration wait) {
    JsonObjectBuilder details = facts(failures, wait);
    details.add("stderr", Json.createArrayBuilder(failure.stderr()));
    failure.exitCode().ifPresent(code -> details.add("exit_code", code));
    details.add("suggestion", failure.suggestion());
    return new ApiException(
        503,
        "server_start_failed",
        "Server " + id + " could not be started: " + failure.getMessage(),
        details.build(),
        Optional.of(wait));
  }

  private static JsonObjectBuilder facts(int failures, Duration wait) {
    return Json.createObjectBuilder()
        .add("consecutive_failures", failures)
        .add("time_until_retry_s", wait.toMillis() / 1000.0);
  }
}
