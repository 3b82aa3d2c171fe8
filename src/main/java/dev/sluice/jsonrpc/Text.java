package dev.sluice.jsonrpc;

import java.nio.charset.StandardCharsets;

/** JSON strings to and from Java strings. */
final class Text {

  private static final String HEX = "0123456789abcdef";

  private Text() {}

  /** The value of a checked string, given without its quotes. */
  static String unescape(byte[] bytes, int from, int to) {
    String raw = new String(bytes, from, to - from, StandardCharsets.UTF_8);
    int slash = raw.indexOf('\\');
    if (slash < 0) {
      return raw;
    }
    StringBuilder plain = new StringBuilder(raw.length()).append(raw, 0, slash);
    int i = slash;
    while (i < raw.length()) {
      char c = raw.charAt(i);
      if (c != '\\') {
        plain.append(c);
        i++;
        continue;
      }
      char e = raw.charAt(i + 1);
      i += 2;
      switch (e) {
        case 'b' -> plain.append('\b');
        case 'f' -> plain.append('\f');
        case 'n' -> plain.append('\n');
        case 'r' -> plain.append('\r');
        case 't' -> plain.append('\t');
        case 'u' -> {
          plain.append((char) Integer.parseInt(raw, i, i + 4, 16));
          i += 4;
        }
        default -> plain.append(e);
      }
    }
    return plain.toString();
  }

  /** The text as a JSON string; a lone surrogate is escaped, so that the result is valid UTF-8. */
  static String quote(String text) {
    StringBuilder json = new StringBuilder(text.length() + 2).append('"');
    for (int i = 0; i < text.length(); i++) {
      char c = text.charAt(i);
      switch (c) {
        case '"' -> json.append("\\\"");
        case '\\' -> json.append("\\\\");
        case '\n' -> json.append("\\n");
        case '\r' -> json.append("\\r");
        case '\t' -> json.append("\\t");
        default -> {
          boolean pair =
              Character.isHighSurrogate(c)
                  && i + 1 < text.length()
                  && Character.isLowSurrogate(text.charAt(i + 1));
          if (pair) {
            json.append(c).append(text.charAt(++i));
          } else if (c < 0x20 || Character.isSurrogate(c)) {
            json.append("\\u")
                .append(HEX.charAt(c >> 12))
                .append(HEX.charAt((c >> 8) & 15))
                .append(HEX.charAt((c >> 4) & 15))
                .append(HEX.charAt(c & 15));
          } else {
            json.append(c);
          }
        }
      }
    }
    return json.append('"').toString();
  }
}
