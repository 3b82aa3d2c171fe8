package dev.sluice.servers;

import dev.sluice.events.RawJson;
import dev.sluice.servers.upstream.Secrets;
import jakarta.json.JsonObject;
import jakarta.json.JsonReader;
import jakarta.json.spi.JsonProvider;
import java.io.StringReader;

/**
 * Takes the arguments of a tool call, as an event carries them, out of the text of its {@code
 * params}. Every relayed call needs that, so text without secrets is copied, not read; with one in
 * it, or with a name that holds an escape, it is read and {@link SecretMask} does its work.
 */
final class ArgumentText {

  private static final JsonProvider JSON = JsonProvider.provider();
  private static final RawJson NONE = new RawJson("{}");

  private final String json;
  private final StringBuilder out;

  /** Whether it has to be read. */
  private boolean read;

  private boolean seen;
  private boolean found;

  private ArgumentText(String json) {
    this.json = json;
    this.out = new StringBuilder(json.length());
  }

  /**
   * The masked arguments on one line; an empty object if there are none.
   *
   * @param params JSON that was checked before
   */
  static RawJson of(String params) {
    ArgumentText text = new ArgumentText(params);
    text.look();
    if (text.read || text.out.length() > SecretMask.MAX_ARGUMENTS) {
      return parsed(params);
    }
    return text.found ? new RawJson(text.out.toString()) : NONE;
  }

  private static RawJson parsed(String params) {
    try (JsonReader reader = JSON.createReader(new StringReader(params))) {
      return reader.readValue() instanceof JsonObject object
              && object.get("arguments") instanceof JsonObject arguments
          ? SecretMask.arguments(arguments)
          : NONE;
    }
  }

  /** One pass: finds {@code arguments}, copies it without blanks and looks at the names in it. */
  private void look() {
    int depth = 0;
    int inside = 0; // the depth at which the arguments are open, 0 outside of them
    int at = 0;
    while (at < json.length() && !read) {
      char one = json.charAt(at);
      if (one == '"') {
        int end = string(at);
        int next = blanks(end);
        boolean name = next < json.length() && json.charAt(next) == ':';
        if (name && (depth == 1 || inside > 0)) {
          String text = json.substring(at + 1, end - 1);
          read |= text.indexOf('\\') >= 0 || (inside > 0 && Secrets.named(text));
          int value = blanks(next + 1);
          if (inside == 0 && text.equals("arguments")) {
            read |= seen; // twice: the reader decides which
            seen = true;
            found = json.charAt(value) == '{';
            inside = found ? 2 : 0;
            at = value;
            continue;
          }
        }
        copy(inside, at, end);
        at = end;
        continue;
      }
      if (one == '{' || one == '[') {
        depth++;
      } else if (one == '}' || one == ']') {
        depth--;
      }
      if (one > ' ') {
        copy(inside, at, at + 1);
      }
      at++;
      if (inside > 0 && depth < inside) {
        inside = 0;
      }
    }
  }

  private void copy(int inside, int from, int to) {
    if (inside > 0) {
      out.append(json, from, to);
    }
  }

  private int blanks(int from) {
    int at = from;
    while (at < json.length() && json.charAt(at) <= ' ') {
      at++;
    }
    return at;
  }

  /** Behind the closing quote of the string that begins here. */
  private int string(int from) {
    int at = from + 1;
    while (json.charAt(at) != '"') {
      at += json.charAt(at) == '\\' ? 2 : 1;
    }
    return at + 1;
  }
}
