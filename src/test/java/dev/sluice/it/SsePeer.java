package dev.sluice.it;

import jakarta.json.Json;
import jakarta.json.JsonObject;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStream;
import java.io.InputStreamReader;
import java.io.StringReader;
import java.io.UncheckedIOException;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpHeaders;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.charset.StandardCharsets;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;

/** An event stream, read as a browser's EventSource would. */
final class SsePeer implements AutoCloseable {

  /**
   * One event: id and name are empty when absent. The last one is named {@code end} when the hub
   * ended the stream in good order, {@code closed} when it broke off.
   */
  record Event(String id, String name, String data) {
    JsonObject json() {
      return Json.createReader(new StringReader(data)).readObject();
    }
  }

  private static final HttpClient HTTP =
      HttpClient.newBuilder().version(HttpClient.Version.HTTP_1_1).build();

  private final HttpResponse<InputStream> response;
  private final BlockingQueue<Event> events = new LinkedBlockingQueue<>();

  private SsePeer(HttpResponse<InputStream> response) {
    this.response = response;
    Thread reader = new Thread(this::read, "sse-peer");
    reader.setDaemon(true);
    reader.start();
  }

  static SsePeer open(URI hub, String query, String... headers)
      throws IOException, InterruptedException {
    return open(HTTP, hub, query, headers);
  }

  static SsePeer open(HttpClient client, URI hub, String query, String... headers)
      throws IOException, InterruptedException {
    HttpRequest.Builder request = HttpRequest.newBuilder(hub.resolve("/api/events" + query));
    if (headers.length > 0) {
      request.headers(headers);
    }
    HttpResponse<InputStream> response =
        client.send(request.build(), HttpResponse.BodyHandlers.ofInputStream());
    if (response.statusCode() != 200) {
      throw new IOException("status " + response.statusCode());
    }
    return new SsePeer(response);
  }

  private void read() {
    try (BufferedReader lines =
        new BufferedReader(new InputStreamReader(response.body(), StandardCharsets.UTF_8))) {
      String id = "";
      String name = "";
      StringBuilder data = new StringBuilder();
      for (String line = lines.readLine(); line != null; line = lines.readLine()) {
        if (line.isEmpty()) {
          if (data.length() > 0) {
            events.add(new Event(id, name, data.toString()));
          }
          id = "";
          name = "";
          data.setLength(0);
        } else if (line.startsWith("id:")) {
          id = line.substring(3).trim();
        } else if (line.startsWith("event:")) {
          name = line.substring(6).trim();
        } else if (line.startsWith("data:")) {
          data.append(line.substring(5).trim());
        }
      }
      events.add(new Event("", "end", "{}"));
    } catch (IOException | UncheckedIOException closed) {
      events.add(new Event("", "closed", "{}"));
    }
  }

  HttpClient.Version version() {
    return response.version();
  }

  HttpHeaders headers() {
    return response.headers();
  }

  /** The next event that is no ping. */
  Event next() throws IOException, InterruptedException {
    while (true) {
      Event event = events.poll(20, TimeUnit.SECONDS);
      if (event == null) {
        throw new IOException("no event within 20 s");
      }
      if (!event.name().equals("ping")) {
        return event;
      }
    }
  }

  @Override
  public void close() throws IOException {
    response.body().close();
  }
}
