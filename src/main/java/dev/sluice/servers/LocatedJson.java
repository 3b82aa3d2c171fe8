package dev.sluice.servers;

import jakarta.json.Json;
import jakarta.json.JsonArrayBuilder;
import jakarta.json.JsonException;
import jakarta.json.JsonObject;
import jakarta.json.JsonObjectBuilder;
import jakarta.json.JsonValue;
import jakarta.json.stream.JsonLocation;
import jakarta.json.stream.JsonParser;
import jakarta.json.stream.JsonParsingException;
import java.io.StringReader;
import java.nio.ByteBuffer;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.CodingErrorAction;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.NoSuchElementException;

/**
 * A JSON object together with the place of each of its values in the text, so that a message about
 * a value can say line and column.
 */
final class LocatedJson {

  /** Deeper documents are refused: a servers file needs five levels. */
  private static final int MAX_DEPTH = 32;

  /**
   * A place in a text.
   *
   * @param line from 1; 0 if unknown
   * @param column from 1; 0 if unknown
   */
  record Position(int line, int column) {
    static final Position UNKNOWN = new Position(0, 0);
  }

  private final JsonObject root;
  private final Map<String, Position> positions;
  private final List<String> duplicates;

  private LocatedJson(JsonObject root, Map<String, Position> positions, List<String> duplicates) {
    this.root = root;
    this.positions = positions;
    this.duplicates = duplicates;
  }

  /** A document that was parsed elsewhere: no positions. */
  static LocatedJson of(JsonObject root) {
    return new LocatedJson(root, Map.of(), List.of());
  }

  /**
   * Parses strict UTF-8 JSON (a byte order mark is skipped).
   *
   * @throws InvalidDefinition with the place of the first thing that is wrong
   */
  static LocatedJson parse(byte[] bytes) throws InvalidDefinition {
    String text = decode(bytes);
    if (text.startsWith("\uFEFF")) {
      text = text.substring(1);
    }
    Map<String, Position> positions = new HashMap<>();
    List<String> duplicates = new ArrayList<>();
    try (JsonParser parser = Json.createParser(new StringReader(text))) {
      if (!parser.hasNext() || parser.next() != JsonParser.Event.START_OBJECT) {
        throw new InvalidDefinition("syntax", "the document must be one JSON object", at(parser));
      }
      JsonObject root = object(parser, "", 0, positions, duplicates);
      if (parser.hasNext()) {
        parser.next();
        throw new InvalidDefinition("syntax", "text after the end of the object", at(parser));
      }
      return new LocatedJson(root, positions, duplicates);
    } catch (JsonParsingException broken) {
      throw new InvalidDefinition(
          "syntax", "not valid JSON: " + firstLine(broken), position(broken.getLocation()));
    } catch (JsonException | NoSuchElementException broken) {
      throw new InvalidDefinition(
          "syntax", "not valid JSON: " + firstLine(broken), Position.UNKNOWN);
    }
  }

  private static String decode(byte[] bytes) throws InvalidDefinition {
    ByteBuffer in = ByteBuffer.wrap(bytes);
    try {
      return StandardCharsets.UTF_8
          .newDecoder()
          .onMalformedInput(CodingErrorAction.REPORT)
          .onUnmappableCharacter(CodingErrorAction.REPORT)
          .decode(in)
          .toString();
    } catch (CharacterCodingException notUtf8) {
      int line = 1;
      int column = 1;
      for (int i = 0; i < in.position(); i++) {
        if (bytes[i] == '\n') {
          line++;
          column = 1;
        } else {
          column++;
        }
      }
      throw new InvalidDefinition(
          "encoding", "the file is not valid UTF-8", new Position(line, column));
    }
  }

  private static JsonObject object(
      JsonParser parser,
      String pointer,
      int depth,
      Map<String, Position> positions,
      List<String> duplicates)
      throws InvalidDefinition {
    checkDepth(parser, depth);
    JsonObjectBuilder builder = Json.createObjectBuilder();
    while (parser.next() != JsonParser.Event.END_OBJECT) {
      String key = parser.getString();
      String child = pointer + "/" + key;
      if (positions.put(child, at(parser)) != null) {
        duplicates.add(child);
      }
      builder.add(key, value(parser, parser.next(), child, depth + 1, positions, duplicates));
    }
    return builder.build();
  }

  private static JsonValue value(
      JsonParser parser,
      JsonParser.Event event,
      String pointer,
      int depth,
      Map<String, Position> positions,
      List<String> duplicates)
      throws InvalidDefinition {
    if (event == JsonParser.Event.START_OBJECT) {
      return object(parser, pointer, depth, positions, duplicates);
    }
    if (event == JsonParser.Event.START_ARRAY) {
      checkDepth(parser, depth);
      JsonArrayBuilder array = Json.createArrayBuilder();
      int index = 0;
      for (JsonParser.Event e = parser.next(); e != JsonParser.Event.END_ARRAY; e = parser.next()) {
        String child = pointer + "/" + index++;
        positions.put(child, at(parser));
        array.add(value(parser, e, child, depth + 1, positions, duplicates));
      }
      return array.build();
    }
    return event == JsonParser.Event.VALUE_NUMBER ? number(parser) : parser.getValue();
  }

  /** JSON-P has limits of its own for numbers, and says so by exceptions of no kind of its own. */
  private static JsonValue number(JsonParser parser) throws InvalidDefinition {
    try {
      return parser.getValue();
    } catch (NumberFormatException | UnsupportedOperationException beyond) {
      throw new InvalidDefinition(
          "syntax", "a number is too long or its exponent out of range", at(parser));
    }
  }

  private static void checkDepth(JsonParser parser, int depth) throws InvalidDefinition {
    if (depth > MAX_DEPTH) {
      throw new InvalidDefinition(
          "syntax", "nested deeper than " + MAX_DEPTH + " levels", at(parser));
    }
  }

  private static String firstLine(Exception e) {
    String message = e.getMessage();
    return message == null ? e.getClass().getSimpleName() : message.lines().findFirst().orElse("");
  }

  private static Position at(JsonParser parser) {
    return position(parser.getLocation());
  }

  private static Position position(JsonLocation location) {
    return new Position(
        (int) Math.max(0, location.getLineNumber()), (int) Math.max(0, location.getColumnNumber()));
  }

  JsonObject root() {
    return root;
  }

  /** Keys that occur twice in one object, as pointers; the later one counts. */
  List<String> duplicates() {
    return duplicates;
  }

  /** Where the value is; the nearest enclosing value that has a place otherwise. */
  Position position(String pointer) {
    String at = pointer;
    while (!at.isEmpty()) {
      Position position = positions.get(at);
      if (position != null) {
        return position;
      }
      at = at.substring(0, at.lastIndexOf('/'));
    }
    return Position.UNKNOWN;
  }
}
