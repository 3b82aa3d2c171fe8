package dev.sluice.rest;

import jakarta.json.Json;
import jakarta.json.JsonArrayBuilder;
import jakarta.json.JsonBuilderFactory;
import jakarta.json.JsonObject;
import jakarta.json.JsonObjectBuilder;
import jakarta.json.JsonValue;
import jakarta.json.stream.JsonLocation;
import jakarta.json.stream.JsonParser;
import jakarta.json.stream.JsonParserFactory;
import jakarta.json.stream.JsonParsingException;
import java.io.StringReader;
import java.nio.ByteBuffer;
import java.nio.CharBuffer;
import java.nio.charset.CoderResult;
import java.nio.charset.CodingErrorAction;
import java.nio.charset.StandardCharsets;
import java.util.HashSet;
import java.util.Map;
import java.util.NoSuchElementException;
import java.util.Optional;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * Strict reading of JSON text (RFC 8259): UTF-8, one object, bounded depth and numbers, each key
 * once. Every problem is 400 {@code malformed_json} with line and column.
 *
 * <p>The tree is built here and not by the JSON-P reader, because that takes the last of two equal
 * keys in silence, recurses as deep as the text does, and converts a number of any length.
 */
final class JsonText {

  /** Objects and arrays inside each other. */
  static final int MAX_DEPTH = 64;

  /** Characters of one number; longer ones cost time that grows with the square. */
  static final int MAX_NUMBER = 400;

  private static final JsonParserFactory PARSERS = Json.createParserFactory(Map.of());
  private static final JsonBuilderFactory JSON = Json.createBuilderFactory(Map.of());

  private JsonText() {}

  /** Reads the object in the first {@code length} bytes. */
  static JsonBody object(byte[] bytes, int length) {
    try (JsonParser parser = PARSERS.createParser(new StringReader(decode(bytes, length)))) {
      JsonParser.Event first = parser.next();
      if (first != JsonParser.Event.START_OBJECT) {
        throw ApiException.of(
            422, "validation_failed", "The body must be a JSON object, {…}; it is another value.");
      }
      JsonObject object = object(parser, 1);
      if (parser.hasNext()) {
        parser.next();
        throw malformed("There is more text after the object.", parser.getLocation());
      }
      return new JsonBody(object);
    } catch (JsonParsingException malformed) {
      throw malformed("The body is not JSON: " + brief(malformed), malformed.getLocation());
    } catch (NoSuchElementException ended) {
      throw malformed("The body is not JSON: it ends too early.", null);
    }
  }

  private static JsonObject object(JsonParser parser, int depth) {
    JsonObjectBuilder builder = JSON.createObjectBuilder();
    Set<String> keys = new HashSet<>();
    while (true) {
      JsonParser.Event event = parser.next();
      if (event == JsonParser.Event.END_OBJECT) {
        return builder.build();
      }
      String key = parser.getString();
      if (!keys.add(key)) {
        throw malformed(
            "The key \"" + abbreviate(key) + "\" is there twice.", parser.getLocation());
      }
      builder.add(key, value(parser, parser.next(), depth));
    }
  }

  private static JsonValue value(JsonParser parser, JsonParser.Event event, int depth) {
    return switch (event) {
      case START_OBJECT -> object(parser, deeper(parser, depth));
      case START_ARRAY -> {
        int inner = deeper(parser, depth);
        JsonArrayBuilder array = JSON.createArrayBuilder();
        for (JsonParser.Event next = parser.next();
            next != JsonParser.Event.END_ARRAY;
            next = parser.next()) {
          array.add(value(parser, next, inner));
        }
        yield array.build();
      }
      case VALUE_NUMBER -> number(parser);
      case VALUE_STRING, VALUE_TRUE, VALUE_FALSE, VALUE_NULL -> parser.getValue();
      case KEY_NAME, END_OBJECT, END_ARRAY ->
          throw malformed("The body is not JSON: a value is missing.", parser.getLocation());
    };
  }

  private static JsonValue number(JsonParser parser) {
    if (parser.getString().length() > MAX_NUMBER) {
      throw malformed(
          "A number is longer than " + MAX_NUMBER + " characters.", parser.getLocation());
    }
    try {
      return parser.getValue();
    } catch (NumberFormatException beyond) { // BigDecimal counts exponents in 32 bits
      throw malformed("The exponent of a number is out of range.", parser.getLocation());
    }
  }

  private static int deeper(JsonParser parser, int depth) {
    if (depth >= MAX_DEPTH) {
      throw malformed(
          "Objects and arrays are nested deeper than " + MAX_DEPTH + ".", parser.getLocation());
    }
    return depth + 1;
  }

  private static String decode(byte[] bytes, int length) {
    int start =
        length >= 3
                && (bytes[0] & 0xff) == 0xef
                && (bytes[1] & 0xff) == 0xbb
                && (bytes[2] & 0xff) == 0xbf
            ? 3 // a byte order mark, which RFC 8259 §8.1 lets a reader ignore
            : 0;
    ByteBuffer in = ByteBuffer.wrap(bytes, start, length - start);
    CharBuffer out = CharBuffer.allocate(length - start);
    CoderResult result =
        StandardCharsets.UTF_8
            .newDecoder()
            .onMalformedInput(CodingErrorAction.REPORT)
            .onUnmappableCharacter(CodingErrorAction.REPORT)
            .decode(in, out, true);
    out.flip();
    if (result.isError()) {
      throw malformed(
          "The body is not UTF-8: illegal byte at offset " + in.position() + ".", new At(out));
    }
    return out.toString();
  }

  private static String brief(JsonParsingException malformed) {
    String message = String.valueOf(malformed.getMessage());
    int place = message.indexOf("at (line no=");
    return abbreviate(place > 0 ? message.substring(0, place).trim() : message);
  }

  private static String abbreviate(String text) {
    return text.length() <= 120 ? text : text.substring(0, 120) + "…";
  }

  private static ApiException malformed(String problem, @Nullable JsonLocation at) {
    JsonObjectBuilder details = JSON.createObjectBuilder();
    String where = "";
    if (at != null && at.getLineNumber() > 0) {
      details.add("line", at.getLineNumber()).add("column", Math.max(1, at.getColumnNumber()));
      where =
          " (line " + at.getLineNumber() + ", column " + Math.max(1, at.getColumnNumber()) + ")";
    }
    return new ApiException(
        400, "malformed_json", problem + where, details.build(), Optional.empty());
  }

  /** The place right after some text. */
  private record At(CharBuffer before) implements JsonLocation {
    @Override
    public long getLineNumber() {
      return 1 + before.chars().filter(c -> c == '\n').count();
    }

    @Override
    public long getColumnNumber() {
      return (long) before.length() - before.toString().lastIndexOf('\n');
    }

    @Override
    public long getStreamOffset() {
      return before.length();
    }
  }
}
