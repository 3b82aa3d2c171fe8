package dev.sluice.it;

import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Random;

/**
 * Messages in legal spellings that no parser would write again: escapes, lone surrogates, blanks
 * anywhere, deep nesting, names twice, numbers that fit nowhere, all of Unicode. The same seed
 * gives the same ones.
 */
final class Payloads {

  /** What the specification of the relay names. */
  static final String SPECIAL =
      "{\"n\":0.1000,\"b\":12345678901234567890,\"e\":\"👩‍👩‍👧\",\"k\":1E400,\"x\":null}";

  private static final int DEEPEST = 400;
  private static final String[] NAMES = {
    "id",
    "method",
    "jsonrpc",
    "params",
    "result",
    "error",
    "_meta",
    "progressToken",
    "requestId",
    "name",
    "uri",
    "protocolVersion",
    "isError",
    "level",
    "io.modelcontextprotocol/subscriptionId",
    ""
  };
  private static final String[] ESCAPES = {
    "\\\"",
    "\\\\",
    "\\/",
    "\\b",
    "\\f",
    "\\n",
    "\\r",
    "\\t",
    "\\u0000",
    "\\u001F",
    "\\u00e9",
    "\\uD83D\\uDC69",
    "\\ud800",
    "\\uDFFF",
    "\\udc00\\uD800"
  };
  private static final String[] TEXTS = {
    "👩‍👩‍👧",
    "e\u0301",
    "\u2028",
    "\u2029",
    "\u0085",
    "\ufeff",
    "\u007f",
    "\u00a0",
    "\ufffd",
    "\uffff",
    "data: x",
    "event: message",
    "}{",
    "//",
    "\u202e",
    "한",
    "ß"
  };

  private final Random random;

  Payloads(long seed) {
    random = new Random(seed);
  }

  /** An object that is anything. */
  String payload(int number) {
    if (number == 0) {
      return SPECIAL;
    }
    if (number % 100 == 1) {
      return deep();
    }
    if (number % 200 == 2) {
      return "{\"large\":\"" + characters(20_000 + random.nextInt(80_000)) + "\"}";
    }
    return object(0);
  }

  /** A message of these members, in any order, with blanks and a member that nobody knows. */
  String message(String... members) {
    List<String> all = new ArrayList<>(List.of(members));
    all.add("\"jsonrpc\"" + blank() + ":" + blank() + "\"2.0\"");
    if (random.nextInt(4) == 0) {
      all.add("\"x-\\u006eew\"" + blank() + ":" + value(3));
    }
    Collections.shuffle(all, random);
    return "{" + blank() + String.join(blank() + "," + blank(), all) + blank() + "}";
  }

  /** Params or a result with this in it, beside members that look like those of a message. */
  String around(String payload) {
    List<String> all = new ArrayList<>();
    all.add("\"v\"" + blank() + ":" + blank() + payload);
    for (String name : List.of("id", "method", "jsonrpc", "result", "error", "params")) {
      if (random.nextInt(6) == 0) {
        all.add("\"" + name + "\":" + value(3));
      }
    }
    if (random.nextInt(4) == 0) {
      all.add("\"_meta\":{\"dev.sluice/x\":" + value(3) + ",\"method\":\"ping\"}");
    }
    Collections.shuffle(all, random);
    return "{" + blank() + String.join(blank() + ",", all) + "}";
  }

  private String blank() {
    return switch (random.nextInt(12)) {
      case 0 -> " ";
      case 1 -> "\t";
      case 2 -> " \t  ";
      case 3 -> "\n";
      case 4 -> "\r\n ";
      default -> "";
    };
  }

  private String deep() {
    StringBuilder text = new StringBuilder("{\"deep\":");
    StringBuilder end = new StringBuilder();
    for (int i = 0; i < DEEPEST; i++) {
      boolean array = random.nextBoolean();
      text.append(array ? "[" : "{\"id\":");
      end.append(array ? "]" : "}");
    }
    return text.append(number()).append(end.reverse()).append("}").toString();
  }

  private String value(int depth) {
    return blank()
        + switch (random.nextInt(depth > 4 ? 8 : 11)) {
          case 0 -> "null";
          case 1 -> Boolean.toString(random.nextBoolean());
          case 2, 3, 4 -> number();
          case 5, 6, 7 -> string();
          case 8 -> {
            StringBuilder array = new StringBuilder("[");
            for (int i = random.nextInt(4); i > 0; i--) {
              array.append(value(depth + 1)).append(blank()).append(i > 1 ? "," : "");
            }
            yield array.append(blank()).append("]").toString();
          }
          default -> object(depth);
        };
  }

  private String object(int depth) {
    StringBuilder object = new StringBuilder("{");
    String last = "\"twice\"";
    for (int i = random.nextInt(5); i > 0; i--) {
      last = random.nextInt(5) == 0 ? last : name();
      object.append(blank()).append(last).append(blank()).append(':').append(value(depth + 1));
      object.append(i > 1 ? "," : "");
    }
    return object.append(blank()).append('}').toString();
  }

  private String name() {
    return random.nextBoolean() ? '"' + NAMES[random.nextInt(NAMES.length)] + '"' : string();
  }

  private String number() {
    String sign = random.nextInt(3) == 0 ? "-" : "";
    return sign
        + switch (random.nextInt(9)) {
          case 0 -> "0";
          case 1 -> random.nextInt(1000) + ".00" + random.nextInt(10);
          case 2 -> Long.toUnsignedString(random.nextLong()) + "0" + random.nextInt(1_000_000);
          case 3 -> random.nextInt(9) + "e+" + random.nextInt(9_999);
          case 4 -> random.nextInt(9) + "E-0" + random.nextInt(99);
          case 5 -> "1." + "0".repeat(random.nextInt(60)) + "1e0";
          case 6 -> "1E99999999999999";
          case 7 ->
              random.nextInt(10) == 0
                  ? "7".repeat(2_000) + ".5"
                  : Integer.toString(random.nextInt(Integer.MAX_VALUE));
          default -> Double.toString(Math.abs(random.nextGaussian()));
        };
  }

  private String string() {
    return '"' + characters(random.nextInt(12)) + '"';
  }

  private String characters(int length) {
    StringBuilder text = new StringBuilder();
    for (int i = 0; i < length; i++) {
      switch (random.nextInt(5)) {
        case 0 -> text.append(ESCAPES[random.nextInt(ESCAPES.length)]);
        case 1 -> text.append(TEXTS[random.nextInt(TEXTS.length)]);
        case 2 -> text.appendCodePoint(codePoint());
        default -> {
          char plain = (char) (0x20 + random.nextInt(0x5f));
          text.append(plain == '"' || plain == '\\' ? '_' : plain);
        }
      }
    }
    return text.toString();
  }

  private int codePoint() {
    int point = 0xa0 + random.nextInt(0x110000 - 0xa0);
    return Character.isDefined(point) && Character.getType(point) != Character.SURROGATE
        ? point
        : 'x';
  }
}
