package dev.sluice.events;

import java.util.ArrayList;
import java.util.List;

/** The texts of control frames; docs/stream-contract.md lists them. */
final class ControlFrames {

  private ControlFrames() {}

  static Frame subscribed(
      SubscribeRequest request, String from, String resumed, String first, String last) {
    List<String> types = request.eventTypes();
    List<String> ids = request.mcpServerIds();
    List<String> filtered = new ArrayList<>(2);
    StringBuilder json = new StringBuilder(256).append("{\"type\":\"subscribed\",\"event_types\":");
    EventJson.strings(json, types == null ? List.of() : types);
    json.append(",\"mcp_server_ids\":");
    EventJson.strings(json, ids == null ? List.of() : ids);
    if (types != null) {
      filtered.add("event_types");
    }
    if (ids != null) {
      filtered.add("mcp_server_ids");
    }
    json.append(",\"filtered\":");
    EventJson.strings(json, filtered);
    json.append(",\"from\":\"").append(from);
    json.append("\",\"resumed\":\"").append(resumed);
    json.append("\",\"first_available\":\"").append(first);
    json.append("\",\"last_available\":\"").append(last).append("\"}");
    return new Frame("subscribed", "", json.toString());
  }

  static Frame ping(String cursor) {
    return new Frame("ping", cursor, "{\"type\":\"ping\",\"cursor\":\"" + cursor + "\"}");
  }

  static Frame goaway(String cursor, long retryAfterMillis) {
    return new Frame(
        "goaway",
        cursor,
        "{\"type\":\"goaway\",\"cursor\":\""
            + cursor
            + "\",\"retry_after_ms\":"
            + retryAfterMillis
            + '}');
  }

  static Frame error(String code, String message) {
    StringBuilder json = new StringBuilder(128).append("{\"type\":\"error\",\"code\":");
    EventJson.string(json, code);
    json.append(",\"message\":");
    EventJson.string(json, message);
    return new Frame("error", "", json.append('}').toString());
  }
}
