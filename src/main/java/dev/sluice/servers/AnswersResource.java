package dev.sluice.servers;

import dev.sluice.access.Caller;
import dev.sluice.access.PublicUrl;
import dev.sluice.rest.ApiException;
import dev.sluice.rest.JsonBody;
import dev.sluice.threads.Bounded;
import dev.sluice.threads.OwnThreads;
import jakarta.annotation.PostConstruct;
import jakarta.annotation.PreDestroy;
import jakarta.enterprise.concurrent.ManagedThreadFactory;
import jakarta.enterprise.context.ApplicationScoped;
import jakarta.inject.Inject;
import jakarta.json.JsonObject;
import jakarta.json.JsonStructure;
import jakarta.json.JsonValue;
import jakarta.servlet.http.HttpServletRequest;
import jakarta.ws.rs.container.AsyncResponse;
import jakarta.ws.rs.core.MediaType;
import jakarta.ws.rs.core.Response;
import java.net.URI;
import java.time.Duration;
import java.util.Collection;
import java.util.Optional;
import java.util.concurrent.CompletionException;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.TimeUnit;
import java.util.function.BiFunction;
import java.util.function.Function;

/** What the REST resources of this package share: how they answer, later too, and to whom. */
@ApplicationScoped
public class AnswersResource {

  /** Longest reason that a body may give, in characters. */
  private static final int MAX_REASON = 500;

  /** Beyond servers' own timeouts: time for a former child to end and for the answer. */
  static final Duration GRACE = Duration.ofSeconds(30);

  /** Answers that are written at once, beside those that request threads write. */
  private static final int WRITING = 64;

  /** Answers that may wait to be written. */
  private static final int WAITING = 4_096;

  @Inject @Bounded private ManagedThreadFactory threads;

  private OwnThreads writing;

  @PostConstruct
  void start() {
    writing = new OwnThreads(threads, "sluice-answers", WRITING, WAITING);
  }

  @PreDestroy
  void stop() {
    writing.close();
  }

  /** Answers being written or waiting for it. */
  public int writing() {
    return writing.busy();
  }

  /** Those at most; beyond it whoever has the answer writes it. */
  public int maxWriting() {
    return writing.limit();
  }

  /** 201 with the place of what was made below the request's path, as the client sees it. */
  static Response.ResponseBuilder created(HttpServletRequest request, String id) {
    String path = request.getRequestURI();
    return Response.created(
        URI.create(PublicUrl.of(request).absolute(path + (path.endsWith("/") ? "" : "/") + id)));
  }

  /** JSON with 200. */
  static Response ok(JsonStructure json) {
    return Response.ok(json.toString(), MediaType.APPLICATION_JSON_TYPE).build();
  }

  /**
   * Calls a tool with the body's {@code arguments} and answers when there is a result.
   *
   * @param candidates the servers that may be started for it, one after another, until one takes it
   * @param call makes the call
   * @param answer completes the answer, which has the MCP result as the server gave it
   */
  void call(
      AsyncResponse response,
      JsonBody body,
      Collection<ServerDefinition> candidates,
      Function<JsonObject, CompletionStage<ToolCalls.Result>> call,
      BiFunction<ToolCalls.Result, Response.ResponseBuilder, Response> answer) {
    JsonObject arguments = body.optionalObject("arguments").orElse(JsonValue.EMPTY_JSON_OBJECT);
    Duration starts = Duration.ZERO;
    Duration longest = Duration.ZERO;
    for (ServerDefinition candidate : candidates) {
      starts = starts.plus(candidate.startTimeout());
      longest = longest.compareTo(candidate.callTimeout()) < 0 ? candidate.callTimeout() : longest;
    }
    later(
        response,
        starts.plus(longest).plus(GRACE),
        call.apply(arguments),
        result ->
            answer.apply(result, Response.ok(result.text(), MediaType.APPLICATION_JSON_TYPE)));
  }

  /**
   * Answers when the stage completes, from a thread that may hang at the client; no request thread
   * waits, and neither does whoever completes the stage.
   *
   * @param deadline after it the answer is 504, the work goes on
   */
  <T> void later(
      AsyncResponse response,
      Duration deadline,
      CompletionStage<T> stage,
      Function<T, Response> answer) {
    response.setTimeoutHandler(
        late ->
            late.resume(
                ApiException.of(
                    504, "deadline_exceeded", "There was no answer within " + deadline + ".")));
    response.setTimeout(deadline.toMillis(), TimeUnit.MILLISECONDS);
    var unused =
        stage.whenComplete(
            (value, failed) -> {
              Runnable resume =
                  () -> {
                    if (failed != null) {
                      response.resume(unwrap(failed));
                    } else {
                      resume(response, value, answer);
                    }
                  };
              if (!writing.offer(resume)) {
                resume.run();
              }
            });
  }

  private static <T> void resume(AsyncResponse response, T value, Function<T, Response> answer) {
    Response built;
    try {
      built = answer.apply(value);
    } catch (RuntimeException refused) {
      response.resume(refused);
      return;
    }
    response.resume(built);
  }

  private static Throwable unwrap(Throwable failed) {
    return failed instanceof CompletionException && failed.getCause() != null
        ? unwrap(failed.getCause())
        : failed;
  }

  /** The {@code reason} of the body, or the fallback. */
  static String reason(JsonBody body, String fallback) {
    String reason = body.optionalText("reason").orElse(fallback);
    if (reason.length() > MAX_REASON) {
      throw ApiException.invalid("reason", "must have at most " + MAX_REASON + " characters");
    }
    return reason;
  }

  /**
   * Lets only the administrator on.
   *
   * @throws ApiException 403
   */
  static void requireAdministrator(HttpServletRequest request, String what) {
    Optional<Caller> caller =
        request.getAttribute(Caller.class.getName()) instanceof Caller known
            ? Optional.of(known)
            : Optional.empty();
    if (caller.isEmpty() || !caller.get().has(Caller.ADMIN)) {
      throw ApiException.of(403, "forbidden", "Only the administrator may " + what + ".");
    }
  }

  /** A whole number of the query. */
  static int number(String name, String value, int min, int max) {
    try {
      int number = Integer.parseInt(value.trim());
      if (number >= min && number <= max) {
        return number;
      }
    } catch (NumberFormatException notNumber) {
      throw ApiException.invalid(
          name,
          "must be a whole number from " + min + " to " + max + ", was \"" + cut(value) + "\"");
    }
    throw ApiException.invalid(
        name, "must be a whole number from " + min + " to " + max + ", was " + cut(value));
  }

  /** 422 for a body whose values cannot be used. */
  static ApiException unusable(InvalidDefinition invalid) {
    return invalid.field().isEmpty()
        ? ApiException.of(422, "validation_failed", invalid.described())
        : ApiException.invalidField(invalid.field(), invalid.described());
  }

  private static String cut(String value) {
    return value.length() <= 60 ? value : value.substring(0, 60) + "…";
  }
}
