package dev.sluice.it;

import java.io.IOException;
import java.net.URI;
import java.util.Map;
import java.util.TreeMap;

/** Publishes through the hub's own event sink by the servlet that only the tested WAR has. */
final class Publishing {

  private Publishing() {}

  /** Answers what the servlet says: {@code first} and {@code last} id among others. */
  static Map<String, String> publish(URI hub, int count, String server, String more)
      throws IOException {
    RawHttp.Answer answer =
        RawHttp.get(
            hub,
            "/bench/publish?count=" + count + "&server=" + server + more,
            "Host: localhost:" + hub.getPort());
    if (answer.status() != 200) {
      throw new IOException(answer.status() + " " + answer.body());
    }
    Map<String, String> values = new TreeMap<>();
    for (String line : answer.body().split("\n")) {
      int equals = line.indexOf('=');
      if (equals > 0) {
        values.put(line.substring(0, equals), line.substring(equals + 1).trim());
      }
    }
    return values;
  }
}
