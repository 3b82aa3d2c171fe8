package dev.sluice.servers.upstream;

import jakarta.json.JsonObject;
import jakarta.json.JsonReader;
import jakarta.json.JsonValue;
import jakarta.json.spi.JsonProvider;
import java.io.StringReader;
import org.jspecify.annotations.Nullable;

/**
 * Reads a part of a message that the hub looks at on its way by. The message goes on whatever comes
 * of it, so what cannot be read is nothing, not a failure. Any thread may call.
 */
public final class PeerJson {

  private static final JsonProvider JSON = JsonProvider.provider();

  private PeerJson() {}

  /** The object in this text; null if there is none, or none that JSON-P can hold. */
  public static @Nullable JsonObject object(@Nullable String json) {
    if (json == null) {
      return null;
    }
    try (JsonReader reader = JSON.createReader(new StringReader(json))) {
      JsonValue value = reader.readValue();
      return value instanceof JsonObject object ? object : null;
    } catch (RuntimeException unreadable) {
      // Not a JsonException alone: numbers beyond the limits of JSON-P, or of BigDecimal, are legal
      // JSON and make it throw NumberFormatException, ArithmeticException and others.
      return null;
    }
  }
}
