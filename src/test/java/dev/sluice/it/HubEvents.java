package dev.sluice.it;

import jakarta.json.Json;
import jakarta.json.JsonObject;
import java.io.StringReader;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse.BodyHandlers;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.stream.Stream;

/** All events of some servers or groups from now on, as the SSE stream delivers them. */
final class HubEvents implements AutoCloseable {

  private final List<JsonObject> events = new CopyOnWriteArrayList<>();
  private final Stream<String> lines;
  private final Thread reader;

  private HubEvents(Stream<String> lines, CompletableFuture<Void> subscribed) {
    this.lines = lines;
    this.reader =
        new Thread(
            () -> {
              try {
                lines.filter(l -> l.startsWith("data:")).forEach(l -> read(l, subscribed));
              } catch (RuntimeException closed) {
                subscribed.completeExceptionally(closed);
              }
            },
            "events");
    reader.setDaemon(true);
    reader.start();
  }

  /** Subscribes; events published after this returns are seen. */
  static HubEvents open(URI hub) throws Exception {
    HttpRequest request = HttpRequest.newBuilder(hub.resolve("api/events?since=live")).build();
    Stream<String> lines = HttpClient.newHttpClient().send(request, BodyHandlers.ofLines()).body();
    CompletableFuture<Void> subscribed = new CompletableFuture<>();
    HubEvents events = new HubEvents(lines, subscribed);
    subscribed.orTimeout(10, java.util.concurrent.TimeUnit.SECONDS).join();
    return events;
  }

  private void read(String line, CompletableFuture<Void> subscribed) {
    try (var in = Json.createReader(new StringReader(line.substring(5).trim()))) {
      JsonObject frame = in.readObject();
      if (frame.containsKey("event_type")) {
        events.add(frame);
      }
    }
    subscribed.complete(null);
  }

  /** The events of that server, group or other subject, in order. */
  List<JsonObject> of(String subject) {
    return events.stream()
        .filter(
            e ->
                subject.equals(e.getString("mcp_server_id", ""))
                    || subject.equals(e.getString("mcp_server_name", ""))
                    || subject.equals(e.getString("group_id", "")))
        .toList();
  }

  /** Those of one type. */
  List<JsonObject> of(String subject, String type) {
    return of(subject).stream().filter(e -> e.getString("event_type").equals(type)).toList();
  }

  /** Those of one type about nobody in particular. */
  List<JsonObject> ofType(String type) {
    return events.stream().filter(e -> e.getString("event_type").equals(type)).toList();
  }

  /** The server's changes of state, as {@code old>new}. */
  List<String> changes(String server) {
    return of(server, "McpServerStateChanged").stream()
        .map(e -> e.getString("old_state") + ">" + e.getString("new_state"))
        .toList();
  }

  @Override
  public void close() {
    lines.close();
    reader.interrupt();
  }
}
