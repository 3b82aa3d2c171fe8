package dev.sluice.servers.upstream;

import dev.sluice.jsonrpc.Envelope;
import dev.sluice.jsonrpc.Envelope.Part;
import java.nio.ByteBuffer;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.StandardCharsets;
import java.util.Base64;
import java.util.LinkedHashMap;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/** The HTTP headers that mirror the body of a request of 2026-07-28. */
public final class ModernHeaders {

  /** The protocol revision. */
  public static final String VERSION = "MCP-Protocol-Version";

  /** The method. */
  public static final String METHOD = "Mcp-Method";

  /** The tool, prompt, resource or task that is asked for. */
  public static final String NAME = "Mcp-Name";

  /** How the headers begin that mirror arguments of tools. */
  public static final String PARAM = "Mcp-Param-";

  private static final String OPENING = "=?base64?";
  private static final String CLOSING = "?=";

  private ModernHeaders() {}

  /** The headers of a message. */
  public static Map<String, String> of(Envelope message) {
    Map<String, String> headers = new LinkedHashMap<>();
    String version = message.string(Part.META_PROTOCOL_VERSION);
    headers.put(VERSION, version == null ? ModernUpstream.VERSION : encode(version));
    headers.put(METHOD, encode(message.method()));
    Part part = named(message);
    String name = part == null ? null : message.string(part);
    if (name != null) {
      headers.put(NAME, encode(name));
    }
    return headers;
  }

  /** Where the value of {@value #NAME} stands in the body; null if the method has none. */
  public static @Nullable Part named(Envelope message) {
    return switch (message.method()) {
      case "tools/call", "prompts/get" -> Part.NAME;
      case "resources/read" -> Part.URI;
      case "tasks/get", "tasks/update", "tasks/cancel" -> Part.TASK_ID;
      default -> null;
    };
  }

  /** A value as a header carries it: what HTTP could change or refuse is sent as base64. */
  public static String encode(String value) {
    boolean plain = !value.isEmpty() && value.equals(value.strip()) && !sentinel(value);
    for (int i = 0; plain && i < value.length(); i++) {
      plain = value.charAt(i) >= 0x20 && value.charAt(i) < 0x7f;
    }
    return plain
        ? value
        : OPENING
            + Base64.getEncoder().encodeToString(value.getBytes(StandardCharsets.UTF_8))
            + CLOSING;
  }

  /** The value of a header; null if it is not well-formed. */
  public static @Nullable String decode(String header) {
    String value = header.strip();
    for (int i = 0; i < value.length(); i++) {
      if ((value.charAt(i) < 0x20 && value.charAt(i) != '\t') || value.charAt(i) >= 0x7f) {
        return null;
      }
    }
    if (!sentinel(value)) {
      return value;
    }
    String inner = value.substring(OPENING.length(), value.length() - CLOSING.length());
    try {
      if (inner.length() % 4 != 0) {
        return null; // the decoder would do without the padding
      }
      return StandardCharsets.UTF_8
          .newDecoder()
          .decode(ByteBuffer.wrap(Base64.getDecoder().decode(inner)))
          .toString();
    } catch (IllegalArgumentException | CharacterCodingException broken) {
      return null;
    }
  }

  private static boolean sentinel(String value) {
    return value.length() >= OPENING.length() + CLOSING.length()
        && value.startsWith(OPENING)
        && value.endsWith(CLOSING);
  }
}
