package dev.sluice.servers;

import dev.sluice.events.RawJson;
import dev.sluice.servers.upstream.Secrets;
import jakarta.json.JsonArray;
import jakarta.json.JsonArrayBuilder;
import jakarta.json.JsonObject;
import jakarta.json.JsonObjectBuilder;
import jakarta.json.JsonValue;
import jakarta.json.spi.JsonProvider;
import java.util.ArrayList;
import java.util.List;

/** Hides values whose names say that they are secrets, before they get into events or answers. */
final class SecretMask {

  /** What stands in place of a secret. */
  static final String MASK = Secrets.MASK;

  /** Arguments whose masked text is longer, in characters, are replaced by a marker. */
  static final int MAX_ARGUMENTS = 16 * 1024;

  /** Held, because finding it looks through the class path, and {@code Json} does so each time. */
  private static final JsonProvider JSON = JsonProvider.provider();

  private SecretMask() {}

  /** The value with every secret at any depth replaced. */
  static JsonValue mask(JsonValue value) {
    if (value instanceof JsonObject object) {
      JsonObjectBuilder out = JSON.createObjectBuilder();
      object.forEach(
          (k, v) -> {
            if (Secrets.named(k) && v != JsonValue.NULL) {
              out.add(k, MASK);
            } else {
              out.add(k, mask(v));
            }
          });
      return out.build();
    }
    if (value instanceof JsonArray array) {
      JsonArrayBuilder out = JSON.createArrayBuilder();
      array.forEach(v -> out.add(mask(v)));
      return out.build();
    }
    return value;
  }

  /** Tool arguments as an event carries them: masked, and a marker with the size if too long. */
  static RawJson arguments(JsonObject arguments) {
    String text = mask(arguments).toString();
    if (text.length() <= MAX_ARGUMENTS) {
      return new RawJson(text);
    }
    return new RawJson(
        JSON.createObjectBuilder()
            .add("_omitted", "arguments too large for an event")
            .add("_size_chars", text.length())
            .build()
            .toString());
  }

  /** Command arguments with the values of secret options replaced. */
  static List<String> commandLine(List<String> args) {
    List<String> out = new ArrayList<>(args.size());
    boolean hide = false;
    for (String arg : args) {
      int equals = arg.indexOf('=');
      if (hide && !arg.startsWith("-")) {
        out.add(MASK);
        hide = false;
      } else if (equals > 0 && Secrets.named(arg.substring(0, equals))) {
        out.add(arg.substring(0, equals + 1) + MASK);
        hide = false;
      } else {
        out.add(arg);
        hide = arg.startsWith("-") && equals < 0 && Secrets.named(arg);
      }
    }
    return out;
  }
}
