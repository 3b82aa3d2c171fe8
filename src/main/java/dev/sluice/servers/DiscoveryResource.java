package dev.sluice.servers;

import dev.sluice.rest.ApiException;
import jakarta.enterprise.context.RequestScoped;
import jakarta.inject.Inject;
import jakarta.json.Json;
import jakarta.json.JsonArrayBuilder;
import jakarta.json.JsonObject;
import jakarta.json.JsonObjectBuilder;
import jakarta.json.JsonValue;
import jakarta.ws.rs.GET;
import jakarta.ws.rs.POST;
import jakarta.ws.rs.Path;
import jakarta.ws.rs.PathParam;
import jakarta.ws.rs.Produces;
import jakarta.ws.rs.container.AsyncResponse;
import jakarta.ws.rs.container.Suspended;
import jakarta.ws.rs.core.MediaType;
import jakarta.ws.rs.core.Response;
import java.time.Duration;

/** {@code /api/discovery}: where servers are looked for besides the servers file. */
@Path("discovery")
@RequestScoped
@Produces(MediaType.APPLICATION_JSON)
public class DiscoveryResource {

  @Inject private ServerRegistry registry;
  @Inject private AnswersResource answers;

  /** The sources; there is at most one, the directory. */
  @GET
  @Path("sources")
  public Response sources() {
    JsonArrayBuilder sources = Json.createArrayBuilder();
    registry.discovery().ifPresent(d -> sources.add(json(d, d.last())));
    return AnswersResource.ok(Json.createObjectBuilder().add("sources", sources).build());
  }

  /** Looks now. */
  @POST
  @Path("sources/{id}/scan")
  public void scan(@PathParam("id") String id, @Suspended AsyncResponse response) {
    Discovery discovery =
        registry
            .discovery()
            .filter(d -> Discovery.TYPE.equals(id))
            .orElseThrow(
                () ->
                    ApiException.notFound(
                        "source_not_found",
                        "There is no such source; \"directory\" exists when"
                            + " sluice.discovery.dir is set."));
    answers.later(
        response,
        Duration.ofSeconds(30),
        discovery.rescan(),
        scan -> AnswersResource.ok(json(discovery, scan)));
  }

  /** Servers that wait for approval: what the directory brings is registered at once. */
  @GET
  @Path("pending")
  public Response pending() {
    return AnswersResource.ok(
        Json.createObjectBuilder().add("pending", JsonValue.EMPTY_JSON_ARRAY).build());
  }

  /** Fragments that could not be used, with the reason. */
  @GET
  @Path("quarantined")
  public Response quarantined() {
    JsonArrayBuilder out = Json.createArrayBuilder();
    registry
        .discovery()
        .ifPresent(
            d ->
                d.last()
                    .problems()
                    .forEach(
                        (name, problem) ->
                            out.add(
                                Json.createObjectBuilder()
                                    .add("name", name)
                                    .add("source_type", Discovery.TYPE)
                                    .add("reason", problem))));
    return AnswersResource.ok(Json.createObjectBuilder().add("quarantined", out).build());
  }

  private static JsonObject json(Discovery discovery, Discovery.Scan scan) {
    JsonObjectBuilder problems = Json.createObjectBuilder();
    scan.problems().forEach(problems::add);
    return Json.createObjectBuilder()
        .add("id", Discovery.TYPE)
        .add("source_type", Discovery.TYPE)
        .add("path", discovery.directory().toString())
        .add("enabled", true)
        .add("last_scan", scan.at().toString())
        .add("fragments", scan.fragments())
        .add("servers", scan.servers())
        .add("problems", problems)
        .build();
  }
}
