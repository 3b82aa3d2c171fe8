package dev.sluice.servers;

import dev.sluice.settings.NearestName;
import jakarta.json.JsonArray;
import jakarta.json.JsonNumber;
import jakarta.json.JsonObject;
import jakarta.json.JsonString;
import jakarta.json.JsonValue;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.function.Function;

/**
 * Reads the keys of one JSON object with their types and bounds, and remembers which keys were
 * asked for, so that those nobody asked for can be reported.
 */
final class Fields {

  /** The longest text a value may have, in characters. */
  static final int MAX_TEXT = 16 * 1024;

  /** The longest list or map. */
  static final int MAX_ENTRIES = 1000;

  private final LocatedJson document;
  private final String pointer;
  private final String label;
  private final JsonObject object;
  private final Set<String> known = new LinkedHashSet<>();

  /**
   * Reads {@code object}.
   *
   * @param pointer where it is in the document
   * @param label how messages name it, for example {@code server "math"}
   */
  Fields(LocatedJson document, String pointer, String label, JsonObject object) {
    this.document = document;
    this.pointer = pointer;
    this.label = label;
    this.object = object;
  }

  /** The first of the names that is present and not null. */
  private Optional<String> present(String... names) {
    known.addAll(List.of(names));
    for (String name : names) {
      JsonValue value = object.get(name);
      if (value != null && value != JsonValue.NULL) {
        return Optional.of(name);
      }
    }
    return Optional.empty();
  }

  private JsonValue get(String name) {
    return object.getOrDefault(name, JsonValue.NULL);
  }

  boolean has(String... names) {
    return present(names).isPresent();
  }

  boolean isArray(String name) {
    return get(name) instanceof JsonArray;
  }

  Optional<String> text(String... names) throws InvalidDefinition {
    Optional<String> name = present(names);
    return name.isEmpty()
        ? Optional.empty()
        : Optional.of(
            string(name.get(), pointer + "/" + name.get(), get(name.get()), Fields::shown));
  }

  private String string(
      String name, String at, JsonValue value, Function<JsonValue, String> described)
      throws InvalidDefinition {
    if (!(value instanceof JsonString text)) {
      throw invalid(name, "must be a text, was " + described.apply(value), at);
    }
    if (text.getString().length() > MAX_TEXT) {
      throw invalid(
          name,
          "must have at most " + MAX_TEXT + " characters, had " + text.getString().length(),
          at);
    }
    if (text.getString().indexOf('\0') >= 0) {
      throw invalid(name, "must not contain the NUL character", at);
    }
    return text.getString();
  }

  boolean flag(boolean fallback, String... names) throws InvalidDefinition {
    Optional<String> name = present(names);
    if (name.isEmpty()) {
      return fallback;
    }
    JsonValue value = get(name.get());
    if (value != JsonValue.TRUE && value != JsonValue.FALSE) {
      throw invalid(name.get(), "must be true or false, was " + shown(value));
    }
    return value == JsonValue.TRUE;
  }

  int number(int fallback, int min, int max, String... names) throws InvalidDefinition {
    Optional<String> name = present(names);
    if (name.isEmpty()) {
      return fallback;
    }
    JsonValue value = get(name.get());
    String range = "must be a whole number from " + min + " to " + max + ", was ";
    if (!(value instanceof JsonNumber number) || !number.isIntegral()) {
      throw invalid(name.get(), range + shown(value));
    }
    if (number.bigIntegerValue().bitLength() > 31
        || number.longValue() < min
        || number.longValue() > max) {
      throw invalid(name.get(), range + shown(value));
    }
    return number.intValue();
  }

  List<String> texts(String name) throws InvalidDefinition {
    if (!has(name)) {
      return List.of();
    }
    if (!(get(name) instanceof JsonArray array)) {
      throw invalid(name, "must be a list of texts, was " + kind(get(name)));
    }
    checkSize(name, array.size());
    List<String> out = new ArrayList<>(array.size());
    for (int i = 0; i < array.size(); i++) {
      out.add(
          string(name + "[" + i + "]", pointer + "/" + name + "/" + i, array.get(i), Fields::kind));
    }
    return List.copyOf(out);
  }

  Map<String, String> textMap(String name) throws InvalidDefinition {
    Map<String, String> out = new LinkedHashMap<>();
    if (!has(name)) {
      return out;
    }
    if (!(get(name) instanceof JsonObject map)) {
      throw invalid(name, "must be an object of texts, was " + kind(get(name)));
    }
    checkSize(name, map.size());
    for (Map.Entry<String, JsonValue> entry : map.entrySet()) {
      String field = name + "." + entry.getKey();
      if (entry.getKey().isEmpty() || entry.getKey().indexOf('\0') >= 0) {
        throw invalid(name, "has an empty or illegal name");
      }
      out.put(
          entry.getKey(),
          string(
              field, pointer + "/" + name + "/" + entry.getKey(), entry.getValue(), Fields::kind));
    }
    return out;
  }

  /** An object inside this one; empty when absent. */
  Optional<Fields> object(String... names) throws InvalidDefinition {
    Optional<String> name = present(names);
    if (name.isEmpty()) {
      return Optional.empty();
    }
    if (!(get(name.get()) instanceof JsonObject inner)) {
      throw invalid(name.get(), "must be an object, was " + shown(get(name.get())));
    }
    return Optional.of(
        new Fields(
            document, pointer + "/" + name.get(), label + ", \"" + name.get() + "\"", inner));
  }

  /** The objects of a list. */
  List<Fields> objects(String name, int most) throws InvalidDefinition {
    if (!has(name)) {
      return List.of();
    }
    if (!(get(name) instanceof JsonArray array)) {
      throw invalid(name, "must be a list of objects, was " + shown(get(name)));
    }
    if (array.size() > most) {
      throw invalid(name, "must have at most " + most + " entries, had " + array.size());
    }
    List<Fields> out = new ArrayList<>();
    for (int i = 0; i < array.size(); i++) {
      String at = pointer + "/" + name + "/" + i;
      if (!(array.get(i) instanceof JsonObject inner)) {
        throw invalid(name + "[" + i + "]", "must be an object, was " + shown(array.get(i)), at);
      }
      out.add(new Fields(document, at, label + ", \"" + name + "[" + i + "]\"", inner));
    }
    return out;
  }

  /** The names of the members, in file order. */
  Set<String> names() {
    return object.keySet();
  }

  /** A member that must be an object. */
  Fields member(String name, String memberLabel) throws InvalidDefinition {
    known.add(name);
    if (!(get(name) instanceof JsonObject inner)) {
      throw invalid(name, "must be an object, was " + shown(get(name)));
    }
    return new Fields(document, pointer + "/" + name, memberLabel, inner);
  }

  private void checkSize(String name, int size) throws InvalidDefinition {
    if (size > MAX_ENTRIES) {
      throw invalid(name, "must have at most " + MAX_ENTRIES + " entries, had " + size);
    }
  }

  InvalidDefinition invalid(String name, String problem) {
    return invalid(name, problem, pointer + "/" + name);
  }

  private InvalidDefinition invalid(String name, String problem, String at) {
    return new InvalidDefinition(
        "value",
        (label.isEmpty() ? "" : label + ": ") + "\"" + name + "\" " + problem,
        document.position(at),
        at.startsWith("/") ? at.substring(1) : at);
  }

  /** The keys that nobody asked for. */
  List<String> unknownKeys() {
    return object.keySet().stream().filter(name -> !known.contains(name)).toList();
  }

  /** One message for each key that nobody asked for. */
  List<String> unknown() {
    List<String> out = new ArrayList<>();
    for (String name : object.keySet()) {
      if (!known.contains(name)) {
        LocatedJson.Position position = document.position(pointer + "/" + name);
        out.add(
            (label.isEmpty() ? "" : label + ": ")
                + "unknown key \""
                + name
                + "\""
                + NearestName.hint(name, known)
                + (position.line() == 0
                    ? ""
                    : " (line " + position.line() + ", column " + position.column() + ")"));
      }
    }
    return out;
  }

  /** What it is without what it says: arguments, environment and headers may hold secrets. */
  private static String kind(JsonValue value) {
    return switch (value.getValueType()) {
      case OBJECT -> "an object";
      case ARRAY -> "a list";
      case STRING -> "a text";
      case NUMBER -> "a number";
      case TRUE, FALSE -> "true or false";
      case NULL -> "null";
    };
  }

  private static String shown(JsonValue value) {
    String text = value.toString();
    return switch (value.getValueType()) {
      case OBJECT, ARRAY -> kind(value);
      default -> text.length() <= 60 ? text : text.substring(0, 60) + "…";
    };
  }
}
