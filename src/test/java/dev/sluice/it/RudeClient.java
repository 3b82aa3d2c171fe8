package dev.sluice.it;

import static java.nio.charset.StandardCharsets.ISO_8859_1;
import static java.nio.charset.StandardCharsets.UTF_8;

import java.io.ByteArrayOutputStream;
import java.io.EOFException;
import java.io.IOException;
import java.io.InputStream;
import java.net.InetSocketAddress;
import java.net.Socket;
import java.net.URI;
import java.util.List;
import java.util.Set;

/**
 * One session of an MCP client that is dropped without a word. Every way of doing so is one {@link
 * Way}; a client is {@link #run} through one of them over bare sockets.
 */
final class RudeClient {

  /** What it does, by transport. */
  enum Way {
    HTTP_POSTS_INITIALIZE_AND_VANISHES,
    HTTP_RESETS_MID_CALL,
    HTTP_RESETS_AN_OPEN_STREAM,
    HTTP_RESETS_ITS_GET,
    HTTP_LEAVES_ITS_GET_HALF_OPEN,
    HTTP_RESETS_WITHIN_A_BODY,
    HTTP_ABANDONS_ITS_SESSION,
    HTTP_DELETES_MID_CALL,
    SSE_RESETS_AT_ONCE,
    SSE_RESETS_MID_CALL,
    SSE_LEAVES_WHILE_IT_POSTS,
    SSE_ENDS_WITHOUT_A_WORD,
    SSE_NEVER_READS,
    WS_RESETS_AT_ONCE,
    WS_RESETS_MID_CALL,
    WS_ENDS_WITHOUT_A_CLOSE,
    WS_RESETS_WITHIN_A_FRAME,
    WS_NEVER_READS
  }

  private static final String INITIALIZE =
      "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"initialize\",\"params\":{\"protocolVersion\":"
          + "\"2025-11-25\",\"capabilities\":{},\"clientInfo\":{\"name\":\"rude\",\"version\":\"1\"}}}";
  private static final String INITIALIZED =
      "{\"jsonrpc\":\"2.0\",\"method\":\"notifications/initialized\"}";
  private static final String HANG =
      "{\"jsonrpc\":\"2.0\",\"id\":2,\"method\":\"tools/call\",\"params\":{\"name\":\"hang\","
          + "\"arguments\":{}}}";
  private static final String SUBSCRIBE =
      "{\"jsonrpc\":\"2.0\",\"id\":3,\"method\":\"resources/subscribe\",\"params\":{\"uri\":\"x:/y\"}}";

  private final URI hub;
  private final String server;

  /** Sockets of peers that neither read nor leave. */
  private final Set<Socket> kept;

  RudeClient(URI hub, String server, Set<Socket> kept) {
    this.hub = hub;
    this.server = server;
    this.kept = kept;
  }

  void run(Way way) throws IOException {
    switch (way) {
      case HTTP_POSTS_INITIALIZE_AND_VANISHES -> reset(send(connect(), post("", INITIALIZE)));
      case HTTP_RESETS_MID_CALL -> reset(send(connect(), post(session(), HANG)));
      case HTTP_RESETS_AN_OPEN_STREAM -> {
        Socket call = connect();
        send(
            call,
            post(session(), HANG)
                .replace(
                    "application/json, text/event-stream", "text/event-stream, application/json"));
        head(call);
        reset(call);
      }
      case HTTP_RESETS_ITS_GET -> {
        Socket get = connect();
        send(get, get("", session()));
        head(get);
        reset(get);
      }
      case HTTP_LEAVES_ITS_GET_HALF_OPEN -> {
        String session = session();
        kept.add(send(connect(), get("", session)));
      }
      case HTTP_RESETS_WITHIN_A_BODY -> {
        String post = post(session(), HANG);
        reset(send(connect(), post.substring(0, post.length() - 20)));
      }
      case HTTP_ABANDONS_ITS_SESSION -> session();
      case HTTP_DELETES_MID_CALL -> {
        String session = session();
        Socket call = send(connect(), post(session, HANG));
        try (Socket delete = connect()) {
          send(delete, "DELETE /mcp/" + server + " HTTP/1.1\r\n" + host() + id(session) + "\r\n");
          head(delete);
        }
        call.close();
      }
      case SSE_RESETS_AT_ONCE -> {
        Socket stream = connect();
        send(stream, get("/sse", ""));
        endpoint(stream);
        reset(stream);
      }
      case SSE_RESETS_MID_CALL -> {
        Socket stream = connect();
        send(stream, get("/sse", ""));
        messages(stream, endpoint(stream), INITIALIZE, INITIALIZED, SUBSCRIBE, HANG);
        reset(stream);
      }
      case SSE_LEAVES_WHILE_IT_POSTS -> {
        Socket stream = connect();
        send(stream, get("/sse", ""));
        String endpoint = endpoint(stream);
        messages(stream, endpoint, INITIALIZE);
        String post = post(endpoint, "", HANG.replace("}}}", "}}}" + " ".repeat(1_000)));
        int half = post.length() / 2;
        Socket posting = send(connect(), post.substring(0, half));
        reset(stream);
        try {
          send(posting, post.substring(half));
          head(posting);
        } catch (IOException ended) {
          // the hub may have ended this too
        }
        posting.close();
      }
      case SSE_ENDS_WITHOUT_A_WORD -> {
        Socket stream = connect();
        send(stream, get("/sse", ""));
        messages(stream, endpoint(stream), INITIALIZE, INITIALIZED);
        stream.close();
      }
      case SSE_NEVER_READS -> {
        Socket stream = connect();
        send(stream, get("/sse", ""));
        kept.add(stream);
        messages(stream, endpoint(stream), INITIALIZE, INITIALIZED, HANG);
      }
      case WS_RESETS_AT_ONCE -> reset(upgrade());
      case WS_RESETS_MID_CALL -> {
        Socket socket = upgrade();
        frames(socket, INITIALIZE, INITIALIZED, SUBSCRIBE, HANG);
        reset(socket);
      }
      case WS_ENDS_WITHOUT_A_CLOSE -> {
        Socket socket = upgrade();
        frames(socket, INITIALIZE, INITIALIZED);
        socket.close();
      }
      case WS_RESETS_WITHIN_A_FRAME -> {
        Socket socket = upgrade();
        frames(socket, INITIALIZE);
        byte[] frame = frame(HANG);
        socket.getOutputStream().write(frame, 0, frame.length / 2);
        reset(socket);
      }
      case WS_NEVER_READS -> {
        Socket socket = upgrade();
        kept.add(socket);
        frames(socket, INITIALIZE, INITIALIZED, HANG);
      }
    }
  }

  private Socket connect() throws IOException {
    Socket socket = new Socket();
    socket.setReceiveBufferSize(4_096);
    socket.connect(new InetSocketAddress("127.0.0.1", hub.getPort()));
    socket.setTcpNoDelay(true);
    socket.setSoTimeout(30_000);
    return socket;
  }

  private static Socket send(Socket to, String text) throws IOException {
    to.getOutputStream().write(text.getBytes(ISO_8859_1));
    return to;
  }

  /** As a process that is killed with unread data does. */
  static void reset(Socket socket) throws IOException {
    socket.setSoLinger(true, 0);
    socket.close();
  }

  private String host() {
    return "Host: localhost:" + hub.getPort() + "\r\n";
  }

  private static String id(String session) {
    return session.isEmpty() ? "" : "Mcp-Session-Id: " + session + "\r\n";
  }

  private String post(String session, String body) {
    return post("/mcp/" + server, session, body);
  }

  private String post(String path, String session, String body) {
    return "POST "
        + path
        + " HTTP/1.1\r\n"
        + host()
        + id(session)
        + "Content-Type: application/json\r\nAccept: application/json, text/event-stream\r\n"
        + "Content-Length: "
        + body.length()
        + "\r\n\r\n"
        + body;
  }

  private String get(String below, String session) {
    return "GET /mcp/"
        + server
        + below
        + " HTTP/1.1\r\n"
        + host()
        + id(session)
        + "Accept: text/event-stream\r\n\r\n";
  }

  /** The head of an answer. */
  private static String head(Socket socket) throws IOException {
    return until(socket.getInputStream(), "\r\n\r\n");
  }

  private static String until(InputStream in, String end) throws IOException {
    StringBuilder text = new StringBuilder();
    while (text.indexOf(end) < 0) {
      int c = in.read();
      if (c < 0) {
        throw new EOFException("the hub ended the connection after " + text);
      }
      text.append((char) c);
    }
    return text.toString();
  }

  /** A session over Streamable HTTP, handshake done, connection gone. */
  private String session() throws IOException {
    try (Socket socket = connect()) {
      String head = head(send(socket, post("", INITIALIZE)));
      String session =
          head.lines()
              .filter(line -> line.regionMatches(true, 0, "Mcp-Session-Id:", 0, 15))
              .map(line -> line.substring(15).trim())
              .findFirst()
              .orElseThrow(() -> new IOException("no session: " + head));
      if (head.contains("chunked")) {
        until(socket.getInputStream(), "0\r\n\r\n");
      } else {
        until(socket.getInputStream(), "}}}");
      }
      head(send(socket, post(session, INITIALIZED)));
      return session;
    }
  }

  /** Where this HTTP+SSE client posts to. */
  private static String endpoint(Socket stream) throws IOException {
    head(stream);
    String event = until(stream.getInputStream(), "\n\n");
    int data = event.indexOf("data: ") + 6;
    return event.substring(data, event.indexOf('\n', data)).trim();
  }

  /** Posts messages, and waits on the stream for the answer to the first one. */
  private void messages(Socket stream, String endpoint, String... messages) throws IOException {
    try (Socket socket = connect()) {
      for (String message : messages) {
        String head = head(send(socket, post(endpoint, "", message)));
        if (!head.startsWith("HTTP/1.1 202")) {
          throw new IOException(message + " got " + head);
        }
        socket.getInputStream().readNBytes("Accepted".length());
        if (message.equals(INITIALIZE)) {
          until(stream.getInputStream(), "}}}");
        }
      }
    }
  }

  private Socket upgrade() throws IOException {
    Socket socket = connect();
    String head =
        head(
            send(
                socket,
                "GET /mcp/"
                    + server
                    + "/ws HTTP/1.1\r\n"
                    + host()
                    + "Upgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\n"
                    + "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"
                    + "Sec-WebSocket-Protocol: mcp\r\n\r\n"));
    if (!head.startsWith("HTTP/1.1 101")) {
      throw new IOException("not upgraded: " + head);
    }
    return socket;
  }

  /** Sends messages, and waits for the answer to the first one. */
  private static void frames(Socket socket, String... messages) throws IOException {
    for (String message : List.of(messages)) {
      socket.getOutputStream().write(frame(message));
      if (message.equals(INITIALIZE)) {
        until(socket.getInputStream(), "}}}");
      }
    }
  }

  private static byte[] frame(String message) {
    byte[] payload = message.getBytes(UTF_8);
    ByteArrayOutputStream frame = new ByteArrayOutputStream();
    frame.write(0x81);
    if (payload.length < 126) {
      frame.write(0x80 | payload.length);
    } else {
      frame.write(0x80 | 126);
      frame.write(payload.length >> 8);
      frame.write(payload.length);
    }
    frame.writeBytes(new byte[4]); // a mask of zeros is one too
    frame.writeBytes(payload);
    return frame.toByteArray();
  }
}
