package dev.sluice.bench;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.Selector;
import java.nio.charset.StandardCharsets;
import java.util.concurrent.CompletableFuture;
import org.jspecify.annotations.Nullable;

/**
 * One session of a client: opens it, then makes one call after the other, each with an argument of
 * its own, and looks whether the answer is that call's. Ids begin at 1 in every session, as those
 * of real clients do. Used by the selector thread only.
 */
abstract sealed class McpClient {

  /** How it speaks. */
  enum Transport {
    STREAMABLE("Streamable HTTP"),
    SSE("HTTP+SSE"),
    WEBSOCKET("WebSocket");

    final String title;

    Transport(String title) {
      this.title = title;
    }
  }

  /** Where it connects: {@code path} is that of the transport's first request. */
  record Target(Transport transport, int port, String path) {}

  final CompletableFuture<McpClient> opened = new CompletableFuture<>();
  final Target target;
  final Selector selector;

  private final int index;
  private final byte[] message = new byte[256];
  private int id;
  private long sentAt;
  private int textStart;
  private int textEnd;
  private boolean waiting;
  private boolean initialized;
  private boolean over;
  private @Nullable CallTally tally;
  private Runnable idle = () -> {};

  McpClient(Target target, int index, Selector selector) {
    this.target = target;
    this.index = index;
    this.selector = selector;
  }

  /** Begins to open a session; {@link #opened} tells when calls may be made. */
  static McpClient open(Target target, int index, Selector selector) throws IOException {
    McpClient client =
        switch (target.transport()) {
          case STREAMABLE -> new Streamable(target, index, selector);
          case SSE -> new Sse(target, index, selector);
          case WEBSOCKET -> new WebSocket(target, index, selector);
        };
    client.begin();
    return client;
  }

  abstract void begin() throws IOException;

  /** Sends one message. */
  abstract void send(byte[] buffer, int length) throws IOException;

  /** Whether another message may be sent. */
  abstract boolean isFree();

  abstract void closeWires();

  /** Makes calls until the tally's time is over; calls {@code whenIdle} then. */
  void run(CallTally into, Runnable whenIdle) throws IOException {
    tally = into;
    idle = whenIdle;
    call();
  }

  /** Whether a call of it has no answer. */
  boolean isWaiting() {
    return waiting;
  }

  void close() {
    over = true;
    closeWires();
  }

  void initialize() throws IOException {
    waiting = true;
    String version = target.transport() == Transport.SSE ? "2024-11-05" : "2025-06-18";
    text(
        "{\"jsonrpc\":\"2.0\",\"id\":0,\"method\":\"initialize\",\"params\":{\"protocolVersion\":\""
            + version
            + "\",\"capabilities\":{},\"clientInfo\":{\"name\":\"bench\",\"version\":\"1\"}}}");
  }

  private void text(String text) throws IOException {
    byte[] bytes = text.getBytes(StandardCharsets.UTF_8);
    send(bytes, bytes.length);
  }

  private static final byte[] HEAD = ascii("{\"jsonrpc\":\"2.0\",\"id\":");
  private static final byte[] MIDDLE = ascii(",\"method\":\"tools/call\",\"params\":{\"name\":\"");
  private static final byte[] ARGUMENT = ascii("\",\"arguments\":{\"text\":\"session ");
  private static final byte[] CALL = ascii(", call ");
  private static final byte[] TAIL = ascii("\"}}}");

  static byte[] ascii(String text) {
    return text.getBytes(StandardCharsets.US_ASCII);
  }

  private void call() throws IOException {
    CallTally to = tally;
    if (to == null) {
      return;
    }
    id++;
    int at = put(message, 0, HEAD);
    at = put(message, at, id);
    at = put(message, at, MIDDLE);
    for (int i = 0; i < to.tool.length(); i++) {
      message[at++] = (byte) to.tool.charAt(i);
    }
    textStart = at + ARGUMENT.length - "session ".length();
    at = put(message, at, ARGUMENT);
    at = put(message, at, index);
    at = put(message, at, CALL);
    at = put(message, at, id);
    textEnd = at;
    at = put(message, at, TAIL);
    waiting = true;
    sentAt = System.nanoTime();
    send(message, at);
  }

  private static int put(byte[] to, int at, byte[] from) {
    System.arraycopy(from, 0, to, at, from.length);
    return at + from.length;
  }

  private static int put(byte[] to, int at, int number) {
    int digits = 1;
    for (int rest = number / 10; rest > 0; rest /= 10) {
      digits++;
    }
    int rest = number;
    for (int i = at + digits - 1; i >= at; i--) {
      to[i] = (byte) ('0' + rest % 10);
      rest /= 10;
    }
    return at + digits;
  }

  /** A message has come. */
  final void received(byte[] buffer, int offset, int length) throws IOException {
    int answers = -1;
    int text = 0;
    int end = offset + length;
    for (int i = offset; i < end - 6; i++) {
      if (buffer[i] != '"') {
        continue;
      }
      if (buffer[i + 1] == 't' && end - i > 8 && is(buffer, i, "\"text\":\"")) {
        text = i + 8;
        // Nothing but the end of a message has members behind a long text.
        i = Math.max(text + textEnd - textStart, end - 64);
      } else if (buffer[i + 1] == 'i' && is(buffer, i, "\"id\":")) {
        answers = number(buffer, i + 5);
      } else if (buffer[i + 1] == 'm' && end - i > 9 && is(buffer, i, "\"method\":")) {
        asked(new String(buffer, offset, length, StandardCharsets.UTF_8));
        return;
      }
    }
    if (!waiting || answers != id) {
      if (tally != null) {
        tally.strays++;
      }
      return;
    }
    waiting = false;
    if (!initialized) {
      initialized = true;
      if (isFree()) {
        free();
      }
      return;
    }
    CallTally to = tally;
    if (to == null) {
      return;
    }
    boolean right =
        text > 0
            && text + textEnd - textStart < end
            && java.util.Arrays.equals(
                message, textStart, textEnd, buffer, text, text + textEnd - textStart)
            && (to.tool.equals("large")
                ? length > EchoAnswers.LARGE_BYTES
                : buffer[text + textEnd - textStart] == '"');
    if (right) {
      long now = System.nanoTime();
      to.answered(now, now - sentAt);
    } else {
      to.wrong(new String(buffer, offset, length, StandardCharsets.UTF_8));
    }
    if (isFree()) {
      free();
    }
  }

  private static boolean is(byte[] buffer, int at, String wanted) {
    for (int i = 0; i < wanted.length(); i++) {
      if (buffer[at + i] != wanted.charAt(i)) {
        return false;
      }
    }
    return true;
  }

  private static int number(byte[] buffer, int from) {
    int number = 0;
    for (int at = from; buffer[at] >= '0' && buffer[at] <= '9'; at++) {
      number = number * 10 + buffer[at] - '0';
    }
    return number;
  }

  /** The server asks: it is answered if it is a request, which here is a ping. */
  private void asked(String text) throws IOException {
    int at = text.indexOf("\"id\":");
    if (at < 0 || target.transport() != Transport.WEBSOCKET) {
      return;
    }
    int end = at + 5;
    while (text.charAt(end) != ',' && text.charAt(end) != '}') {
      end++;
    }
    text("{\"jsonrpc\":\"2.0\"," + text.substring(at, end) + ",\"result\":{}}");
  }

  /** The transport may send, and the last call, if any, may have been answered. */
  final void free() throws IOException {
    if (waiting || over) {
      return;
    }
    if (!opened.isDone()) {
      if (id == 0 && initialized) {
        id = -1; // the notification is on its way
        text("{\"jsonrpc\":\"2.0\",\"method\":\"notifications/initialized\"}");
        if (target.transport() == Transport.WEBSOCKET) {
          free();
        }
      } else if (initialized) {
        id = 0;
        opened.complete(this);
      }
      return;
    }
    CallTally to = tally;
    if (to == null) {
      return;
    }
    if (System.nanoTime() < to.stopAt) {
      call();
    } else {
      tally = null;
      idle.run();
    }
  }

  /** The call was refused by the transport: no answer comes. */
  final void refused(String why) {
    if (!opened.isDone()) {
      opened.completeExceptionally(new IOException("a session was refused: " + why));
    } else if (waiting && tally != null) {
      tally.wrong(why);
    }
    waiting = false;
  }

  final boolean initialized() {
    return initialized;
  }

  /** A connection is over that was needed. */
  public void lost(IOException why) {
    opened.completeExceptionally(why);
    if (!over && tally != null) {
      tally.wrong(String.valueOf(why));
    }
  }

  private static byte[] post(String path, String more) {
    return ascii(
        "POST "
            + path
            + " HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\n"
            + "Accept: application/json, text/event-stream\r\n"
            + more
            + "Content-Length: ");
  }

  /** Posts messages on one connection, one after the other. */
  private abstract static sealed class OverHttp extends McpClient implements HttpResponses.Sink {
    private @Nullable Wire posts;
    private byte[] head = new byte[0];
    private final byte[] out = new byte[1024];
    private boolean free = true;
    private int status;
    private boolean last; // response on its connection

    OverHttp(Target target, int index, Selector selector) {
      super(target, index, selector);
    }

    void postTo(String path, String headers) {
      head = post(path, headers);
    }

    @Override
    void send(byte[] buffer, int length) throws IOException {
      Wire to = posts;
      if (to == null) { // the first, or the server takes so many requests on a connection only
        to = new Wire(selector, target.port(), new HttpResponses(this));
        posts = to;
      }
      free = false;
      int at = put(out, 0, head);
      at = put(out, at, length);
      out[at++] = '\r';
      out[at++] = '\n';
      out[at++] = '\r';
      out[at++] = '\n';
      System.arraycopy(buffer, 0, out, at, length);
      to.send(ByteBuffer.wrap(out, 0, at + length));
    }

    @Override
    boolean isFree() {
      return free;
    }

    @Override
    void closeWires() {
      closePosts();
    }

    @Nullable Wire wire() {
      return posts;
    }

    private void closePosts() {
      Wire open = posts;
      posts = null;
      if (open != null) {
        open.close();
      }
    }

    @Override
    public void head(int status, String session, boolean last) throws IOException {
      this.status = status;
      this.last = last;
    }

    /** Whether what was posted was taken; else the answer's body says why. */
    boolean isTaken() {
      return status < 300;
    }

    @Override
    public void lost(IOException why) {
      if (free && initialized()) {
        posts = null; // it was idle
      } else {
        super.lost(why);
      }
    }

    @Override
    public void end() throws IOException {
      free = true;
      if (last) {
        closePosts();
      }
      if (!isTaken()) {
        refused("status " + status);
      }
      free();
    }
  }

  private static final class Streamable extends OverHttp {
    private byte[] end = new byte[0];

    Streamable(Target target, int index, Selector selector) {
      super(target, index, selector);
    }

    @Override
    void begin() throws IOException {
      postTo(target.path(), "");
      initialize();
    }

    @Override
    public void head(int status, String session, boolean last) throws IOException {
      super.head(status, session, last);
      if (!opened.isDone() && !session.isEmpty()) {
        String headers = "Mcp-Session-Id: " + session + "\r\nMCP-Protocol-Version: 2025-06-18\r\n";
        postTo(target.path(), headers);
        end =
            ascii(
                "DELETE " + target.path() + " HTTP/1.1\r\nHost: 127.0.0.1\r\n" + headers + "\r\n");
      }
    }

    /** A session of this transport outlives its connections unless it is ended. */
    @Override
    void closeWires() {
      Wire wire = wire();
      if (wire != null && end.length > 0 && isFree()) {
        try {
          wire.send(ByteBuffer.wrap(end));
        } catch (IOException gone) {
          Bench.LOG.log(System.Logger.Level.DEBUG, "a session was gone before it was ended");
        }
      }
      super.closeWires();
    }

    @Override
    public void data(String event, byte[] buffer, int offset, int length) throws IOException {
      if (isTaken()) {
        received(buffer, offset, length);
      } else {
        refused(new String(buffer, offset, length, StandardCharsets.UTF_8));
      }
    }

    @Override
    public void end() throws IOException {
      if (isWaiting()) {
        refused("a response without an answer");
      }
      super.end();
    }
  }

  private static final class Sse extends OverHttp {
    private @Nullable Wire stream;

    Sse(Target target, int index, Selector selector) {
      super(target, index, selector);
    }

    @Override
    void begin() throws IOException {
      stream = new Wire(selector, target.port(), new HttpResponses(new Stream()));
      stream.send(
          ByteBuffer.wrap(
              ascii(
                  "GET "
                      + target.path()
                      + " HTTP/1.1\r\nHost: 127.0.0.1\r\nAccept: text/event-stream\r\n\r\n")));
    }

    @Override
    public void data(String event, byte[] buffer, int offset, int length) {
      // "Accepted", or why not: the status says enough.
    }

    @Override
    void closeWires() {
      super.closeWires();
      Wire open = stream;
      if (open != null) {
        open.close();
      }
    }

    private final class Stream implements HttpResponses.Sink {
      @Override
      public void head(int status, String session, boolean last) throws IOException {
        if (status != 200) {
          throw new IOException("the stream was answered with " + status);
        }
      }

      @Override
      public void data(String event, byte[] buffer, int offset, int length) throws IOException {
        if (event.equals("endpoint")) {
          postTo(new String(buffer, offset, length, StandardCharsets.UTF_8), "");
          initialize();
        } else {
          received(buffer, offset, length);
        }
      }

      @Override
      public void end() throws IOException {
        throw new IOException("the stream ended");
      }

      @Override
      public void lost(IOException why) {
        Sse.this.lost(why);
      }
    }
  }

  private static final class WebSocket extends McpClient implements WebSocketMessages.Sink {
    private @Nullable Wire wire;
    private byte[] out = new byte[512];

    WebSocket(Target target, int index, Selector selector) {
      super(target, index, selector);
    }

    @Override
    void begin() throws IOException {
      wire = new Wire(selector, target.port(), new WebSocketMessages(this));
      wire.send(
          ByteBuffer.wrap(
              ascii(
                  "GET "
                      + target.path()
                      + " HTTP/1.1\r\nHost: 127.0.0.1\r\nUpgrade: websocket\r\n"
                      + "Connection: Upgrade\r\nSec-WebSocket-Version: 13\r\n"
                      + "Sec-WebSocket-Protocol: mcp\r\n"
                      + "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n")));
    }

    @Override
    public void opened() throws IOException {
      initialize();
    }

    @Override
    public void message(byte[] buffer, int offset, int length) throws IOException {
      received(buffer, offset, length);
    }

    @Override
    public void ping(byte[] payload) throws IOException {
      frame(0x8a, payload, payload.length);
    }

    @Override
    void send(byte[] buffer, int length) throws IOException {
      frame(0x81, buffer, length);
    }

    /** A mask of zeroes spares the client the work; the server unmasks as ever. */
    private void frame(int first, byte[] buffer, int length) throws IOException {
      Wire to = wire;
      if (to == null) {
        throw new IOException("there is no socket");
      }
      int at = 0;
      out[at++] = (byte) first;
      if (length < 126) {
        out[at++] = (byte) (0x80 | length);
      } else {
        out[at++] = (byte) (0x80 | 126);
        out[at++] = (byte) (length >> 8);
        out[at++] = (byte) length;
      }
      for (int mask = 0; mask < 4; mask++) {
        out[at++] = 0;
      }
      System.arraycopy(buffer, 0, out, at, length);
      to.send(ByteBuffer.wrap(out, 0, at + length));
    }

    @Override
    boolean isFree() {
      return true;
    }

    @Override
    void closeWires() {
      Wire open = wire;
      if (open != null) {
        open.close();
      }
    }
  }
}
