package dev.sluice.rest;

import jakarta.json.JsonArray;
import jakarta.json.JsonNumber;
import jakarta.json.JsonObject;
import jakarta.json.JsonString;
import jakarta.json.JsonValue;
import java.math.BigDecimal;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * The JSON object in a request's body: the one way to read one. A resource method declares it as
 * its entity parameter, without a {@code Consumes} annotation: the type is checked with the rest.
 *
 * <p>By then type (415), size, deadline, encoding, depth, syntax and unique keys have been checked
 * (413, 408, 400 with line and column). A request without a body gives the empty object, so that
 * methods whose body is optional need no second case. Accessors throw {@link ApiException} 422 that
 * names the field and the expected type; JSON {@code null} counts as absent. Immutable.
 */
public final class JsonBody {

  /** No body at all. */
  static final JsonBody EMPTY = new JsonBody(JsonObject.EMPTY_JSON_OBJECT);

  private final JsonObject object;

  JsonBody(JsonObject object) {
    this.object = object;
  }

  /**
   * Reads an object from the whole content of {@code bytes}, with the rules for bodies but without
   * a request.
   *
   * @throws ApiException 400 with line and column, or 422 if it is not an object
   */
  public static JsonBody readObject(byte[] bytes) {
    return JsonText.object(bytes, bytes.length);
  }

  /** The object itself. */
  public JsonObject json() {
    return object;
  }

  /** Whether the field is there and not null. */
  public boolean has(String field) {
    return value(field) != null;
  }

  /** A required text that is not blank. */
  public String text(String field) {
    return optionalText(field).orElseThrow(() -> missing(field, "text"));
  }

  /** A text; empty when absent. A blank one is refused. */
  public Optional<String> optionalText(String field) {
    JsonValue value = value(field);
    if (value == null) {
      return Optional.empty();
    }
    String text = asText(field, value);
    if (text.isBlank()) {
      throw ApiException.invalid(field, "must not be blank");
    }
    return Optional.of(text);
  }

  /** A whole number in the bounds (both included); empty when absent. */
  public OptionalLong optionalWhole(String field, long min, long max) {
    JsonValue value = value(field);
    if (value == null) {
      return OptionalLong.empty();
    }
    if (!(value instanceof JsonNumber number)) {
      throw wrongType(field, "a whole number", value);
    }
    BigDecimal exact = number.bigDecimalValue();
    if (exact.compareTo(BigDecimal.valueOf(min)) < 0
        || exact.compareTo(BigDecimal.valueOf(max)) > 0) {
      throw ApiException.invalid(field, "must be from " + min + " to " + max);
    }
    // in the bounds of a long by now, so the digits are few and the expansion is cheap
    if (exact.scale() > 64 || exact.stripTrailingZeros().scale() > 0) {
      throw ApiException.invalid(field, "must be a whole number");
    }
    return OptionalLong.of(exact.longValueExact());
  }

  /** A number, with or without fraction, in the bounds; empty when absent. */
  public Optional<BigDecimal> optionalNumber(String field, long min, long max) {
    JsonValue value = value(field);
    if (value == null) {
      return Optional.empty();
    }
    if (!(value instanceof JsonNumber number)) {
      throw wrongType(field, "a number", value);
    }
    BigDecimal exact = number.bigDecimalValue();
    if (exact.compareTo(BigDecimal.valueOf(min)) < 0
        || exact.compareTo(BigDecimal.valueOf(max)) > 0) {
      throw ApiException.invalid(field, "must be from " + min + " to " + max);
    }
    return Optional.of(exact);
  }

  /** True or false; empty when absent. */
  public Optional<Boolean> optionalFlag(String field) {
    JsonValue value = value(field);
    if (value == null) {
      return Optional.empty();
    }
    return switch (value.getValueType()) {
      case TRUE -> Optional.of(Boolean.TRUE);
      case FALSE -> Optional.of(Boolean.FALSE);
      default -> throw wrongType(field, "true or false", value);
    };
  }

  /** An object; empty when absent. */
  public Optional<JsonObject> optionalObject(String field) {
    JsonValue value = value(field);
    if (value == null) {
      return Optional.empty();
    }
    if (!(value instanceof JsonObject inner)) {
      throw wrongType(field, "an object", value);
    }
    return Optional.of(inner);
  }

  /** An array of texts; the empty list when absent. */
  public List<String> texts(String field) {
    JsonValue value = value(field);
    if (value == null) {
      return List.of();
    }
    if (!(value instanceof JsonArray array)) {
      throw wrongType(field, "an array of texts", value);
    }
    List<String> texts = new ArrayList<>(array.size());
    for (int i = 0; i < array.size(); i++) {
      texts.add(asText(field + "[" + i + "]", array.get(i)));
    }
    return List.copyOf(texts);
  }

  /** An object of texts, in the order of the body; the empty map when absent. */
  public Map<String, String> textMap(String field) {
    Map<String, String> texts = new LinkedHashMap<>();
    optionalObject(field)
        .orElse(JsonObject.EMPTY_JSON_OBJECT)
        .forEach((key, value) -> texts.put(key, asText(field + "." + key, value)));
    return texts;
  }

  /** Refuses fields that are not known, so that a typing error is told and not ignored. */
  public JsonBody onlyFields(Set<String> known) {
    for (String field : object.keySet()) {
      if (!known.contains(field)) {
        throw ApiException.invalid(
            field,
            "is not known here; known fields are "
                + String.join(", ", known.stream().sorted().toList()));
      }
    }
    return this;
  }

  private @Nullable JsonValue value(String field) {
    JsonValue value = object.get(field);
    return value == null || value == JsonValue.NULL ? null : value;
  }

  private static String asText(String field, JsonValue value) {
    if (value instanceof JsonString text) {
      return text.getString();
    }
    throw wrongType(field, "a text", value);
  }

  private static ApiException missing(String field, String type) {
    return ApiException.invalid(field, "is required and must be a " + type);
  }

  private static ApiException wrongType(String field, String expected, JsonValue actual) {
    String found =
        switch (actual.getValueType()) {
          case ARRAY -> "an array";
          case OBJECT -> "an object";
          case STRING -> "a text";
          case NUMBER -> "a number";
          case TRUE, FALSE -> "true or false";
          case NULL -> "null";
        };
    return ApiException.invalid(field, "must be " + expected + ", was " + found);
  }
}
