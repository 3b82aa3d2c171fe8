package dev.sluice.servers.upstream;

import static java.nio.charset.StandardCharsets.UTF_8;

import dev.sluice.jsonrpc.Envelope;
import dev.sluice.jsonrpc.Envelope.Part;
import dev.sluice.jsonrpc.MalformedMessageException;
import java.io.DataInputStream;
import java.io.IOException;
import java.io.OutputStream;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.net.URI;
import java.security.MessageDigest;
import java.util.Base64;
import java.util.List;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.CountDownLatch;

/** MCP over WebSocket on a raw socket (RFC 6455), with the manners of gomcp on demand. */
final class WebSocketTestServer implements AutoCloseable {

  final Set<String> faults = ConcurrentHashMap.newKeySet();
  final List<String> log = new CopyOnWriteArrayList<>();
  final CountDownLatch answer = new CountDownLatch(1);
  private final List<Socket> sockets = new CopyOnWriteArrayList<>();
  private final ServerSocket listening;

  WebSocketTestServer() throws IOException {
    listening = new ServerSocket(0, 50, InetAddress.getLoopbackAddress());
    Thread acceptor = new Thread(this::accept, "ws-accept");
    acceptor.setDaemon(true);
    acceptor.start();
  }

  URI url() {
    return URI.create("ws://127.0.0.1:" + listening.getLocalPort() + "/ws");
  }

  private void accept() {
    while (!listening.isClosed()) {
      try {
        Socket socket = listening.accept();
        sockets.add(socket);
        Thread thread = new Thread(() -> serve(socket), "ws-serve");
        thread.setDaemon(true);
        thread.start();
      } catch (IOException closed) {
        return;
      }
    }
  }

  private void serve(Socket socket) {
    try (socket) {
      DataInputStream in = new DataInputStream(socket.getInputStream());
      OutputStream out = socket.getOutputStream();
      if (handshake(in, out)) {
        frames(in, out);
      }
    } catch (Exception gone) {
      log.add("gone");
    }
  }

  private boolean handshake(DataInputStream in, OutputStream out) throws Exception {
    StringBuilder head = new StringBuilder();
    while (head.indexOf("\r\n\r\n") < 0) {
      head.append((char) in.readUnsignedByte());
    }
    String key = "";
    for (String line : head.toString().split("\r\n")) {
      if (line.toLowerCase().startsWith("sec-websocket-key:")) {
        key = line.substring(18).trim();
      }
      if (line.toLowerCase().startsWith("sec-websocket-protocol:")) {
        log.add("offered " + line.substring(23).trim());
      }
      if (line.toLowerCase().startsWith("x-key:")) {
        log.add(line);
      }
    }
    if (faults.contains("late")) {
      answer.await();
    }
    if (faults.contains("refuse")) {
      out.write("HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\n\r\n".getBytes(UTF_8));
      return false;
    }
    byte[] digest =
        MessageDigest.getInstance("SHA-1")
            .digest((key + "258EAFA5-E914-47DA-95CA-C5AB0DC85B11").getBytes(UTF_8));
    String protocol = faults.contains("gomcp") ? "" : "Sec-WebSocket-Protocol: mcp\r\n";
    out.write(
        ("HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
                + protocol
                + "Sec-WebSocket-Accept: "
                + Base64.getEncoder().encodeToString(digest)
                + "\r\n\r\n")
            .getBytes(UTF_8));
    return true;
  }

  private void frames(DataInputStream in, OutputStream out) throws Exception {
    java.io.ByteArrayOutputStream message = new java.io.ByteArrayOutputStream();
    while (true) {
      int first = in.readUnsignedByte();
      long length = in.readUnsignedByte() & 0x7f;
      if (length == 126) {
        length = in.readUnsignedShort();
      } else if (length == 127) {
        length = in.readLong();
      }
      byte[] mask = in.readNBytes(4);
      byte[] payload = in.readNBytes((int) length);
      for (int i = 0; i < payload.length; i++) {
        payload[i] ^= mask[i % 4];
      }
      int opcode = first & 0x0f;
      if (opcode == 8) {
        log.add("close " + (((payload[0] & 0xff) << 8) | (payload[1] & 0xff)));
        frame(out, 8, payload, true);
        return;
      }
      if (opcode == 9) {
        log.add("ping");
        if (!faults.contains("mute")) {
          frame(out, 10, payload, true);
        }
        continue;
      }
      if (opcode == 10) {
        log.add("pong " + new String(payload, UTF_8));
        continue;
      }
      message.write(payload);
      if ((first & 0x80) != 0) {
        byte[] whole = message.toByteArray();
        message.reset();
        received(out, whole);
      }
    }
  }

  private static synchronized void frame(OutputStream out, int opcode, byte[] payload, boolean last)
      throws IOException {
    java.io.ByteArrayOutputStream frame = new java.io.ByteArrayOutputStream();
    frame.write((last ? 0x80 : 0) | opcode);
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
    out.write(frame.toByteArray());
    out.flush();
  }

  private static void text(OutputStream out, String text) throws IOException {
    frame(out, 1, text.getBytes(UTF_8), true);
  }

  private void received(OutputStream out, byte[] bytes)
      throws IOException, MalformedMessageException {
    Envelope message = Envelope.read(bytes);
    log.add(message.method() + (message.has(Part.REQUEST_ID) ? " cancels" : ""));
    boolean gomcp = faults.contains("gomcp");
    if (message.kind() != Envelope.Kind.REQUEST) {
      if (gomcp) {
        text(out, "{\"jsonrpc\":\"2.0\"}");
        text(
            out, "{\"jsonrpc\":\"2.0\",\"id\":null,\"error\":{\"code\":-32601,\"message\":\"x\"}}");
        text(out, "{\"jsonrpc\":\"2.0\",\"method\":\"notifications/tools/list_changed\"}");
      }
      return;
    }
    switch (message.method()) {
      case "initialize" -> {
        String version = message.string(Part.PROTOCOL_VERSION);
        if (gomcp && !"2025-03-26".equals(version)) {
          reply(out, Envelope.error(message, -32603, "unsupported protocol version"));
        } else {
          reply(
              out,
              Envelope.response(
                  message,
                  "{\"protocolVersion\":\""
                      + version
                      + "\",\"capabilities\":{\"tools\":{}},\"serverInfo\":{\"name\":\"ws\"}}"));
        }
      }
      case "tools/list" -> reply(out, Envelope.response(message, "{\"tools\":[{\"name\":\"a\"}]}"));
      case "tools/call" -> call(out, message, String.valueOf(message.string(Part.NAME)));
      default -> reply(out, Envelope.response(message, "{}"));
    }
  }

  private static void reply(OutputStream out, Envelope message) throws IOException {
    frame(out, 1, message.bytes(), true);
  }

  private static void call(OutputStream out, Envelope message, String tool) throws IOException {
    byte[] answer = Envelope.response(message, "{\"tool\":\"\u00e9" + tool + "\"}").bytes();
    switch (tool) {
      case "never" -> {}
      case "fragments" -> {
        for (int i = 0; i < answer.length; i++) {
          frame(out, i == 0 ? 1 : 0, new byte[] {answer[i]}, i == answer.length - 1);
        }
      }
      case "garbage" -> {
        text(out, "{\"jsonrpc\":");
        text(out, "[".repeat(10_000));
        frame(out, 9, "hi".getBytes(UTF_8), true);
        frame(out, 1, answer, true);
      }
      case "echo" ->
          reply(out, Envelope.response(message, "{\"echo\":" + message.json(Part.PARAMS) + "}"));
      case "binary" -> frame(out, 2, new byte[] {1, 2}, true);
      case "invalid-utf8" -> frame(out, 1, new byte[] {(byte) 0xff}, true);
      case "huge" -> {
        byte[] piece = "x".repeat(1 << 20).getBytes(UTF_8);
        for (int i = 0; i < 17; i++) {
          frame(out, i == 0 ? 1 : 0, piece, false);
        }
      }
      case "leave" -> frame(out, 8, new byte[] {0x03, (byte) 0xf4, 'b', 'y', 'e'}, true);
      case "cut" -> throw new IOException("cut");
      default -> frame(out, 1, answer, true);
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
