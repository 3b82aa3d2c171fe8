package dev.sluice.management;

import dev.sluice.access.Caller;
import dev.sluice.events.JournalSettings;
import dev.sluice.servers.ServersSummary;
import jakarta.enterprise.context.RequestScoped;
import jakarta.inject.Inject;
import jakarta.json.Json;
import jakarta.json.JsonArrayBuilder;
import jakarta.json.JsonObject;
import jakarta.json.JsonObjectBuilder;
import jakarta.servlet.ServletContext;
import jakarta.ws.rs.GET;
import jakarta.ws.rs.Path;
import jakarta.ws.rs.Produces;
import jakarta.ws.rs.core.Context;
import jakarta.ws.rs.core.MediaType;
import jakarta.ws.rs.core.SecurityContext;

/** {@code /api/system}: totals and identity of this hub, and who the caller is. */
@Path("/system")
@RequestScoped
@Produces(MediaType.APPLICATION_JSON)
public class SystemResource {

  @Inject private ReadModels models;
  @Inject private Build build;
  @Inject private JournalSettings journal;

  /** The hub. */
  @GET
  public JsonObject system(@Context ServletContext context) {
    HubReading reading = models.read();
    ServersSummary servers = reading.servers();
    JsonObjectBuilder byState = Json.createObjectBuilder();
    servers.byState().forEach((state, count) -> byState.add(state.wire(), count));
    JsonObjectBuilder system =
        Json.createObjectBuilder()
            .add("total_mcp_servers", servers.total())
            .add("mcp_servers_by_state", byState)
            .add("total_tools", servers.tools())
            .add("total_invocations", servers.invocations())
            .add("total_failures", servers.failedInvocations())
            .add(
                "overall_success_rate",
                servers.invocations() == 0
                    ? 1.0
                    : 1.0 - (double) servers.failedInvocations() / servers.invocations())
            .add("uptime_seconds", reading.uptime().toMillis() / 1000.0)
            .add("epoch", reading.head().epoch())
            .add("cursor", reading.head().toString())
            .add("version", build.version())
            .add("server", context.getServerInfo())
            .add("java", Runtime.version().toString())
            .add("instance", instance());
    return Json.createObjectBuilder().add("system", system).build();
  }

  /**
   * Which of the instances behind one address has answered, and what it shares with others: nothing
   * so far, so that it manages its servers alone. The id is the {@code produced_by} of its events.
   */
  private JsonObjectBuilder instance() {
    return Json.createObjectBuilder()
        .add("instance_id", journal.producedBy())
        .add("coordinates_with_peers", false)
        .add("manages_fleet", true)
        .add("storage_is_shareable", false)
        .add("rate_limits_are_per_instance", true);
  }

  /** The caller. */
  @GET
  @Path("/me")
  public JsonObject me(@Context SecurityContext security) {
    JsonObjectBuilder me = Json.createObjectBuilder();
    if (security.getUserPrincipal() instanceof Caller caller) {
      JsonArrayBuilder roles = Json.createArrayBuilder();
      caller.roles().stream().sorted().forEach(roles::add);
      me.add("authenticated", true)
          .add(
              "principal", Json.createObjectBuilder().add("id", caller.name()).add("roles", roles));
    } else {
      me.add("authenticated", false).addNull("principal");
    }
    return me.build();
  }
}
