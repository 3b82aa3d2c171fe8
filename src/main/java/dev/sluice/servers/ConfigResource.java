package dev.sluice.servers;

import dev.sluice.events.DomainEvent.ConfigurationReloadFailed;
import dev.sluice.events.DomainEvent.ConfigurationReloaded;
import dev.sluice.rest.ApiException;
import jakarta.enterprise.context.RequestScoped;
import jakarta.inject.Inject;
import jakarta.json.Json;
import jakarta.json.JsonArrayBuilder;
import jakarta.json.JsonObject;
import jakarta.json.JsonObjectBuilder;
import jakarta.ws.rs.GET;
import jakarta.ws.rs.POST;
import jakarta.ws.rs.Path;
import jakarta.ws.rs.Produces;
import jakarta.ws.rs.container.AsyncResponse;
import jakarta.ws.rs.container.Suspended;
import jakarta.ws.rs.core.MediaType;
import jakarta.ws.rs.core.Response;
import java.time.Duration;
import java.util.Optional;

/** {@code /api/config}: what is configured now, and reading the servers file again. */
@Path("config")
@RequestScoped
@Produces(MediaType.APPLICATION_JSON)
public class ConfigResource {

  @Inject private ServerRegistry registry;
  @Inject private AnswersResource answers;

  /** Every server's definition, secrets masked, and how the last reading of the file went. */
  @GET
  public Response get() {
    JsonObjectBuilder servers = Json.createObjectBuilder();
    registry
        .servers()
        .list()
        .forEach(s -> servers.add(s.id().value(), ServerJson.definition(s.definition())));
    JsonObjectBuilder out = Json.createObjectBuilder().add("mcpServers", servers);
    registry
        .file()
        .ifPresent(
            file -> {
              out.add("path", file.path().toString());
              out.add("warnings", Json.createArrayBuilder(file.applied().warnings()));
              file.lastOutcome().ifPresent(last -> out.add("last_reload", json(last)));
            });
    return AnswersResource.ok(out.build());
  }

  /** Reads the servers file again and applies the differences; 422 if it cannot be used. */
  @POST
  @Path("reload")
  public void reload(@Suspended AsyncResponse response) {
    Optional<ServersFile> file = registry.file();
    if (file.isEmpty()) {
      throw ApiException.conflict(
          "no_servers_file", "The hub has no servers file: sluice.servers.file is not set.");
    }
    answers.later(
        response,
        Duration.ofSeconds(30),
        file.get().reload("api"),
        outcome -> {
          if (outcome instanceof ServersFile.Outcome.Refused refused) {
            ConfigurationReloadFailed event = refused.event();
            throw new ApiException(
                422, "configuration_invalid", event.reason(), json(outcome), Optional.empty());
          }
          return AnswersResource.ok(json(outcome));
        });
  }

  private static JsonObject json(ServersFile.Outcome outcome) {
    if (outcome instanceof ServersFile.Outcome.Applied applied) {
      ConfigurationReloaded event = applied.event();
      JsonObjectBuilder out =
          Json.createObjectBuilder()
              .add("applied", true)
              .add("config_path", event.configPath())
              .add("mcp_servers_added", list(event.mcpServersAdded()))
              .add("mcp_servers_removed", list(event.mcpServersRemoved()))
              .add("mcp_servers_updated", list(event.mcpServersUpdated()))
              .add("mcp_servers_unchanged", list(event.mcpServersUnchanged()))
              .add("reload_duration_ms", event.reloadDurationMs())
              .add("warnings", list(applied.warnings()));
      return out.build();
    }
    ConfigurationReloadFailed event = ((ServersFile.Outcome.Refused) outcome).event();
    return Json.createObjectBuilder()
        .add("applied", false)
        .add("config_path", event.configPath())
        .add("reason", event.reason())
        .add("error_type", event.errorType())
        .add("line", event.line())
        .add("column", event.column())
        .build();
  }

  private static JsonArrayBuilder list(java.util.List<String> texts) {
    return Json.createArrayBuilder(texts);
  }
}
