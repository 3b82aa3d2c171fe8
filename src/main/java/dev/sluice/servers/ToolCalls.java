package dev.sluice.servers;

import dev.sluice.events.DomainEvent;
import dev.sluice.events.EventSink;
import dev.sluice.rest.ApiException;
import dev.sluice.servers.CallGate.Admission;
import dev.sluice.servers.CallGate.Outcome;
import dev.sluice.servers.upstream.UpstreamException;
import dev.sluice.settings.NearestName;
import jakarta.json.Json;
import jakarta.json.JsonObject;
import jakarta.json.JsonValue;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.List;
import java.util.Optional;
import java.util.UUID;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.concurrent.atomic.AtomicBoolean;

/**
 * Calls tools: lets the call in, starts the server if it must, sends, and tells how it ended. Every
 * {@code ToolInvocationRequested} is followed by exactly one {@code Completed} or {@code Failed}
 * with the same correlation id. Any thread may call; nothing blocks.
 */
final class ToolCalls {

  private static final System.Logger LOG = System.getLogger(ToolCalls.class.getName());

  /** How often a call looks for the new connection when the one it got was being replaced. */
  private static final int MAX_ATTEMPTS = 3;

  /** Longest error message in an event, in characters. */
  private static final int MAX_MESSAGE = 500;

  private final EventSink events;

  ToolCalls(EventSink events) {
    this.events = events;
  }

  /**
   * What a server answered.
   *
   * @param server which one
   * @param json the MCP result
   * @param text the same as JSON text
   */
  record Result(ServerId server, JsonObject json, String text) {
    boolean isError() {
      return json.getBoolean("isError", false);
    }
  }

  /** One call on its way. */
  private record Pending(
      McpServer server,
      String tool,
      JsonObject arguments,
      String correlationId,
      Admission admission,
      long begin,
      AtomicBoolean endedByHub) {
    double elapsedMs() {
      return (System.nanoTime() - begin) / 1e6;
    }
  }

  /**
   * Calls the tool.
   *
   * @return the result (also one with {@code isError}), or fails with an {@link ApiException}
   * @throws ApiException if the call is not let in: 404, 409, 429, 503
   */
  CompletableFuture<Result> call(McpServer server, String tool, JsonObject arguments) {
    server.checkStartable();
    Admission admission = server.calls().admit();
    Pending call =
        new Pending(
            server,
            tool,
            arguments,
            UUID.randomUUID().toString(),
            admission,
            System.nanoTime(),
            new AtomicBoolean());
    events.publish(
        new DomainEvent.ToolInvocationRequested(
            server.id().value(),
            tool,
            call.correlationId(),
            SecretMask.arguments(arguments),
            ClientTransport.REST.wire(),
            arguments.toString().getBytes(StandardCharsets.UTF_8).length));
    CompletableFuture<Result> answer = new CompletableFuture<>();
    var unused =
        attempt(call, 1)
            .whenComplete(
                (result, failed) -> {
                  if (failed == null) {
                    answered(call, result);
                    answer.complete(result);
                  } else {
                    answer.completeExceptionally(failed(call, unwrap(failed)));
                  }
                });
    return answer;
  }

  private CompletableFuture<Result> attempt(Pending call, int attempt) {
    try {
      return call.server()
          .start("call of tool " + call.tool())
          .thenCompose(connection -> send(call, connection, attempt));
    } catch (ApiException refused) {
      return CompletableFuture.failedFuture(refused);
    }
  }

  private CompletableFuture<Result> send(Pending call, Connection connection, int attempt) {
    if (!call.server().enter(connection)) {
      return attempt < MAX_ATTEMPTS
          ? attempt(call, attempt + 1)
          : CompletableFuture.failedFuture(
              ApiException.unavailable(
                  "server_restarting",
                  "Server " + call.server().id() + " is being restarted.",
                  Duration.ofSeconds(1)));
    }
    CompletableFuture<JsonObject> sent;
    try {
      checkTool(call, connection);
      sent =
          connection
              .client()
              .callTool(call.tool(), call.arguments(), call.server().definition().callTimeout());
    } catch (RuntimeException notSent) {
      call.endedByHub().set(call.server().leave(connection));
      return CompletableFuture.failedFuture(notSent);
    }
    return sent.whenComplete(
            (result, failed) -> call.endedByHub().set(call.server().leave(connection)))
        .thenApply(result -> new Result(call.server().id(), result, result.toString()));
  }

  private static void checkTool(Pending call, Connection connection) {
    List<String> names =
        connection.client().catalogue().tools().stream().map(t -> t.getString("name", "")).toList();
    if (!names.contains(call.tool())) {
      throw ApiException.notFound(
          "tool_not_found",
          "Server "
              + call.server().id()
              + " has no tool \""
              + call.tool()
              + "\""
              + NearestName.hint(call.tool(), names)
              + ".");
    }
  }

  private void answered(Pending call, Result result) {
    double ms = call.elapsedMs();
    call.server().proven();
    call.server().calls().release(call.admission(), Outcome.ANSWERED, result.isError());
    call.server()
        .history()
        .add(call.tool(), call.correlationId(), ms, result.isError() ? "tool_error" : "");
    if (result.isError()) {
      publishFailed(call, ms, errorText(result.json()), "tool_error");
    } else {
      events.publish(
          new DomainEvent.ToolInvocationCompleted(
              call.server().id().value(),
              call.tool(),
              call.correlationId(),
              ms,
              result.text().getBytes(StandardCharsets.UTF_8).length,
              ClientTransport.REST.wire()));
    }
  }

  private ApiException failed(Pending call, Throwable failure) {
    double ms = call.elapsedMs();
    ApiException answer;
    Outcome outcome = Outcome.NEUTRAL;
    String type;
    if (failure instanceof ApiException refused) {
      answer = refused;
      type = refused.refusal().code();
    } else if (failure instanceof UpstreamException upstream) {
      answer = answer(call, upstream);
      type = answer.refusal().code();
      outcome =
          switch (upstream.kind()) {
            case ERROR_RESPONSE -> Outcome.ANSWERED;
            case BUSY -> Outcome.NEUTRAL;
            case TIMEOUT, DISCONNECTED, PROTOCOL ->
                call.endedByHub().get() ? Outcome.NEUTRAL : Outcome.TRANSPORT_FAILED;
          };
    } else {
      LOG.log(
          System.Logger.Level.WARNING,
          "SLUICE-0204: Call of tool "
              + call.tool()
              + " on server "
              + call.server().id()
              + " failed by a defect of the hub",
          failure);
      answer = ApiException.of(500, "internal_error", "The hub failed; its log says why.");
      type = "internal_error";
    }
    call.server().calls().release(call.admission(), outcome, true);
    call.server().history().add(call.tool(), call.correlationId(), ms, type);
    publishFailed(call, ms, String.valueOf(answer.getMessage()), type);
    return answer;
  }

  private static ApiException answer(Pending call, UpstreamException failure) {
    String who = "Server " + call.server().id();
    JsonObject details =
        failure.code().isPresent()
            ? Json.createObjectBuilder().add("jsonrpc_code", failure.code().getAsInt()).build()
            : JsonValue.EMPTY_JSON_OBJECT;
    return switch (failure.kind()) {
      case ERROR_RESPONSE ->
          failure.code().orElse(0) == -32602
              ? upstream(422, "invalid_arguments", who + " refused the call: ", failure, details)
              : upstream(502, "upstream_error", who + " answered an error: ", failure, details);
      case TIMEOUT -> upstream(504, "call_timeout", who + " did not answer: ", failure, details);
      case DISCONNECTED ->
          upstream(503, "server_disconnected", who + " ended during the call: ", failure, details);
      case PROTOCOL ->
          upstream(502, "upstream_protocol", who + " does not speak MCP: ", failure, details);
      case BUSY ->
          ApiException.tooMany(
              "too_many_calls", who + " is busy: " + failure.getMessage(), Duration.ofSeconds(1));
    };
  }

  private static ApiException upstream(
      int status, String code, String what, UpstreamException failure, JsonObject details) {
    return new ApiException(status, code, what + failure.getMessage(), details, Optional.empty());
  }

  private void publishFailed(Pending call, double ms, String message, String type) {
    events.publish(
        new DomainEvent.ToolInvocationFailed(
            call.server().id().value(),
            call.tool(),
            call.correlationId(),
            ms,
            message.length() <= MAX_MESSAGE ? message : message.substring(0, MAX_MESSAGE) + "…",
            type,
            ClientTransport.REST.wire()));
  }

  private static String errorText(JsonObject result) {
    if (result.get("content") instanceof jakarta.json.JsonArray content) {
      for (JsonValue part : content) {
        if (part instanceof JsonObject text
            && text.get("text") instanceof jakarta.json.JsonString said) {
          return said.getString();
        }
      }
    }
    return "the tool reported an error";
  }

  private static Throwable unwrap(Throwable failure) {
    return failure instanceof CompletionException && failure.getCause() != null
        ? unwrap(failure.getCause())
        : failure;
  }
}
