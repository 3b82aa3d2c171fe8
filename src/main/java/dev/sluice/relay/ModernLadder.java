package dev.sluice.relay;

import dev.sluice.jsonrpc.Envelope;
import dev.sluice.jsonrpc.Envelope.Kind;
import dev.sluice.jsonrpc.Envelope.Part;
import dev.sluice.servers.upstream.ModernHeaders;
import dev.sluice.servers.upstream.ModernUpstream;
import java.util.List;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/**
 * What a request of the stateless era (2026-07-28) must say of itself, and in which order what is
 * wrong with it is told. The body is the truth; the headers must agree with it.
 */
final class ModernLadder {

  static final int HEADER_MISMATCH = -32020;
  static final int UNSUPPORTED_VERSION = -32022;
  static final int INVALID_PARAMS = -32602;

  private ModernLadder() {}

  /** The headers of a request, by name. */
  interface Headers {
    /** All values of a header, in order; empty if it is not there. */
    List<String> all(String name);
  }

  /** Whether the message is one of the stateless era, which its body decides. */
  static boolean isModern(Envelope message, List<String> versionHeader) {
    boolean asks = message.kind() == Kind.REQUEST || message.kind() == Kind.NOTIFICATION;
    if (!asks || message.method().equals("initialize")) {
      return false;
    }
    return message.has(Part.META_PROTOCOL_VERSION)
        || message.has(Part.META_CLIENT_CAPABILITIES)
        || versionHeader.stream().anyMatch(ModernLadder::isModernVersion);
  }

  private static boolean isModernVersion(String header) {
    String version = header.strip();
    return version.matches("[0-9]{4}-[0-9]{2}-[0-9]{2}")
        && version.compareTo(ModernUpstream.VERSION) >= 0;
  }

  /** The error answer to a request with this version, which is not one that is spoken. */
  static Envelope unsupported(@Nullable String id, String requested) {
    return Envelope.error(
        id,
        UNSUPPORTED_VERSION,
        "Unsupported protocol version; this endpoint speaks " + ModernUpstream.VERSION + ".",
        "{\"supported\":[\"" + ModernUpstream.VERSION + "\"],\"requested\":" + requested + "}");
  }

  /**
   * What is wrong with the envelope of a request, the first thing only; always with HTTP status
   * 400. {@code headers} is null for a transport without any.
   */
  static Optional<Envelope> check(Envelope request, @Nullable Headers headers) {
    String version = request.string(Part.META_PROTOCOL_VERSION);
    if (headers != null && version != null) {
      String stated = single(headers, ModernHeaders.VERSION);
      if (!version.equals(stated)) {
        return Optional.of(mismatch(request, ModernHeaders.VERSION, "params._meta"));
      }
    }
    if (version == null) {
      return malformed(request, "protocolVersion", "a string");
    }
    String capabilities = request.json(Part.META_CLIENT_CAPABILITIES);
    if (capabilities == null || !capabilities.startsWith("{")) {
      return malformed(request, "clientCapabilities", "an object");
    }
    if (!version.equals(ModernUpstream.VERSION)) {
      return Optional.of(
          unsupported(request.idText(), String.valueOf(request.json(Part.META_PROTOCOL_VERSION))));
    }
    return headers == null ? Optional.empty() : standard(request, headers);
  }

  private static Optional<Envelope> standard(Envelope request, Headers headers) {
    if (!request.method().equals(single(headers, ModernHeaders.METHOD))) {
      return Optional.of(mismatch(request, ModernHeaders.METHOD, "method"));
    }
    Part named = ModernHeaders.named(request);
    if (named != null) {
      String value = request.string(named);
      boolean agrees =
          value == null
              ? headers.all(ModernHeaders.NAME).isEmpty() // the server says what is missing
              : value.equals(single(headers, ModernHeaders.NAME));
      if (!agrees) {
        String place =
            named == Part.NAME ? "params.name" : named == Part.URI ? "params.uri" : "params.taskId";
        return Optional.of(mismatch(request, ModernHeaders.NAME, place));
      }
    }
    return Optional.empty();
  }

  /** The value of a header that must be there once. */
  private static @Nullable String single(Headers headers, String name) {
    List<String> all = headers.all(name);
    return all.size() == 1 ? ModernHeaders.decode(all.get(0)) : null;
  }

  /** The error answer to a request with a header that does not say what its body says. */
  static Envelope mismatch(Envelope request, String header, String place) {
    return Envelope.error(
        request.idText(),
        HEADER_MISMATCH,
        "Header mismatch: " + header + " must be there once and say what " + place + " says.");
  }

  private static Optional<Envelope> malformed(Envelope request, String member, String what) {
    return Optional.of(
        Envelope.error(
            request.idText(),
            INVALID_PARAMS,
            "Invalid params: params._meta[\"io.modelcontextprotocol/"
                + member
                + "\"] must be there and be "
                + what
                + "."));
  }
}
