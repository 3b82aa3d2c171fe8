package dev.sluice.jsonrpc;

import static dev.sluice.jsonrpc.MalformedMessageException.INVALID_REQUEST;

import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Comparator;
import java.util.List;
import java.util.Map;
import java.util.OptionalLong;
import org.jspecify.annotations.Nullable;

/**
 * A JSON-RPC 2.0 message as the bytes it came in, with the positions of the parts that routing
 * needs. Reading checks every byte (RFC 8259, UTF-8, nesting of at most {@value #MAX_DEPTH}), keeps
 * all of them, and never recurses; what routing does not read is checked and otherwise left alone.
 *
 * <p>Ids keep their JSON type and text: {@code 1}, {@code "1"} and {@code 1.0} are three ids.
 *
 * <p>Two members of the same name are legal JSON and are kept, except for the members that routing
 * reads ({@code jsonrpc} and all {@link Part}s): those are refused, because two readers would see
 * two different messages.
 *
 * <p>Immutable as long as nobody writes to the array it was read from; any thread may use it.
 */
public final class Envelope {

  /** Deepest nesting of objects and arrays. */
  public static final int MAX_DEPTH = 512;

  /** Most messages in one batch. */
  public static final int MAX_BATCH = 100;

  /** What a message is. */
  public enum Kind {
    /** Has a method and an id. */
    REQUEST,
    /** Has a method and no id. */
    NOTIFICATION,
    /** Has a result. */
    RESPONSE,
    /** Has an error; its id may be null. */
    ERROR,
    /** An array of messages (MCP 2025-03-26 only), see {@link #members()}. */
    BATCH
  }

  /** A place inside a message. */
  public enum Part {
    ID(0),
    METHOD(1),
    PARAMS(2),
    RESULT(3),
    ERROR(4),
    /** {@code params.progressToken}, of {@code notifications/progress}. */
    PROGRESS_TOKEN(5),
    /** {@code params._meta.progressToken}, of a request. */
    META_PROGRESS_TOKEN(6),
    /** {@code params.requestId}, of {@code notifications/cancelled}. */
    REQUEST_ID(7),
    /** {@code params.protocolVersion}, of {@code initialize}. */
    PROTOCOL_VERSION(8),
    /** {@code params.name}, of {@code tools/call} and {@code prompts/get}. */
    NAME(9),
    /** {@code params.uri}, of {@code resources/*}. */
    URI(10),
    /** {@code result.protocolVersion}, of the answer to {@code initialize}. */
    RESULT_PROTOCOL_VERSION(11),
    /** {@code result.isError}, of the answer to {@code tools/call}. */
    IS_ERROR(12),
    /** {@code params.taskId}, of {@code tasks/*}. */
    TASK_ID(13),
    /** {@code params._meta["io.modelcontextprotocol/protocolVersion"]} (2026-07-28). */
    META_PROTOCOL_VERSION(14),
    /** {@code params._meta["io.modelcontextprotocol/clientCapabilities"]} (2026-07-28). */
    META_CLIENT_CAPABILITIES(15),
    /** {@code params._meta["io.modelcontextprotocol/logLevel"]} (2026-07-28). */
    META_LOG_LEVEL(16),
    /** {@code params._meta["io.modelcontextprotocol/subscriptionId"]} (2026-07-28). */
    META_SUBSCRIPTION_ID(17),
    /** {@code result._meta["io.modelcontextprotocol/subscriptionId"]} (2026-07-28). */
    RESULT_SUBSCRIPTION_ID(18),
    /** {@code error.code}. */
    ERROR_CODE(19),
    /** {@code params.level}, of {@code logging/setLevel} and {@code notifications/message}. */
    LEVEL(20);

    /** How many there are. */
    static final int COUNT = 21;

    /** Its place in the tables of positions. */
    final int slot;

    Part(int slot) {
      this.slot = slot;
    }
  }

  private final byte[] bytes;
  private final int from;
  private final int to;
  private final Kind kind;
  private final int[] starts;
  private final int[] ends;
  private final List<Envelope> members;

  private Envelope(
      byte[] bytes, int from, int to, Kind kind, Scanner scanner, List<Envelope> members) {
    this(bytes, from, to, kind, scanner.starts(), scanner.ends(), members);
  }

  private Envelope(
      byte[] bytes, int from, int to, Kind kind, int[] starts, int[] ends, List<Envelope> members) {
    this.bytes = bytes;
    this.from = from;
    this.to = to;
    this.kind = kind;
    this.starts = starts;
    this.ends = ends;
    this.members = members;
  }

  /**
   * Reads one message; blanks around it are allowed.
   *
   * @throws MalformedMessageException if it is not JSON, or not JSON-RPC 2.0
   */
  public static Envelope read(byte[] bytes) throws MalformedMessageException {
    return read(bytes, 0, bytes.length);
  }

  /** Reads one message from {@code bytes[from..to)}, without copying. */
  public static Envelope read(byte[] bytes, int from, int to) throws MalformedMessageException {
    return read(bytes, from, to, true);
  }

  private static Envelope read(byte[] bytes, int from, int to, boolean outer)
      throws MalformedMessageException {
    Scanner scanner = new Scanner(bytes, from, to);
    scanner.scan();
    if (!scanner.batch()) {
      return new Envelope(bytes, from, to, kindOf(bytes, from, scanner), scanner, List.of());
    }
    if (!outer) {
      throw invalid(0, "a batch inside a batch");
    }
    if (scanner.elements().isEmpty()) {
      throw invalid(0, "an empty batch");
    }
    List<Envelope> members = new ArrayList<>(scanner.elements().size());
    for (int[] element : scanner.elements()) {
      members.add(read(bytes, element[0], element[1], false));
    }
    return new Envelope(bytes, from, to, Kind.BATCH, scanner, List.copyOf(members));
  }

  private static Kind kindOf(byte[] bytes, int from, Scanner scanner)
      throws MalformedMessageException {
    int[] starts = scanner.starts();
    if (!scanner.version2()) {
      throw invalid(0, "\"jsonrpc\" must be \"2.0\"");
    }
    int id = starts[Part.ID.slot];
    int method = starts[Part.METHOD.slot];
    int params = starts[Part.PARAMS.slot];
    boolean result = starts[Part.RESULT.slot] >= 0;
    int error = starts[Part.ERROR.slot];
    boolean nullId = id >= 0 && bytes[id] == 'n';
    if (id >= 0 && !nullId && bytes[id] != '"' && bytes[id] != '-' && !isDigit(bytes[id])) {
      throw invalid(id - from, "\"id\" must be a string or a number");
    }
    if (method >= 0) {
      if (bytes[method] != '"') {
        throw invalid(method - from, "\"method\" must be a string");
      }
      if (result || error >= 0) {
        throw invalid(0, "a message has either a method or a result or an error");
      }
      if (nullId) {
        throw invalid(id - from, "the \"id\" of a request must not be null");
      }
      if (params >= 0 && bytes[params] != '{' && bytes[params] != '[' && bytes[params] != 'n') {
        throw invalid(params - from, "\"params\" must be an object");
      }
      return id >= 0 ? Kind.REQUEST : Kind.NOTIFICATION;
    }
    if (result && error >= 0) {
      throw invalid(0, "a message has either a result or an error");
    }
    if (error >= 0) {
      if (bytes[error] != '{') {
        throw invalid(error - from, "\"error\" must be an object");
      }
      return Kind.ERROR;
    }
    if (!result) {
      throw invalid(0, "a message needs a method, a result or an error");
    }
    if (id < 0 || nullId) {
      throw invalid(0, "a result needs an \"id\"");
    }
    return Kind.RESPONSE;
  }

  private static boolean isDigit(byte c) {
    return c >= '0' && c <= '9';
  }

  private static MalformedMessageException invalid(int offset, String problem) {
    return new MalformedMessageException(INVALID_REQUEST, offset, problem);
  }

  /**
   * A request of our own.
   *
   * @param params the JSON text of its params, or null for none
   */
  public static Envelope request(long id, String method, @Nullable String params) {
    return own("{\"jsonrpc\":\"2.0\",\"id\":" + id + ",\"method\":" + Text.quote(method), params);
  }

  /** A request of our own with any id, JSON text. */
  public static Envelope request(String id, String method, @Nullable String params) {
    return own("{\"jsonrpc\":\"2.0\",\"id\":" + id + ",\"method\":" + Text.quote(method), params);
  }

  /** A notification of our own; {@code params} is JSON text or null. */
  public static Envelope notification(String method, @Nullable String params) {
    return own("{\"jsonrpc\":\"2.0\",\"method\":" + Text.quote(method), params);
  }

  /** The answer to {@code request}; {@code result} is JSON text. */
  public static Envelope response(Envelope request, String result) {
    return parsed(
        "{\"jsonrpc\":\"2.0\",\"id\":" + request.idText() + ",\"result\":" + result + "}");
  }

  /** The error answer to {@code request}, or to nobody ({@code id} null) if that is null. */
  public static Envelope error(@Nullable Envelope request, int code, String message) {
    return error(request == null ? null : request.idText(), code, message);
  }

  /** The error answer to the request with this id, JSON text; null for nobody's. */
  public static Envelope error(@Nullable String id, int code, String message) {
    return parsed(
        "{\"jsonrpc\":\"2.0\",\"id\":"
            + id
            + ",\"error\":{\"code\":"
            + code
            + ",\"message\":"
            + Text.quote(message)
            + "}}");
  }

  /** The same with {@code data}, JSON text. */
  public static Envelope error(@Nullable String id, int code, String message, String data) {
    return parsed(
        "{\"jsonrpc\":\"2.0\",\"id\":"
            + id
            + ",\"error\":{\"code\":"
            + code
            + ",\"message\":"
            + Text.quote(message)
            + ",\"data\":"
            + data
            + "}}");
  }

  private static Envelope own(String head, @Nullable String params) {
    return parsed(params == null ? head + "}" : head + ",\"params\":" + params + "}");
  }

  private static Envelope parsed(String json) {
    try {
      return read(json.getBytes(StandardCharsets.UTF_8));
    } catch (MalformedMessageException wrong) {
      throw new IllegalArgumentException(wrong.getMessage(), wrong);
    }
  }

  /** What it is. */
  public Kind kind() {
    return kind;
  }

  /** The messages of a batch, in order; empty for anything else. */
  public List<Envelope> members() {
    return members;
  }

  /** A copy of the bytes, exactly as they came. */
  public byte[] bytes() {
    return Arrays.copyOfRange(bytes, from, to);
  }

  /** Number of bytes. */
  public int size() {
    return to - from;
  }

  /**
   * The bytes without line ends, for transports that end a message by a line end. Strings cannot
   * hold a raw line end, so nothing of the content changes. Not to be written to: it is the array
   * that the message was read from, if that is one line.
   */
  public byte[] singleLine() {
    int ends = 0;
    for (int i = from; i < to; i++) {
      if (bytes[i] == '\n' || bytes[i] == '\r') {
        ends++;
      }
    }
    if (ends == 0) {
      return from == 0 && to == bytes.length ? bytes : bytes();
    }
    byte[] line = new byte[to - from - ends];
    int length = 0;
    for (int i = from; i < to; i++) {
      if (bytes[i] != '\n' && bytes[i] != '\r') {
        line[length++] = bytes[i];
      }
    }
    return line;
  }

  /** Whether it holds the part. */
  public boolean has(Part part) {
    return starts[part.slot] >= 0;
  }

  /** Where the part starts, in bytes from the start of the message; -1 if it is not there. */
  public int start(Part part) {
    return has(part) ? starts[part.slot] - from : -1;
  }

  /** Where the part ends (exclusive); -1 if it is not there. */
  public int end(Part part) {
    return has(part) ? ends[part.slot] - from : -1;
  }

  /** The JSON text of the part as it stands in the message, or null. */
  public @Nullable String json(Part part) {
    if (!has(part)) {
      return null;
    }
    int start = starts[part.slot];
    return new String(bytes, start, ends[part.slot] - start, StandardCharsets.UTF_8);
  }

  /** The value of a part that is a string; null if it is missing or something else. */
  public @Nullable String string(Part part) {
    if (!has(part) || bytes[starts[part.slot]] != '"') {
      return null;
    }
    return Text.unescape(bytes, starts[part.slot] + 1, ends[part.slot] - 1);
  }

  /** The method; empty for answers and batches. */
  public String method() {
    String method = string(Part.METHOD);
    return method == null ? "" : method;
  }

  /** The JSON text of the id, type and spelling kept; null without one. */
  public @Nullable String idText() {
    return json(Part.ID);
  }

  /** The id if it is a plain integer of up to 18 digits, as the hub's own ids are. */
  public OptionalLong idNumber() {
    int start = starts[Part.ID.slot];
    int end = ends[Part.ID.slot];
    if (start < 0 || end - start > 18) {
      return OptionalLong.empty();
    }
    long value = 0;
    for (int i = start; i < end; i++) {
      if (!isDigit(bytes[i])) {
        return OptionalLong.empty();
      }
      value = value * 10 + (bytes[i] - '0');
    }
    return OptionalLong.of(value);
  }

  /**
   * The bytes with some parts replaced and all others unchanged.
   *
   * @param replacements JSON for each part; the caller answers for its being valid
   * @throws IllegalArgumentException if a part is missing, or lies inside another one
   */
  public byte[] splice(Map<Part, byte[]> replacements) {
    List<Map.Entry<Part, byte[]>> parts = new ArrayList<>(replacements.entrySet());
    parts.sort(Comparator.comparingInt(entry -> starts[entry.getKey().slot]));
    int size = to - from;
    int at = from;
    for (Map.Entry<Part, byte[]> entry : parts) {
      Part part = entry.getKey();
      int start = starts[part.slot];
      if (start < 0) {
        throw new IllegalArgumentException("the message has no " + part);
      }
      if (start < at) {
        throw new IllegalArgumentException(part + " lies inside another replaced part");
      }
      at = ends[part.slot];
      size += entry.getValue().length - (at - start);
    }
    byte[] spliced = new byte[size];
    int length = 0;
    at = from;
    for (Map.Entry<Part, byte[]> entry : parts) {
      int start = starts[entry.getKey().slot];
      byte[] json = entry.getValue();
      System.arraycopy(bytes, at, spliced, length, start - at);
      length += start - at;
      System.arraycopy(json, 0, spliced, length, json.length);
      length += json.length;
      at = ends[entry.getKey().slot];
    }
    System.arraycopy(bytes, at, spliced, length, to - at);
    return spliced;
  }

  /**
   * The message with some parts replaced as {@link #splice} does. It is not read again, which with
   * a large message would cost as much as reading it did.
   *
   * @param replacements numbers or strings, JSON, for parts that are such; an id that is not null
   */
  public Envelope with(Map<Part, byte[]> replacements) {
    byte[] spliced = splice(replacements);
    int[] newStarts = starts.clone();
    int[] newEnds = ends.clone();
    for (int slot = 0; slot < starts.length; slot++) {
      if (starts[slot] < 0) {
        continue;
      }
      newStarts[slot] -= from;
      newEnds[slot] -= from;
      for (Map.Entry<Part, byte[]> entry : replacements.entrySet()) {
        int end = ends[entry.getKey().slot];
        int longer = entry.getValue().length - (end - starts[entry.getKey().slot]);
        newStarts[slot] += end <= starts[slot] ? longer : 0;
        newEnds[slot] += end <= ends[slot] ? longer : 0;
      }
    }
    return new Envelope(spliced, 0, spliced.length, kind, newStarts, newEnds, members);
  }

  /** Kind, method and size; never the content, which may hold secrets. */
  @Override
  public String toString() {
    String method = method();
    return kind + (method.isEmpty() ? "" : " " + method) + " (" + size() + " bytes)";
  }
}
