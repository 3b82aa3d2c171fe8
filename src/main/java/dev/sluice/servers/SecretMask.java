package dev.sluice.servers;

import dev.sluice.events.RawJson;
import dev.sluice.servers.upstream.Secrets;
import jakarta.json.Json;
import jakarta.json.JsonArray;
import jakarta.json.JsonArrayBuilder;
import jakarta.json.JsonObject;
import jakarta.json.JsonObjectBuilder;
import jakarta.json.JsonValue;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Set;
import java.util.regex.Pattern;

/** Hides values whose names say that they are secrets, before they get into events or answers. */
final class SecretMask {

  /** What stands in place of a secret. */
  static final String MASK = Secrets.MASK;

  /** Arguments whose masked text is longer, in characters, are replaced by a marker. */
  static final int MAX_ARGUMENTS = 16 * 1024;

  private static final Set<String> WORDS =
      Set.of(
          "password",
          "passwd",
          "pwd",
          "passphrase",
          "token",
          "secret",
          "secrets",
          "credential",
          "credentials",
          "authorization",
          "cookie",
          "apikey",
          "jwt",
          "bearer");
  private static final List<String> PARTS =
      List.of(
          "password",
          "passwd",
          "passphrase",
          "secret",
          "apikey",
          "accesskey",
          "privatekey",
          "authtoken",
          "accesstoken",
          "refreshtoken",
          "credential",
          "authorization");
  private static final Pattern BOUNDARY = Pattern.compile("(?<=[a-z0-9])(?=[A-Z])|[^A-Za-z0-9]+");
  private static final Pattern NO_LETTER = Pattern.compile("[^a-z0-9]");

  private SecretMask() {}

  /** Whether a name says that its value is a secret: {@code api_key}, {@code accessToken}, … */
  static boolean secret(String name) {
    for (String word : BOUNDARY.split(name, -1)) {
      if (WORDS.contains(word.toLowerCase(Locale.ROOT))) {
        return true;
      }
    }
    String plain = NO_LETTER.matcher(name.toLowerCase(Locale.ROOT)).replaceAll("");
    return PARTS.stream().anyMatch(plain::contains);
  }

  /** The value with every secret at any depth replaced. */
  static JsonValue mask(JsonValue value) {
    if (value instanceof JsonObject object) {
      JsonObjectBuilder out = Json.createObjectBuilder();
      object.forEach(
          (k, v) -> {
            if (secret(k) && v != JsonValue.NULL) {
              out.add(k, MASK);
            } else {
              out.add(k, mask(v));
            }
          });
      return out.build();
    }
    if (value instanceof JsonArray array) {
      JsonArrayBuilder out = Json.createArrayBuilder();
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
        Json.createObjectBuilder()
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
      } else if (equals > 0 && secret(arg.substring(0, equals))) {
        out.add(arg.substring(0, equals + 1) + MASK);
        hide = false;
      } else {
        out.add(arg);
        hide = arg.startsWith("-") && equals < 0 && secret(arg);
      }
    }
    return out;
  }
}
