package dev.sluice.jsonrpc;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;

import dev.sluice.jsonrpc.Envelope.Part;
import jakarta.json.Json;
import jakarta.json.JsonException;
import jakarta.json.JsonObject;
import jakarta.json.JsonReader;
import jakarta.json.JsonValue;
import jakarta.json.stream.JsonParser;
import java.io.StringReader;
import java.nio.ByteBuffer;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.CodingErrorAction;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import org.junit.jupiter.api.Test;

/** The scanner against a full parser: the same verdict on every document, the same parts. */
class EnvelopeFuzzTest {

  private static final int DOCUMENTS = 10_000;

  private final Random random = new Random(20261120L);

  @Test
  void judgesMutatedDocumentsAsAFullParserDoes() {
    int refused = 0;
    for (int i = 0; i < DOCUMENTS; i++) {
      byte[] document = message().getBytes(UTF_8);
      int mutations = random.nextInt(4);
      for (int m = 0; m < mutations; m++) {
        document = mutate(document);
      }
      boolean json = isJson(document);
      String verdict = verdict(document);
      assertThat(verdict.startsWith("-32700"))
          .as("%s%n%s", verdict, new String(document, UTF_8))
          .isEqualTo(!json);
      refused += json ? 0 : 1;
    }
    assertThat(refused).isBetween(DOCUMENTS / 10, DOCUMENTS * 9 / 10);
  }

  @Test
  void findsTheSamePartsAsAFullParser() throws Exception {
    for (int i = 0; i < DOCUMENTS; i++) {
      String text = message();
      Envelope envelope = Envelope.read(text.getBytes(UTF_8));
      JsonObject full = Json.createReader(new StringReader(text)).readObject();
      assertSame(full, "id", envelope, Part.ID);
      assertSame(full, "method", envelope, Part.METHOD);
      assertSame(full, "params", envelope, Part.PARAMS);
      assertSame(full, "result", envelope, Part.RESULT);
      assertSame(full, "error", envelope, Part.ERROR);
      if (full.get("params") instanceof JsonObject params) {
        assertSame(params, "progressToken", envelope, Part.PROGRESS_TOKEN);
        assertSame(params, "requestId", envelope, Part.REQUEST_ID);
        assertSame(params, "protocolVersion", envelope, Part.PROTOCOL_VERSION);
        assertSame(params, "name", envelope, Part.NAME);
        assertSame(params, "uri", envelope, Part.URI);
        if (params.get("_meta") instanceof JsonObject meta) {
          assertSame(meta, "progressToken", envelope, Part.META_PROGRESS_TOKEN);
        }
      }
    }
  }

  @Test
  void splicingTheIdChangesNothingElse() throws Exception {
    for (int i = 0; i < DOCUMENTS; i++) {
      byte[] document = message().getBytes(UTF_8);
      Envelope envelope = Envelope.read(document);
      if (!envelope.has(Part.ID)) {
        continue;
      }
      byte[] id = envelope.json(Part.ID).getBytes(UTF_8);
      byte[] there = envelope.splice(Map.of(Part.ID, "\"other\"".getBytes(UTF_8)));
      assertThat(Envelope.read(there).idText()).isEqualTo("\"other\"");
      assertThat(Envelope.read(there).splice(Map.of(Part.ID, id))).isEqualTo(document);
    }
  }

  @Test
  void aMessageWithOtherPartsIsTheOneThatReadingItAgainWouldGive() throws Exception {
    for (int i = 0; i < DOCUMENTS; i++) {
      byte[] document = (" ".repeat(i % 3) + message()).getBytes(UTF_8);
      Envelope envelope = Envelope.read(document, i % 3, document.length);
      Map<Part, byte[]> parts = new HashMap<>();
      for (Part part : List.of(Part.ID, Part.META_PROGRESS_TOKEN)) {
        String json = envelope.json(part);
        if (json != null && "\"-0123456789".indexOf(json.charAt(0)) >= 0) {
          parts.put(part, (i % 2 == 0 ? "1" : "\"much longer than before\"").getBytes(UTF_8));
        }
      }
      Envelope with = envelope.with(parts);
      Envelope again = Envelope.read(envelope.splice(parts));
      assertThat(with.bytes()).isEqualTo(again.bytes());
      assertThat(with.kind()).isEqualTo(again.kind());
      for (Part part : Part.values()) {
        assertThat(with.start(part)).as(part.name()).isEqualTo(again.start(part));
        assertThat(with.end(part)).as(part.name()).isEqualTo(again.end(part));
      }
    }
  }

  private static void assertSame(JsonObject full, String name, Envelope envelope, Part part) {
    JsonValue expected = full.get(name);
    assertThat(envelope.has(part)).as(name).isEqualTo(expected != null);
    if (expected != null) {
      try (JsonReader reader = Json.createReader(new StringReader(envelope.json(part)))) {
        assertThat(reader.readValue()).isEqualTo(expected);
      }
    }
  }

  private static String verdict(byte[] document) {
    try {
      Envelope.read(document);
      return "message";
    } catch (MalformedMessageException refused) {
      return refused.code() + " " + refused.getMessage();
    }
  }

  private static boolean isJson(byte[] document) {
    String text;
    try {
      text =
          UTF_8
              .newDecoder()
              .onMalformedInput(CodingErrorAction.REPORT)
              .decode(ByteBuffer.wrap(document))
              .toString();
    } catch (CharacterCodingException notUtf8) {
      return false;
    }
    try (JsonParser parser = Json.createParser(new StringReader(text))) {
      while (parser.hasNext()) {
        parser.next();
      }
      return !text.isBlank();
    } catch (JsonException notJson) {
      return false;
    }
  }

  private byte[] mutate(byte[] document) {
    if (document.length == 0) {
      return document;
    }
    int at = random.nextInt(document.length);
    return switch (random.nextInt(5)) {
      case 0 -> ByteBuffer.allocate(at).put(document, 0, at).array();
      case 1 -> {
        byte[] copy = document.clone();
        copy[at] = (byte) random.nextInt(256);
        yield copy;
      }
      case 2 -> {
        byte[] copy = document.clone();
        copy[at] = (byte) "{}[]\",:0123456789.eE+-tfn\\u \n".charAt(random.nextInt(29));
        yield copy;
      }
      case 3 ->
          ByteBuffer.allocate(document.length - 1)
              .put(document, 0, at)
              .put(document, at + 1, document.length - at - 1)
              .array();
      default ->
          ByteBuffer.allocate(document.length + 1)
              .put(document, 0, at)
              .put(document[at])
              .put(document, at, document.length - at)
              .array();
    };
  }

  private String message() {
    String id = pick("1", "\"a\"", "\"\\u00e9\"", "-5", "1.50", "99999999999999999999");
    String head = "{" + blank() + "\"jsonrpc\":" + blank() + "\"2.0\"";
    String extra = random.nextBoolean() ? ",\"x\":" + value(3) : "";
    return switch (random.nextInt(4)) {
          case 0 ->
              head + extra + ",\"id\":" + id + blank() + ",\"method\":\"tools/call\"" + params();
          case 1 -> head + ",\"method\":" + blank() + string() + params() + extra;
          case 2 -> head + ",\"id\":" + id + extra + ",\"result\":" + value(4);
          default -> head + ",\"error\":{\"code\":1,\"message\":" + string() + "},\"id\":" + id;
        }
        + blank()
        + "}";
  }

  private String params() {
    return switch (random.nextInt(4)) {
      case 0 -> "";
      case 1 -> ",\"params\":[" + value(2) + "]";
      case 2 ->
          ",\"params\":{\"name\":"
              + value(2)
              + ",\"_meta\":{\"a\":"
              + value(2)
              + ",\"progressToken\":"
              + value(1)
              + "},\"requestId\":"
              + value(1)
              + "}";
      default ->
          ",\"params\":{\"uri\":"
              + string()
              + ",\"arguments\":{\"name\":"
              + value(3)
              + "},\"protocolVersion\":"
              + value(1)
              + ",\"progressToken\":5}";
    };
  }

  private String value(int depth) {
    int shape = random.nextInt(depth > 0 ? 8 : 6);
    return switch (shape) {
      case 0 -> "null";
      case 1 -> pick("true", "false");
      case 2 -> pick("0", "-0", "0.1000", "1e5", "1E-7", "12345678901234567890.5");
      case 3, 4, 5 -> string();
      case 6 -> "[" + blank() + value(depth - 1) + "," + value(depth - 1) + blank() + "]";
      default -> "{\"id\":" + value(depth - 1) + blank() + ",\"k\":" + value(depth - 1) + "}";
    };
  }

  private String string() {
    return pick(
        "\"\"",
        "\"plain\"",
        "\"\\\"\\\\\\/\\b\\f\\n\\r\\t\"",
        "\"é ü ß\"",
        "\"\uD83D\uDC68\u200D\uD83D\uDC69\"",
        "\"\\ud83d\\ude00\"",
        "\"{[,:]}\"");
  }

  private String blank() {
    return pick("", "", " ", "\n", "\t\r\n");
  }

  private String pick(String... choices) {
    return choices[random.nextInt(choices.length)];
  }
}
