package dev.sluice.servers;

import dev.sluice.rest.ApiException;
import dev.sluice.rest.JsonBody;
import dev.sluice.servers.GroupDefinition.Member;
import jakarta.enterprise.context.RequestScoped;
import jakarta.inject.Inject;
import jakarta.json.Json;
import jakarta.json.JsonArrayBuilder;
import jakarta.json.JsonObject;
import jakarta.servlet.http.HttpServletRequest;
import jakarta.ws.rs.DELETE;
import jakarta.ws.rs.GET;
import jakarta.ws.rs.POST;
import jakarta.ws.rs.PUT;
import jakarta.ws.rs.Path;
import jakarta.ws.rs.PathParam;
import jakarta.ws.rs.Produces;
import jakarta.ws.rs.container.AsyncResponse;
import jakarta.ws.rs.container.Suspended;
import jakarta.ws.rs.core.Context;
import jakarta.ws.rs.core.MediaType;
import jakarta.ws.rs.core.Response;
import java.util.List;
import java.util.Optional;

/** {@code /api/groups}: servers that answer the same calls. */
@Path("groups")
@RequestScoped
@Produces(MediaType.APPLICATION_JSON)
public class GroupsResource {

  @Inject private ServerRegistry registry;
  @Inject private AnswersResource answers;

  /** All groups. */
  @GET
  public Response list() {
    JsonArrayBuilder groups = Json.createArrayBuilder();
    registry.groups().list().forEach(g -> groups.add(json(g.view())));
    return AnswersResource.ok(Json.createObjectBuilder().add("groups", groups).build());
  }

  /** Creates a group. */
  @POST
  public Response create(JsonBody body, @Context HttpServletRequest request) {
    Fields fields = fields(body);
    String id = idOf(fields).orElseThrow(() -> ApiException.invalid("group_id", "is required"));
    Group group = registry.groups().add(definition(id, fields));
    return AnswersResource.created(request, id)
        .type(MediaType.APPLICATION_JSON_TYPE)
        .entity(json(group.view()).toString())
        .build();
  }

  /** One group. */
  @GET
  @Path("{id}")
  public Response get(@PathParam("id") String id) {
    return AnswersResource.ok(json(group(id).view()));
  }

  /** Replaces a group's settings; without {@code members} they stay as they are. */
  @PUT
  @Path("{id}")
  public Response replace(@PathParam("id") String id, JsonBody body) {
    Group group = group(id);
    Fields fields = fields(body);
    if (idOf(fields).filter(other -> !other.equals(id)).isPresent()) {
      throw ApiException.invalid("group_id", "must be " + id + ", as in the path");
    }
    GroupDefinition next = definition(id, fields);
    if (body.has("members")) {
      registry.groups().replace(group, next);
    } else {
      registry.groups().replaceSettings(group, next);
    }
    return AnswersResource.ok(json(group.view()));
  }

  /** Deletes a group. */
  @DELETE
  @Path("{id}")
  public Response delete(@PathParam("id") String id) {
    registry.groups().remove(group(id));
    return AnswersResource.ok(
        Json.createObjectBuilder().add("group_id", id).add("deleted", true).build());
  }

  /** Adds a member. */
  @POST
  @Path("{id}/members")
  public Response addMember(
      @PathParam("id") String id, JsonBody body, @Context HttpServletRequest request) {
    Group group = group(id);
    Fields fields = fields(body);
    Member member;
    try {
      member = ServersDocument.member(fields);
    } catch (InvalidDefinition invalid) {
      throw AnswersResource.unusable(invalid);
    }
    refuseUnknown(fields);
    refuseMissing(List.of(member));
    registry.groups().addMember(group, member);
    return AnswersResource.created(request, member.server().value())
        .type(MediaType.APPLICATION_JSON_TYPE)
        .entity(json(group.view()).toString())
        .build();
  }

  /** Takes a member out. */
  @DELETE
  @Path("{id}/members/{member}")
  public Response removeMember(@PathParam("id") String id, @PathParam("member") String member) {
    Group group = group(id);
    group.removeMember(member);
    return AnswersResource.ok(json(group.view()));
  }

  /** Looks at all members again and forgets failed probes. */
  @POST
  @Path("{id}/rebalance")
  public Response rebalance(@PathParam("id") String id) {
    Group group = group(id);
    registry.groups().rebalance(group);
    return AnswersResource.ok(json(group.view()));
  }

  /** Calls a tool on the member that the strategy picks; the header says which. */
  @POST
  @Path("{id}/tools/{tool}/call")
  public void call(
      @PathParam("id") String id,
      @PathParam("tool") String tool,
      JsonBody body,
      @Suspended AsyncResponse response) {
    Group group = group(id);
    answers.call(
        response,
        body,
        registry.groups().definitions(group),
        arguments -> registry.groups().call(group, tool, arguments),
        (result, answer) -> answer.header("Sluice-Member", result.server().value()).build());
  }

  private Group group(String id) {
    return registry.groups().get(id);
  }

  private static Fields fields(JsonBody body) {
    return new Fields(LocatedJson.of(body.json()), "", "", body.json());
  }

  private static Optional<String> idOf(Fields fields) {
    try {
      Optional<String> id = fields.text("group_id", "id");
      return id.map(ServerId::new).map(ServerId::value);
    } catch (InvalidDefinition invalid) {
      throw AnswersResource.unusable(invalid);
    } catch (IllegalArgumentException illegal) {
      throw ApiException.invalid("group_id", "must match [A-Za-z0-9_-]{1,64}");
    }
  }

  private GroupDefinition definition(String id, Fields fields) {
    GroupDefinition definition;
    try {
      definition = ServersDocument.group(id, fields);
    } catch (InvalidDefinition invalid) {
      throw AnswersResource.unusable(invalid);
    }
    refuseUnknown(fields);
    refuseMissing(definition.members());
    return definition;
  }

  private static void refuseUnknown(Fields fields) {
    List<String> unknown = fields.unknown();
    if (!unknown.isEmpty()) {
      throw ApiException.invalidField(fields.unknownKeys().get(0), String.join("; ", unknown));
    }
  }

  private void refuseMissing(List<Member> members) {
    for (Member member : members) {
      if (registry.servers().find(member.server()).isEmpty()) {
        throw ApiException.invalid("members", "there is no server \"" + member.server() + "\"");
      }
    }
  }

  private static JsonObject json(Group.View view) {
    GroupDefinition d = view.definition();
    JsonArrayBuilder members = Json.createArrayBuilder();
    for (Group.MemberView member : view.members()) {
      members.add(
          Json.createObjectBuilder()
              .add("id", member.member().server().value())
              .add(
                  "state",
                  member.standing().present() ? member.standing().state().wire() : "absent")
              .add("in_rotation", member.inRotation())
              .add("weight", member.member().weight())
              .add("priority", member.member().priority())
              .add("circuit_breaker_state", member.standing().circuit().wire())
              .add("consecutive_failures", member.failures()));
    }
    return Json.createObjectBuilder()
        .add("group_id", d.id())
        .add("description", d.description())
        .add("state", view.state().wire())
        .add("strategy", d.strategy().wire())
        .add("min_healthy", d.minHealthy())
        .add("unhealthy_threshold", d.unhealthyThreshold())
        .add("healthy_threshold", d.healthyThreshold())
        .add("auto_start", d.autoStart())
        .add("healthy_count", view.inRotation())
        .add("total_members", view.members().size())
        .add("is_available", view.inRotation() > 0)
        .add(
            "circuit_open",
            !view.members().isEmpty()
                && view.members().stream()
                    .allMatch(m -> m.standing().circuit() == CircuitBreaker.State.OPEN))
        .add("members", members)
        .build();
  }
}
