package dev.sluice.servers.upstream;

import jakarta.json.JsonObject;
import java.util.List;

/**
 * What a server offers, each entry as the server described it, in its order.
 *
 * @param tools of {@code tools/list}, all pages
 * @param resources of {@code resources/list}, all pages
 * @param prompts of {@code prompts/list}, all pages
 */
public record Catalogue(
    List<JsonObject> tools, List<JsonObject> resources, List<JsonObject> prompts) {

  /** Nothing listed. */
  public static final Catalogue EMPTY = new Catalogue(List.of(), List.of(), List.of());
}
