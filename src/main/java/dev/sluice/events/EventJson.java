package dev.sluice.events;

import java.lang.invoke.MethodHandle;
import java.lang.invoke.MethodHandles;
import java.lang.invoke.MethodType;
import java.lang.reflect.RecordComponent;
import java.time.Instant;
import java.time.ZoneOffset;
import java.time.format.DateTimeFormatter;
import java.util.List;
import java.util.Locale;
import org.jspecify.annotations.Nullable;

/**
 * Writes events as JSON, once each: {@code event_type}, the record's components in snake case, then
 * time, id and producer.
 *
 * <p>The record's shape is looked up once per class. Any thread may call.
 */
final class EventJson {

  private record Field(String prefix, MethodHandle accessor) {}

  private record Shape(String opening, List<Field> fields) {}

  private static final ClassValue<Shape> SHAPES =
      new ClassValue<>() {
        @Override
        protected Shape computeValue(Class<?> type) {
          return shapeOf(type);
        }
      };

  private static final DateTimeFormatter SECONDS =
      DateTimeFormatter.ofPattern("uuuu-MM-dd'T'HH:mm:ss.", Locale.ROOT).withZone(ZoneOffset.UTC);
  private static final char[] HEX = "0123456789abcdef".toCharArray();

  private record Second(long epochSecond, String text) {}

  /** The second that was formatted last: thousands of events share it. */
  private static volatile Second lastSecond = new Second(0, SECONDS.format(Instant.EPOCH));

  private EventJson() {}

  /** Everything before the time: an unclosed object. */
  static StringBuilder body(DomainEvent event) {
    Shape shape = SHAPES.get(event.getClass());
    StringBuilder out = new StringBuilder(320);
    out.append(shape.opening);
    for (Field field : shape.fields) {
      out.append(field.prefix);
      value(out, read(field.accessor, event));
    }
    return out;
  }

  /** Closes a body with what the journal knows; {@code micros} are microseconds since 1970. */
  static String finish(StringBuilder body, long micros, String id, String producedBy) {
    long second = Math.floorDiv(micros, 1_000_000L);
    long fraction = Math.floorMod(micros, 1_000_000L);
    body.append(",\"timestamp\":\"").append(secondText(second));
    sixDigits(body, fraction);
    body.append("Z\",\"event_id\":\"").append(id).append("\",\"occurred_at\":").append(second);
    body.append('.');
    sixDigits(body, fraction);
    return body.append(",\"produced_by\":\"").append(producedBy).append("\"}").toString();
  }

  /** The length in UTF-8 of what {@link #string} wrote: lone surrogates do not occur in it. */
  static int utf8Length(CharSequence text) {
    int bytes = text.length();
    for (int i = 0; i < text.length(); i++) {
      char c = text.charAt(i);
      if (c >= 0x80) {
        bytes += c < 0x800 || Character.isSurrogate(c) ? 1 : 2;
      }
    }
    return bytes;
  }

  /** Appends a quoted, escaped string. */
  static void string(StringBuilder out, String text) {
    out.append('"');
    int copied = 0;
    int length = text.length();
    for (int i = 0; i < length; i++) {
      char c = text.charAt(i);
      if (c >= ' ' && c != '"' && c != '\\' && c != 0x7f && !Character.isSurrogate(c)) {
        continue;
      }
      if (Character.isHighSurrogate(c)
          && i + 1 < length
          && Character.isLowSurrogate(text.charAt(i + 1))) {
        i++;
        continue;
      }
      out.append(text, copied, i);
      escape(out, c);
      copied = i + 1;
    }
    out.append(text, copied, length).append('"');
  }

  /** Appends an array of strings. */
  static void strings(StringBuilder out, List<?> texts) {
    out.append('[');
    String separator = "";
    for (Object text : texts) {
      out.append(separator);
      value(out, text);
      separator = ",";
    }
    out.append(']');
  }

  /** {@code mcpServerId} becomes {@code mcp_server_id}. */
  static String snake(String camel) {
    StringBuilder out = new StringBuilder(camel.length() + 8);
    for (int i = 0; i < camel.length(); i++) {
      char c = camel.charAt(i);
      if (Character.isUpperCase(c)) {
        out.append('_').append(Character.toLowerCase(c));
      } else {
        out.append(c);
      }
    }
    return out.toString();
  }

  private static void escape(StringBuilder out, char c) {
    switch (c) {
      case '"' -> out.append("\\\"");
      case '\\' -> out.append("\\\\");
      case '\n' -> out.append("\\n");
      case '\r' -> out.append("\\r");
      case '\t' -> out.append("\\t");
      case '\b' -> out.append("\\b");
      case '\f' -> out.append("\\f");
      default ->
          out.append("\\u")
              .append(HEX[c >> 12])
              .append(HEX[(c >> 8) & 0xf])
              .append(HEX[(c >> 4) & 0xf])
              .append(HEX[c & 0xf]);
    }
  }

  private static void value(StringBuilder out, @Nullable Object value) {
    if (value == null) {
      out.append("null");
    } else if (value instanceof String text) {
      string(out, text);
    } else if (value instanceof Double number) {
      // JSON has no NaN and no infinity.
      out.append(Double.isFinite(number) ? number.toString() : "null");
    } else if (value instanceof List<?> list) {
      strings(out, list);
    } else if (value instanceof RawJson raw) {
      raw(out, raw.text());
    } else {
      out.append(value);
    }
  }

  /** Line ends in valid JSON are white space only; a frame is one line. */
  private static void raw(StringBuilder out, String json) {
    for (int i = 0; i < json.length(); i++) {
      char c = json.charAt(i);
      if (c < ' ') {
        out.append(' ');
      } else if (Character.isSurrogate(c)
          && !(Character.isHighSurrogate(c)
              && i + 1 < json.length()
              && Character.isLowSurrogate(json.charAt(i + 1)))) {
        escape(out, c);
      } else {
        out.append(c);
        if (Character.isHighSurrogate(c)) {
          out.append(json.charAt(++i));
        }
      }
    }
  }

  private static void sixDigits(StringBuilder out, long fraction) {
    for (long power = 100_000; power > 0; power /= 10) {
      out.append((char) ('0' + fraction / power % 10));
    }
  }

  private static String secondText(long epochSecond) {
    Second cached = lastSecond;
    if (cached.epochSecond != epochSecond) {
      cached = new Second(epochSecond, SECONDS.format(Instant.ofEpochSecond(epochSecond)));
      lastSecond = cached;
    }
    return cached.text;
  }

  private static @Nullable Object read(MethodHandle accessor, DomainEvent event) {
    try {
      return (Object) accessor.invokeExact(event);
    } catch (RuntimeException | Error failure) {
      throw failure;
    } catch (Throwable checked) {
      throw new IllegalStateException("a record's accessor failed", checked);
    }
  }

  private static Shape shapeOf(Class<?> type) {
    RecordComponent[] components = type.getRecordComponents();
    Field[] fields = new Field[components.length];
    for (int i = 0; i < components.length; i++) {
      try {
        MethodHandle accessor =
            MethodHandles.lookup()
                .unreflect(components[i].getAccessor())
                .asType(MethodType.methodType(Object.class, DomainEvent.class));
        fields[i] = new Field(",\"" + snake(components[i].getName()) + "\":", accessor);
      } catch (IllegalAccessException hidden) {
        throw new IllegalStateException(type + " must be readable", hidden);
      }
    }
    return new Shape("{\"event_type\":\"" + type.getSimpleName() + "\"", List.of(fields));
  }
}
