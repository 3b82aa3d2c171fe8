package dev.sluice.jsonrpc;

import static dev.sluice.jsonrpc.MalformedMessageException.INVALID_REQUEST;
import static dev.sluice.jsonrpc.MalformedMessageException.PARSE_ERROR;

import dev.sluice.jsonrpc.Envelope.Part;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

/**
 * One pass over UTF-8 JSON (RFC 8259) that checks every byte and notes where the parts of a message
 * are. Works without recursion; nesting is bounded by {@link Envelope#MAX_DEPTH}.
 */
final class Scanner {

  /** What the members of an open container mean to routing. */
  private static final byte OTHER = 0;

  private static final byte MESSAGE = 1;
  private static final byte PARAMS = 2;
  private static final byte META = 3;
  private static final byte RESULT = 4;
  private static final byte RESULT_META = 5;
  private static final byte ERROR = 6;

  private static final int NO_PART = -1;
  private static final int VERSION_PART = Part.COUNT;
  private static final int META_PART = VERSION_PART + 1;
  private static final int RESULT_META_PART = META_PART + 1;

  private static final byte[] JSONRPC = ascii("jsonrpc");
  private static final byte[] META_NAME = ascii("_meta");
  private static final byte[] PROGRESS_TOKEN = ascii("progressToken");
  private static final byte[][] PARAM_NAMES = {
    PROGRESS_TOKEN,
    ascii("requestId"),
    ascii("protocolVersion"),
    ascii("name"),
    ascii("uri"),
    ascii("taskId"),
    ascii("level")
  };
  private static final Part[] PARAM_PARTS = {
    Part.PROGRESS_TOKEN,
    Part.REQUEST_ID,
    Part.PROTOCOL_VERSION,
    Part.NAME,
    Part.URI,
    Part.TASK_ID,
    Part.LEVEL
  };
  private static final byte[] SUBSCRIPTION_ID = ascii("io.modelcontextprotocol/subscriptionId");
  private static final byte[][] META_NAMES = {
    PROGRESS_TOKEN,
    ascii("io.modelcontextprotocol/protocolVersion"),
    ascii("io.modelcontextprotocol/clientCapabilities"),
    ascii("io.modelcontextprotocol/logLevel"),
    SUBSCRIPTION_ID
  };
  private static final Part[] META_PARTS = {
    Part.META_PROGRESS_TOKEN,
    Part.META_PROTOCOL_VERSION,
    Part.META_CLIENT_CAPABILITIES,
    Part.META_LOG_LEVEL,
    Part.META_SUBSCRIPTION_ID
  };
  private static final byte[] ERROR_CODE = ascii("code");
  private static final byte[] RESULT_VERSION = ascii("protocolVersion");
  private static final byte[] IS_ERROR = ascii("isError");
  private static final byte[][] MESSAGE_NAMES = {
    ascii("id"), ascii("method"), ascii("params"), ascii("result"), ascii("error")
  };
  private static final Part[] MESSAGE_PARTS = {
    Part.ID, Part.METHOD, Part.PARAMS, Part.RESULT, Part.ERROR
  };

  private final byte[] bytes;
  private final int begin;
  private final int end;
  private int at;

  private final int[] starts = new int[RESULT_META_PART + 1];
  private final int[] ends = new int[RESULT_META_PART + 1];

  private int depth;
  private boolean[] isObject = new boolean[16];
  private byte[] meaning = new byte[16];
  private int[] partOf = new int[16];

  private boolean batch;
  private final List<int[]> elements = new ArrayList<>(0);
  private int elementStart;

  Scanner(byte[] bytes, int begin, int end) {
    this.bytes = bytes;
    this.begin = begin;
    this.end = end;
    this.at = begin;
    Arrays.fill(starts, -1);
  }

  private static byte[] ascii(String text) {
    return text.getBytes(StandardCharsets.US_ASCII);
  }

  /** Start of a part, or -1. */
  int[] starts() {
    return starts;
  }

  /** End (exclusive) of each found part. */
  int[] ends() {
    return ends;
  }

  boolean batch() {
    return batch;
  }

  List<int[]> elements() {
    return elements;
  }

  /** Whether {@code jsonrpc} is there and is {@code "2.0"}. */
  boolean version2() {
    int start = starts[VERSION_PART];
    return start >= 0
        && ends[VERSION_PART] - start == 5
        && bytes[start] == '"'
        && bytes[start + 1] == '2'
        && bytes[start + 2] == '.'
        && bytes[start + 3] == '0';
  }

  /** Reads the whole document. */
  void scan() throws MalformedMessageException {
    blank();
    if (at == end) {
      throw parse("the message is empty");
    }
    int first = bytes[at];
    boolean message = first == '{';
    batch = first == '[';
    values(message ? MESSAGE : OTHER);
    blank();
    if (at != end) {
      throw parse("something follows the end of the message");
    }
    if (!message && !batch) {
      throw new MalformedMessageException(
          INVALID_REQUEST, 0, "a message must be a JSON object (or an array of them)");
    }
  }

  private void values(byte rootMeaning) throws MalformedMessageException {
    int part = NO_PART;
    byte context = rootMeaning;
    while (true) {
      // Here: a value must start at `at`.
      if (at == end) {
        throw parse("the message ends where a value must stand");
      }
      if (batch && depth == 1) {
        elementStart = at;
      }
      int start = at;
      byte c = bytes[at];
      boolean ended = true;
      if (c == '{' || c == '[') {
        push(c == '{', c == '{' ? context : OTHER, part);
        at++;
        if (part != NO_PART) {
          starts[part] = start;
        }
        blank();
        ended = false;
        boolean empty = at < end && bytes[at] == (c == '{' ? '}' : ']');
        if (!empty && c == '{') {
          part = name();
          context = contextOf(part);
          continue;
        }
        if (!empty) {
          part = NO_PART;
          context = OTHER;
          continue;
        }
      } else {
        scalar(c);
        if (part != NO_PART) {
          starts[part] = start;
          ends[part] = at;
        }
      }
      // Here: a value has ended, or an empty container is about to be closed.
      while (true) {
        if (depth == 0) {
          return;
        }
        if (batch && depth == 1 && ended) {
          element();
        }
        blank();
        if (at == end) {
          throw parse(isObject[depth - 1] ? "an object is not closed" : "an array is not closed");
        }
        byte d = bytes[at];
        if (d == (isObject[depth - 1] ? '}' : ']')) {
          at++;
          depth--;
          ended = true;
          int closed = partOf[depth];
          if (closed != NO_PART) {
            ends[closed] = at;
          }
          continue;
        }
        if (d != ',') {
          throw parse("a comma or the end of the object or array must stand here");
        }
        at++;
        blank();
        if (isObject[depth - 1]) {
          part = name();
          context = contextOf(part);
        } else {
          part = NO_PART;
          context = OTHER;
        }
        break;
      }
    }
  }

  private void element() throws MalformedMessageException {
    if (elements.size() == Envelope.MAX_BATCH) {
      throw new MalformedMessageException(
          INVALID_REQUEST, at - begin, "a batch holds at most " + Envelope.MAX_BATCH + " messages");
    }
    elements.add(new int[] {elementStart, at});
  }

  private static byte contextOf(int part) {
    if (part == Part.PARAMS.slot) {
      return PARAMS;
    }
    if (part == Part.RESULT.slot) {
      return RESULT;
    }
    if (part == Part.ERROR.slot) {
      return ERROR;
    }
    if (part == RESULT_META_PART) {
      return RESULT_META;
    }
    return part == META_PART ? META : OTHER;
  }

  private void push(boolean object, byte context, int part) throws MalformedMessageException {
    if (depth == Envelope.MAX_DEPTH) {
      throw parse("nested deeper than " + Envelope.MAX_DEPTH + " levels");
    }
    if (depth == isObject.length) {
      isObject = Arrays.copyOf(isObject, depth * 2);
      meaning = Arrays.copyOf(meaning, depth * 2);
      partOf = Arrays.copyOf(partOf, depth * 2);
    }
    isObject[depth] = object;
    meaning[depth] = context;
    partOf[depth] = part;
    depth++;
  }

  /** Reads a member's name and the colon; returns the part that its value is, or NO_PART. */
  private int name() throws MalformedMessageException {
    if (at == end || bytes[at] != '"') {
      throw parse("a member's name in quotes must stand here");
    }
    int start = at + 1;
    boolean escaped = string();
    int part = NO_PART;
    byte context = meaning[depth - 1];
    if (context != OTHER) {
      if (escaped) {
        byte[] plain = Text.unescape(bytes, start, at - 1).getBytes(StandardCharsets.UTF_8);
        part = part(context, plain, 0, plain.length);
      } else {
        part = part(context, bytes, start, at - 1);
      }
      // What routes a message must be the same for every reader of it: one that takes the first
      // of two members and one that takes the last would see two messages.
      if (part != NO_PART && starts[part] >= 0) {
        throw new MalformedMessageException(
            INVALID_REQUEST, start - begin, "a member that routing reads stands twice");
      }
    }
    blank();
    if (at == end || bytes[at] != ':') {
      throw parse("a colon must follow a member's name");
    }
    at++;
    blank();
    return part;
  }

  private static int part(byte context, byte[] source, int from, int to) {
    return switch (context) {
      case MESSAGE ->
          part(
              MESSAGE_NAMES,
              MESSAGE_PARTS,
              source,
              from,
              to,
              same(JSONRPC, source, from, to) ? VERSION_PART : NO_PART);
      case PARAMS ->
          part(
              PARAM_NAMES,
              PARAM_PARTS,
              source,
              from,
              to,
              same(META_NAME, source, from, to) ? META_PART : NO_PART);
      case RESULT -> {
        if (same(IS_ERROR, source, from, to)) {
          yield Part.IS_ERROR.slot;
        }
        if (same(META_NAME, source, from, to)) {
          yield RESULT_META_PART;
        }
        yield same(RESULT_VERSION, source, from, to) ? Part.RESULT_PROTOCOL_VERSION.slot : NO_PART;
      }
      case RESULT_META ->
          same(SUBSCRIPTION_ID, source, from, to) ? Part.RESULT_SUBSCRIPTION_ID.slot : NO_PART;
      case ERROR -> same(ERROR_CODE, source, from, to) ? Part.ERROR_CODE.slot : NO_PART;
      default -> part(META_NAMES, META_PARTS, source, from, to, NO_PART);
    };
  }

  private static int part(
      byte[][] names, Part[] parts, byte[] source, int from, int to, int otherwise) {
    for (int i = 0; i < names.length; i++) {
      if (same(names[i], source, from, to)) {
        return parts[i].slot;
      }
    }
    return otherwise;
  }

  private static boolean same(byte[] name, byte[] source, int from, int to) {
    return Arrays.equals(name, 0, name.length, source, from, to);
  }

  private void scalar(byte c) throws MalformedMessageException {
    switch (c) {
      case '"' -> string();
      case 't' -> literal("true");
      case 'f' -> literal("false");
      case 'n' -> literal("null");
      default -> {
        if (c != '-' && !digit(c)) {
          throw parse("a value must stand here");
        }
        number();
      }
    }
  }

  private void literal(String word) throws MalformedMessageException {
    if (end - at < word.length()) {
      throw parse("a value must stand here");
    }
    for (int i = 0; i < word.length(); i++) {
      if (bytes[at + i] != word.charAt(i)) {
        throw parse("a value must stand here");
      }
    }
    at += word.length();
  }

  private void number() throws MalformedMessageException {
    if (bytes[at] == '-') {
      at++;
    }
    if (at < end && bytes[at] == '0') {
      at++;
    } else {
      digits();
    }
    if (at < end && bytes[at] == '.') {
      at++;
      digits();
    }
    if (at < end && (bytes[at] == 'e' || bytes[at] == 'E')) {
      at++;
      if (at < end && (bytes[at] == '+' || bytes[at] == '-')) {
        at++;
      }
      digits();
    }
  }

  private void digits() throws MalformedMessageException {
    int start = at;
    while (at < end && digit(bytes[at])) {
      at++;
    }
    if (at == start) {
      throw parse("a digit must stand here");
    }
  }

  private static boolean digit(byte c) {
    return c >= '0' && c <= '9';
  }

  /** Reads a string from its opening quote; returns whether it holds an escape. */
  private boolean string() throws MalformedMessageException {
    boolean escaped = false;
    int p = at + 1;
    byte[] source = bytes;
    int limit = end;
    while (p < limit) {
      byte c = source[p];
      if (c == '"') {
        at = p + 1;
        return escaped;
      }
      if (c == '\\') {
        escaped = true;
        at = p;
        p = escape(p);
      } else if (c >= 0x20) {
        p++;
      } else if (c < 0) {
        at = p;
        p = multiByte(p);
      } else {
        at = p;
        throw parse("a control character inside a string must be escaped");
      }
    }
    at = p;
    throw parse("a string is not closed");
  }

  private int escape(int p) throws MalformedMessageException {
    if (p + 1 >= end) {
      throw parse("a string is not closed");
    }
    switch (bytes[p + 1]) {
      case '"', '\\', '/', 'b', 'f', 'n', 'r', 't' -> {
        return p + 2;
      }
      case 'u' -> {
        if (p + 6 > end) {
          throw parse("a string is not closed");
        }
        for (int i = p + 2; i < p + 6; i++) {
          if (Character.digit(bytes[i], 16) < 0) {
            throw parse("\\u must be followed by four hexadecimal digits");
          }
        }
        return p + 6;
      }
      default -> throw parse("an escape that JSON does not have");
    }
  }

  /** One character of two to four bytes, as RFC 3629 allows: shortest form, no surrogates. */
  private int multiByte(int p) throws MalformedMessageException {
    int c = bytes[p] & 0xff;
    int length = c >= 0xf0 ? 4 : c >= 0xe0 ? 3 : 2;
    if (c < 0xc2 || c > 0xf4 || p + length > end) {
      throw parse("not UTF-8");
    }
    int second = bytes[p + 1] & 0xff;
    int low = c == 0xe0 ? 0xa0 : c == 0xf0 ? 0x90 : 0x80;
    int high = c == 0xed ? 0x9f : c == 0xf4 ? 0x8f : 0xbf;
    if (second < low || second > high) {
      throw parse("not UTF-8");
    }
    for (int i = p + 2; i < p + length; i++) {
      if ((bytes[i] & 0xc0) != 0x80) {
        throw parse("not UTF-8");
      }
    }
    return p + length;
  }

  private void blank() {
    while (at < end) {
      byte c = bytes[at];
      if (c != ' ' && c != '\n' && c != '\r' && c != '\t') {
        return;
      }
      at++;
    }
  }

  private MalformedMessageException parse(String problem) {
    return new MalformedMessageException(PARSE_ERROR, at - begin, problem);
  }
}
