package dev.sluice.it;

import static java.nio.charset.StandardCharsets.ISO_8859_1;
import static java.nio.charset.StandardCharsets.UTF_8;

import dev.sluice.jsonrpc.Envelope;
import dev.sluice.jsonrpc.Envelope.Kind;
import dev.sluice.jsonrpc.MalformedMessageException;
import java.io.BufferedInputStream;
import java.io.ByteArrayOutputStream;
import java.io.DataInputStream;
import java.io.IOException;
import java.io.OutputStream;
import java.io.PushbackInputStream;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.net.SocketTimeoutException;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.Base64;
import java.util.Locale;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.UUID;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;

/**
 * {@link RawEchoServer} over bare sockets: Streamable HTTP of both eras at {@code /mcp}, HTTP+SSE
 * at {@code /sse} and WebSocket at {@code /ws}. One thread a connection.
 */
final class RawEchoSockets implements AutoCloseable {

  private record Head(String method, String path, Map<String, String> headers) {
    String header(String name) {
      return headers.getOrDefault(name, "");
    }
  }

  /** How long a connection may wait for its next request, as with most servers. */
  private static final int IDLE_MILLIS = 5_000;

  private final ServerSocket listening;
  private final Set<Socket> sockets = ConcurrentHashMap.newKeySet();
  private final Map<String, RawEchoServer> sessions = new ConcurrentHashMap<>();
  private final Map<String, RawEchoServer.Out> streams = new ConcurrentHashMap<>();
  private final AtomicInteger opened = new AtomicInteger();
  private final AtomicInteger hanging = new AtomicInteger();

  RawEchoSockets() throws IOException {
    listening = new ServerSocket(0, 200, InetAddress.getLoopbackAddress());
    thread("raw-accept", this::accept);
  }

  private static void thread(String name, Runnable task) {
    Thread thread = new Thread(task, name);
    thread.setDaemon(true);
    thread.start();
  }

  /** Where it is reached over {@code http}, {@code sse} or {@code ws}. */
  String url(String kind) {
    String authority = "://127.0.0.1:" + listening.getLocalPort();
    return switch (kind) {
      case "http" -> "http" + authority + "/mcp";
      case "sse" -> "http" + authority + "/sse";
      default -> "ws" + authority + "/ws";
    };
  }

  /** Sessions that were neither deleted nor, with their stream or socket, cut. */
  int sessions() {
    return sessions.size();
  }

  /** Sessions that ever were. */
  int opened() {
    return opened.get();
  }

  /** Requests over Streamable HTTP that wait for their answers. */
  int hanging() {
    return hanging.get();
  }

  private void accept() {
    while (!listening.isClosed()) {
      try {
        Socket socket = listening.accept();
        socket.setTcpNoDelay(true);
        sockets.add(socket);
        thread("raw-serve", () -> serve(socket));
      } catch (IOException closed) {
        return;
      }
    }
  }

  private void serve(Socket socket) {
    try (socket) {
      PushbackInputStream in =
          new PushbackInputStream(new BufferedInputStream(socket.getInputStream(), 65_536));
      OutputStream out = socket.getOutputStream();
      while (true) {
        socket.setSoTimeout(IDLE_MILLIS);
        Head head = head(in);
        socket.setSoTimeout(0);
        if (head == null || !answer(socket, head, in, out)) {
          return;
        }
      }
    } catch (IOException | MalformedMessageException | InterruptedException gone) {
      // the peer sees the end of the connection
    } finally {
      sockets.remove(socket);
    }
  }

  /** Serves one request; false when the connection has done. */
  private boolean answer(Socket socket, Head head, PushbackInputStream in, OutputStream out)
      throws IOException, MalformedMessageException, InterruptedException {
    String path = head.path.split("\\?", 2)[0];
    switch (head.method + " " + path) {
      case "POST /mcp" -> {
        return post(socket, head, in, out);
      }
      case "GET /mcp" -> stream(in, out, "");
      case "DELETE /mcp" -> {
        sessions.remove(head.header("mcp-session-id"));
        respond(out, "200 OK", "", "");
        return true;
      }
      case "GET /sse" -> {
        String id = open(new RawEchoServer());
        streams.put(id, message -> chunk(out, "event: message\ndata: " + message + "\n\n"));
        try {
          stream(in, out, "event: endpoint\ndata: /messages?session_id=" + id + "\n\n");
        } finally {
          sessions.remove(id);
          streams.remove(id);
        }
      }
      case "POST /messages" -> {
        String id = head.path.substring(head.path.indexOf('=') + 1);
        String body = body(head, in);
        RawEchoServer session = sessions.get(id);
        RawEchoServer.Out stream = streams.get(id);
        if (session == null || stream == null) {
          respond(out, "404 Not Found", "", "");
          return true;
        }
        respond(out, "202 Accepted", "text/plain", "Accepted");
        session.received(body, stream);
        return true;
      }
      case "GET /ws" -> {
        RawEchoServer session = new RawEchoServer();
        String id = open(session);
        try {
          socket(head, in, out, session);
        } finally {
          sessions.remove(id);
        }
      }
      default -> respond(out, "404 Not Found", "", "");
    }
    return false;
  }

  private String open(RawEchoServer session) {
    String id = UUID.randomUUID().toString();
    sessions.put(id, session);
    opened.incrementAndGet();
    return id;
  }

  private static Head head(PushbackInputStream in) throws IOException {
    String request = line(in);
    if (request.isEmpty()) {
      return null;
    }
    Map<String, String> headers = new TreeMap<>();
    for (String line = line(in); !line.isEmpty(); line = line(in)) {
      int colon = line.indexOf(':');
      headers.put(
          line.substring(0, colon).toLowerCase(Locale.ROOT), line.substring(colon + 1).trim());
    }
    String[] parts = request.split(" ");
    return new Head(parts[0], parts[1], headers);
  }

  private static String line(PushbackInputStream in) throws IOException {
    ByteArrayOutputStream line = new ByteArrayOutputStream();
    for (int c = in.read(); c != '\n'; c = in.read()) {
      if (c < 0) {
        return "";
      }
      if (c != '\r') {
        line.write(c);
      }
    }
    return line.toString(ISO_8859_1);
  }

  private static String body(Head head, PushbackInputStream in) throws IOException {
    if (!head.header("transfer-encoding").equals("chunked")) {
      return new String(in.readNBytes(Integer.parseInt(head.header("content-length"))), UTF_8);
    }
    ByteArrayOutputStream body = new ByteArrayOutputStream();
    for (int size = Integer.parseInt(line(in), 16);
        size > 0;
        size = Integer.parseInt(line(in), 16)) {
      body.write(in.readNBytes(size));
      line(in);
    }
    line(in);
    return body.toString(UTF_8);
  }

  private static void respond(OutputStream out, String status, String type, String body)
      throws IOException {
    byte[] bytes = body.getBytes(UTF_8);
    ByteArrayOutputStream whole = new ByteArrayOutputStream();
    String head =
        "HTTP/1.1 "
            + status
            + "\r\n"
            + (type.isEmpty() ? "" : "Content-Type: " + type + "\r\n")
            + "Content-Length: "
            + bytes.length
            + "\r\n\r\n";
    whole.write(head.getBytes(ISO_8859_1));
    whole.write(bytes);
    synchronized (out) {
      whole.writeTo(out);
    }
  }

  private static void chunk(OutputStream out, String text) throws IOException {
    byte[] bytes = text.getBytes(UTF_8);
    ByteArrayOutputStream whole = new ByteArrayOutputStream();
    whole.write((Integer.toHexString(bytes.length) + "\r\n").getBytes(ISO_8859_1));
    whole.write(bytes);
    whole.write("\r\n".getBytes(ISO_8859_1));
    synchronized (out) {
      whole.writeTo(out);
    }
  }

  private static void streamHead(OutputStream out) throws IOException {
    synchronized (out) {
      out.write(
          ("HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n"
                  + "Transfer-Encoding: chunked\r\n\r\n")
              .getBytes(ISO_8859_1));
    }
  }

  /** Holds an event stream until the peer closes it. */
  private static void stream(PushbackInputStream in, OutputStream out, String first)
      throws IOException {
    streamHead(out);
    chunk(out, first.isEmpty() ? ": open\n\n" : first);
    int end = in.read();
    if (end >= 0) {
      throw new IOException("a request behind an open stream");
    }
  }

  private boolean post(Socket socket, Head head, PushbackInputStream in, OutputStream out)
      throws IOException, MalformedMessageException, InterruptedException {
    String body = body(head, in);
    Envelope message = Envelope.read(body.getBytes(UTF_8));
    String id = head.header("mcp-session-id");
    RawEchoServer session = id.isEmpty() ? new RawEchoServer() : sessions.get(id);
    if (session == null) {
      respond(out, "404 Not Found", "", "");
      return true;
    }
    if (message.kind() != Kind.REQUEST) {
      session.received(body, unused -> {});
      respond(out, "202 Accepted", "", "");
      return true;
    }
    String fresh = "";
    if (message.method().equals("initialize")) {
      fresh = open(session);
    }
    Reply reply = new Reply(out, fresh);
    hanging.incrementAndGet();
    try {
      session.received(body, reply);
      return reply.await(socket, in);
    } finally {
      hanging.decrementAndGet();
    }
  }

  /** The answer to one POST: one JSON body if the answer comes alone, else an event stream. */
  private static final class Reply implements RawEchoServer.Out {
    private final OutputStream out;
    private final String session;
    private final CountDownLatch answered = new CountDownLatch(1);
    private boolean streaming;

    Reply(OutputStream out, String session) {
      this.out = out;
      this.session = session;
    }

    @Override
    public synchronized void send(String message) throws IOException {
      boolean answer;
      try {
        Kind kind = Envelope.read(message.getBytes(UTF_8)).kind();
        answer = kind == Kind.RESPONSE || kind == Kind.ERROR;
      } catch (MalformedMessageException ours) {
        throw new IOException(ours);
      }
      if (!streaming && answer) {
        respond(
            out,
            "200 OK" + (session.isEmpty() ? "" : "\r\nMcp-Session-Id: " + session),
            "application/json",
            message);
      } else {
        if (!streaming) {
          streamHead(out);
          streaming = true;
        }
        chunk(out, "event: message\ndata: " + message + "\n\n" + (answer ? ": end\n\n" : ""));
        if (answer) {
          synchronized (out) {
            out.write("0\r\n\r\n".getBytes(ISO_8859_1));
          }
        }
      }
      if (answer) {
        answered.countDown();
      }
    }

    /** Until it is answered; false if the peer has gone before. */
    boolean await(Socket socket, PushbackInputStream in) throws IOException, InterruptedException {
      while (!answered.await(0, TimeUnit.SECONDS)) {
        socket.setSoTimeout(50);
        try {
          int next = in.read();
          if (next < 0) {
            return false;
          }
          in.unread(next);
          answered.await();
        } catch (SocketTimeoutException still) {
          continue;
        }
      }
      socket.setSoTimeout(0);
      return true;
    }
  }

  // WebSocket.

  private static void socket(
      Head head, PushbackInputStream in, OutputStream out, RawEchoServer session)
      throws IOException, MalformedMessageException, InterruptedException {
    byte[] digest;
    try {
      digest =
          MessageDigest.getInstance("SHA-1")
              .digest(
                  (head.header("sec-websocket-key") + "258EAFA5-E914-47DA-95CA-C5AB0DC85B11")
                      .getBytes(ISO_8859_1));
    } catch (NoSuchAlgorithmException impossible) {
      throw new IOException(impossible);
    }
    out.write(
        ("HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
                + "Sec-WebSocket-Protocol: mcp\r\nSec-WebSocket-Accept: "
                + Base64.getEncoder().encodeToString(digest)
                + "\r\n\r\n")
            .getBytes(ISO_8859_1));
    DataInputStream frames = new DataInputStream(in);
    ByteArrayOutputStream message = new ByteArrayOutputStream();
    while (true) {
      int first = frames.readUnsignedByte();
      long length = frames.readUnsignedByte() & 0x7f;
      if (length == 126) {
        length = frames.readUnsignedShort();
      } else if (length == 127) {
        length = frames.readLong();
      }
      byte[] mask = frames.readNBytes(4);
      byte[] payload = frames.readNBytes((int) length);
      for (int i = 0; i < payload.length; i++) {
        payload[i] ^= mask[i % 4];
      }
      switch (first & 0x0f) {
        case 8 -> {
          frame(out, 8, payload);
          return;
        }
        case 9 -> frame(out, 10, payload);
        case 10 -> {
          // nobody asked
        }
        default -> {
          message.write(payload);
          if ((first & 0x80) != 0) {
            String text = message.toString(UTF_8);
            message.reset();
            session.received(text, answer -> frame(out, 1, answer.getBytes(UTF_8)));
          }
        }
      }
    }
  }

  private static void frame(OutputStream out, int opcode, byte[] payload) throws IOException {
    ByteArrayOutputStream frame = new ByteArrayOutputStream(payload.length + 10);
    frame.write(0x80 | opcode);
    if (payload.length < 126) {
      frame.write(payload.length);
    } else if (payload.length < 65_536) {
      frame.write(126);
      frame.write(payload.length >> 8);
      frame.write(payload.length);
    } else {
      frame.write(127);
      for (int i = 7; i >= 0; i--) {
        frame.write((int) ((long) payload.length >> (8 * i)));
      }
    }
    frame.writeBytes(payload);
    synchronized (out) {
      frame.writeTo(out);
    }
  }

  @Override
  public void close() throws IOException {
    listening.close();
    for (Socket socket : sockets) {
      socket.close();
    }
  }
}
