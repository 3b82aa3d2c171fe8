package dev.sluice.servers;

import dev.sluice.rest.ApiException;
import dev.sluice.rest.JsonBody;
import dev.sluice.servers.ServerDefinition.Transport;
import dev.sluice.servers.upstream.LogRing;
import jakarta.enterprise.context.RequestScoped;
import jakarta.inject.Inject;
import jakarta.json.Json;
import jakarta.json.JsonArrayBuilder;
import jakarta.json.JsonObjectBuilder;
import jakarta.servlet.http.HttpServletRequest;
import jakarta.ws.rs.DELETE;
import jakarta.ws.rs.DefaultValue;
import jakarta.ws.rs.GET;
import jakarta.ws.rs.POST;
import jakarta.ws.rs.PUT;
import jakarta.ws.rs.Path;
import jakarta.ws.rs.PathParam;
import jakarta.ws.rs.Produces;
import jakarta.ws.rs.QueryParam;
import jakarta.ws.rs.container.AsyncResponse;
import jakarta.ws.rs.container.Suspended;
import jakarta.ws.rs.core.Context;
import jakarta.ws.rs.core.MediaType;
import jakarta.ws.rs.core.Response;
import java.time.Duration;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import org.jspecify.annotations.Nullable;

/** {@code /api/mcp_servers}: the servers, their life cycle, and calls of their tools. */
@Path("mcp_servers")
@RequestScoped
@Produces(MediaType.APPLICATION_JSON)
public class McpServersResource {

  @Inject private ServerRegistry registry;
  @Inject private AnswersResource answers;

  /** The servers, or those in one state. */
  @GET
  public Response list(@QueryParam("state") @Nullable String state) {
    Optional<ServerState> only = Optional.ofNullable(state).map(McpServersResource::state);
    JsonArrayBuilder items = Json.createArrayBuilder();
    int count = 0;
    for (McpServer server : registry.servers().list()) {
      ServerView view = server.view();
      if (only.isEmpty() || only.get() == view.state()) {
        items.add(ServerJson.item(view));
        count++;
      }
    }
    return AnswersResource.ok(
        Json.createObjectBuilder().add("mcp_servers", items).add("count", count).build());
  }

  private static ServerState state(String name) {
    return Arrays.stream(ServerState.values())
        .filter(s -> s.wire().equals(name))
        .findFirst()
        .orElseThrow(
            () ->
                ApiException.invalid(
                    "state", "must be cold, initializing, ready, degraded or dead"));
  }

  /** Registers a server. */
  @POST
  public Response create(JsonBody body, @Context HttpServletRequest request) {
    Fields fields = new Fields(LocatedJson.of(body.json()), "", "", body.json());
    ServerId id = id(fields);
    DefinitionReader.Read read = read(id, fields, request);
    registry.servers().add(read, "api");
    return AnswersResource.created(request, id.value())
        .type(MediaType.APPLICATION_JSON_TYPE)
        .entity(
            Json.createObjectBuilder()
                .add("mcp_server_id", id.value())
                .add("created", true)
                .add("warnings", Json.createArrayBuilder(read.warnings()))
                .build()
                .toString())
        .build();
  }

  private static ServerId id(Fields fields) {
    try {
      Optional<String> id = fields.text("mcp_server_id", "id");
      return new ServerId(
          id.orElseThrow(
              () -> ApiException.invalid("mcp_server_id", "is required and must be a text")));
    } catch (InvalidDefinition invalid) {
      throw AnswersResource.unusable(invalid);
    } catch (IllegalArgumentException illegal) {
      throw ApiException.invalid("mcp_server_id", String.valueOf(illegal.getMessage()));
    }
  }

  private static DefinitionReader.Read read(
      ServerId id, Fields fields, HttpServletRequest request) {
    DefinitionReader.Read read;
    try {
      read = new DefinitionReader(Variables.NONE, Optional.empty()).read(id, fields);
    } catch (InvalidDefinition invalid) {
      throw AnswersResource.unusable(invalid);
    }
    if (read.definition().transport() instanceof Transport.Stdio) {
      AnswersResource.requireAdministrator(request, "define a server that runs a command");
    }
    return read;
  }

  /** One server with everything. */
  @GET
  @Path("{id}")
  public Response get(@PathParam("id") String id) {
    return AnswersResource.ok(ServerJson.detail(server(id).view()));
  }

  /** Replaces a server's definition; it is started anew if it ran. */
  @PUT
  @Path("{id}")
  public Response replace(
      @PathParam("id") String id, JsonBody body, @Context HttpServletRequest request) {
    McpServer server = server(id);
    Fields fields = new Fields(LocatedJson.of(body.json()), "", "", body.json());
    if (fields.has("mcp_server_id", "id") && !id(fields).equals(server.id())) {
      throw ApiException.invalid("mcp_server_id", "must be " + server.id() + ", as in the path");
    }
    DefinitionReader.Read read = read(server.id(), fields, request);
    registry.servers().replace(server, read, server.source());
    return AnswersResource.ok(
        Json.createObjectBuilder()
            .add("mcp_server_id", server.id().value())
            .add("updated", true)
            .add("warnings", Json.createArrayBuilder(read.warnings()))
            .build());
  }

  /** Removes a server; answers when its child is gone. */
  @DELETE
  @Path("{id}")
  public void delete(@PathParam("id") String id, @Suspended AsyncResponse response) {
    McpServer server = server(id);
    answers.later(
        response,
        AnswersResource.GRACE,
        registry.servers().remove(server, "api", Duration.ZERO),
        done ->
            AnswersResource.ok(
                Json.createObjectBuilder().add("mcp_server_id", id).add("deleted", true).build()));
  }

  /** Starts a server and answers when it is ready; {@code {"unblock":true}} ends a block first. */
  @POST
  @Path("{id}/start")
  public void start(@PathParam("id") String id, JsonBody body, @Suspended AsyncResponse response) {
    McpServer server = server(id);
    String reason = AnswersResource.reason(body, "start requested");
    if (body.optionalFlag("unblock").orElse(false)) {
      server.unblock();
      registry.groups().look(server.id(), "unblocked");
    }
    answers.later(
        response,
        server.definition().startTimeout().plus(AnswersResource.GRACE),
        server.start(reason),
        open -> AnswersResource.ok(ServerJson.started(server.view())));
  }

  /** Stops a server and answers when its child is gone. */
  @POST
  @Path("{id}/stop")
  public void stop(@PathParam("id") String id, JsonBody body, @Suspended AsyncResponse response) {
    McpServer server = server(id);
    String reason = AnswersResource.reason(body, "stop requested");
    answers.later(
        response,
        AnswersResource.GRACE,
        server.stop(reason, Duration.ZERO),
        stopped ->
            AnswersResource.ok(
                Json.createObjectBuilder()
                    .add("stopped", id)
                    .add("was_running", stopped)
                    .add("reason", reason)
                    .build()));
  }

  /** Stops a server and refuses starts and calls until it is unblocked. */
  @POST
  @Path("{id}/block")
  public void block(@PathParam("id") String id, JsonBody body, @Suspended AsyncResponse response) {
    McpServer server = server(id);
    String reason = AnswersResource.reason(body, "block requested");
    CompletableFuture<Boolean> blocked = server.block(reason);
    registry.groups().look(server.id(), "blocked");
    answers.later(
        response,
        AnswersResource.GRACE,
        blocked,
        stopped ->
            AnswersResource.ok(
                Json.createObjectBuilder()
                    .add("mcp_server_id", id)
                    .add("blocked", true)
                    .add("reason", reason)
                    .build()));
  }

  /** Ends a block; the server stays cold until it is started or called. */
  @DELETE
  @Path("{id}/block")
  public Response unblock(@PathParam("id") String id) {
    McpServer server = server(id);
    boolean was = server.unblock();
    registry.groups().look(server.id(), "unblocked");
    return AnswersResource.ok(
        Json.createObjectBuilder()
            .add("mcp_server_id", id)
            .add("blocked", false)
            .add("was_blocked", was)
            .build());
  }

  /** The tools of a ready server, as it describes them. */
  @GET
  @Path("{id}/tools")
  public Response tools(@PathParam("id") String id) {
    ServerView view = server(id).view();
    return AnswersResource.ok(
        Json.createObjectBuilder()
            .add("mcp_server_id", id)
            .add("state", view.state().wire())
            .add("tools", ServerJson.tools(view.tools()))
            .build());
  }

  /** The newest tool calls of a server. */
  @GET
  @Path("{id}/tools/history")
  public Response history(
      @PathParam("id") String id,
      @QueryParam("limit") @DefaultValue("100") String limit,
      @QueryParam("from_position") @DefaultValue("0") String from) {
    CallHistory history = server(id).history();
    JsonArrayBuilder entries = Json.createArrayBuilder();
    for (CallHistory.Entry entry :
        history.from(
            AnswersResource.number("from_position", from, 0, Integer.MAX_VALUE),
            AnswersResource.number("limit", limit, 1, CallHistory.MAX))) {
      JsonObjectBuilder one =
          Json.createObjectBuilder()
              .add("position", entry.position())
              .add("at", entry.at().toString())
              .add("tool_name", entry.tool())
              .add("correlation_id", entry.correlationId())
              .add("duration_ms", entry.durationMs())
              .add("success", entry.error().isEmpty());
      if (!entry.error().isEmpty()) {
        one.add("error_type", entry.error());
      }
      entries.add(one);
    }
    return AnswersResource.ok(
        Json.createObjectBuilder()
            .add("mcp_server_id", id)
            .add("history", entries)
            .add("total", history.total())
            .build());
  }

  /** Calls a tool and answers the MCP result; a cold server is started for it. */
  @POST
  @Path("{id}/tools/{tool}/call")
  public void call(
      @PathParam("id") String id,
      @PathParam("tool") String tool,
      JsonBody body,
      @Suspended AsyncResponse response) {
    McpServer server = server(id);
    answers.call(
        response,
        body,
        List.of(server.definition()),
        arguments -> registry.servers().call(server, tool, arguments),
        (result, answer) -> answer.build());
  }

  /** How a server does. */
  @GET
  @Path("{id}/health")
  public Response health(@PathParam("id") String id) {
    ServerView view = server(id).view();
    return AnswersResource.ok(
        ServerJson.health(view)
            .add("mcp_server_id", id)
            .add("state", view.state().wire())
            .add("state_reason", view.reason())
            .build());
  }

  /** The newest lines of its standard error, or those after a number. */
  @GET
  @Path("{id}/logs")
  public Response logs(
      @PathParam("id") String id,
      @QueryParam("lines") @DefaultValue("100") String lines,
      @QueryParam("since") @Nullable String since) {
    LogRing ring = server(id).logs();
    int count = AnswersResource.number("lines", lines, 1, LogRing.MAX_LINES);
    List<dev.sluice.servers.upstream.LogLine> found =
        since == null
            ? ring.since(0, count)
            : ring.since(AnswersResource.number("since", since, 0, Integer.MAX_VALUE), count);
    return AnswersResource.ok(
        Json.createObjectBuilder()
            .add("mcp_server_id", id)
            .add("logs", ServerJson.logs(found))
            .add("count", found.size())
            .add("oldest", ring.oldest())
            .add("newest", ring.newest())
            .build());
  }

  private McpServer server(String id) {
    return registry.servers().get(id);
  }
}
