package dev.sluice.it;

import jakarta.json.Json;
import jakarta.json.JsonObject;
import java.io.DataInputStream;
import java.io.EOFException;
import java.io.IOException;
import java.io.StringReader;
import java.net.InetSocketAddress;
import java.net.Socket;
import java.net.SocketException;
import java.net.URI;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;

/**
 * A WebSocket client over a bare socket: it can stall, send what is illegal, and cut the
 * connection. Pings are answered while it reads, unless told otherwise.
 */
final class WebSocketPeer implements AutoCloseable {

  /** A close frame, or the end of the connection without one (code 1006). */
  record Closed(int code, String reason) {}

  private final Socket socket = new Socket();
  private final DataInputStream in;
  private final List<String> pongs = new ArrayList<>();
  private boolean answersPings = true;
  private Closed closed;

  private WebSocketPeer(URI hub, String path, int window) throws IOException {
    if (window > 0) {
      socket.setReceiveBufferSize(window);
    }
    socket.connect(new InetSocketAddress("127.0.0.1", hub.getPort()));
    socket.setTcpNoDelay(true);
    in = new DataInputStream(socket.getInputStream());
    socket
        .getOutputStream()
        .write(
            ("GET "
                    + path
                    + " HTTP/1.1\r\nHost: localhost:"
                    + hub.getPort()
                    + "\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
                    + "Sec-WebSocket-Version: 13\r\n"
                    + "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n")
                .getBytes(StandardCharsets.US_ASCII));
    String status = line();
    if (!status.startsWith("HTTP/1.1 101")) {
      throw new IOException("no upgrade: " + status);
    }
    for (String header = line(); !header.isEmpty(); header = line()) {
      continue;
    }
  }

  static WebSocketPeer open(URI hub, String query) throws IOException {
    return new WebSocketPeer(hub, "/api/ws/events" + query, 0);
  }

  /** With a receive buffer so small that the server soon cannot write. */
  static WebSocketPeer narrow(URI hub, String query) throws IOException {
    return new WebSocketPeer(hub, "/api/ws/events" + query, 4096);
  }

  private String line() throws IOException {
    StringBuilder line = new StringBuilder();
    for (int c = in.readUnsignedByte(); c != '\n'; c = in.readUnsignedByte()) {
      if (c != '\r') {
        line.append((char) c);
      }
    }
    return line.toString();
  }

  void ignorePings() {
    answersPings = false;
  }

  WebSocketPeer text(String text) throws IOException {
    return frame(1, text.getBytes(StandardCharsets.UTF_8));
  }

  /** Sends one final, masked frame. */
  WebSocketPeer frame(int opcode, byte[] payload) throws IOException {
    ByteBuffer head = ByteBuffer.allocate(14).put((byte) (0x80 | opcode));
    if (payload.length < 126) {
      head.put((byte) (0x80 | payload.length));
    } else if (payload.length < 65_536) {
      head.put((byte) 0xfe).putShort((short) payload.length);
    } else {
      head.put((byte) 0xff).putLong(payload.length);
    }
    head.putInt(0); // the mask of zeros leaves the payload as it is
    byte[] whole = new byte[head.position() + payload.length];
    System.arraycopy(head.array(), 0, whole, 0, head.position());
    System.arraycopy(payload, 0, whole, head.position(), payload.length);
    return bytes(whole);
  }

  WebSocketPeer bytes(byte[] raw) throws IOException {
    socket.getOutputStream().write(raw);
    return this;
  }

  /** The next text frame, or null when the connection has ended; see {@link #closed}. */
  JsonObject next(Duration within) throws IOException {
    long deadline = System.nanoTime() + within.toNanos();
    while (closed == null) {
      long left = (deadline - System.nanoTime()) / 1_000_000;
      socket.setSoTimeout((int) Math.max(1, left));
      try {
        int opcode = in.readUnsignedByte() & 0x0f;
        socket.setSoTimeout(10_000);
        int size = in.readUnsignedByte() & 0x7f;
        long length = size == 126 ? in.readUnsignedShort() : size == 127 ? in.readLong() : size;
        byte[] payload = new byte[(int) length];
        in.readFully(payload);
        if (opcode == 1) {
          return Json.createReader(new StringReader(new String(payload, StandardCharsets.UTF_8)))
              .readObject();
        } else if (opcode == 9 && answersPings) {
          frame(10, payload);
        } else if (opcode == 10) {
          pongs.add(new String(payload, StandardCharsets.UTF_8));
        } else if (opcode == 8) {
          closed =
              new Closed(
                  payload.length < 2 ? 1005 : ByteBuffer.wrap(payload).getShort() & 0xffff,
                  payload.length < 2
                      ? ""
                      : new String(payload, 2, payload.length - 2, StandardCharsets.UTF_8));
        }
      } catch (EOFException | SocketException cut) {
        closed = new Closed(1006, String.valueOf(cut.getMessage()));
      }
    }
    return null;
  }

  /** The next frame that is no ping; pings alone are waited through for a minute at most. */
  JsonObject next() throws IOException {
    long deadline = System.nanoTime() + Duration.ofMinutes(1).toNanos();
    JsonObject frame = next(Duration.ofSeconds(20));
    while (frame != null && frame.getString("type", "").equals("ping")) {
      if (System.nanoTime() > deadline) {
        throw new IOException("nothing but pings for a minute");
      }
      frame = next(Duration.ofSeconds(20));
    }
    return frame;
  }

  /** The payloads of the pongs that were read. */
  List<String> pongs() {
    return List.copyOf(pongs);
  }

  /** Reads on until the connection has ended, for a minute at most. */
  Closed closed() throws IOException {
    long deadline = System.nanoTime() + Duration.ofMinutes(1).toNanos();
    while (closed == null) {
      if (System.nanoTime() > deadline) {
        throw new IOException("the connection did not end within a minute");
      }
      next(Duration.ofSeconds(20));
    }
    return closed;
  }

  /** Cuts the connection with a TCP reset. */
  void reset() throws IOException {
    socket.setSoLinger(true, 0);
    socket.close();
  }

  @Override
  public void close() throws IOException {
    socket.close();
  }
}
