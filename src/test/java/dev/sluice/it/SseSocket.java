package dev.sluice.it;

import java.io.BufferedInputStream;
import java.io.ByteArrayOutputStream;
import java.io.EOFException;
import java.io.IOException;
import java.io.InputStream;
import java.net.InetSocketAddress;
import java.net.Socket;
import java.net.URI;
import java.nio.charset.StandardCharsets;
import java.time.Duration;

/**
 * An event stream over a bare socket, which is read only when asked; {@link SsePeer} reads ahead.
 */
final class SseSocket implements AutoCloseable {

  private final Socket socket = new Socket();
  private final InputStream in;
  private int left;

  private SseSocket(URI hub, String query, int window) throws IOException {
    if (window > 0) {
      socket.setReceiveBufferSize(window);
    }
    socket.connect(new InetSocketAddress("127.0.0.1", hub.getPort()));
    socket.setSoTimeout(Math.toIntExact(Duration.ofSeconds(20).toMillis()));
    in = new BufferedInputStream(socket.getInputStream());
    StringBuilder head = new StringBuilder("GET /api/events").append(query).append(" HTTP/1.1\r\n");
    head.append("Host: localhost:").append(hub.getPort()).append("\r\n");
    socket
        .getOutputStream()
        .write(head.append("\r\n").toString().getBytes(StandardCharsets.US_ASCII));
    String status = line();
    if (!status.startsWith("HTTP/1.1 200")) {
      throw new IOException("no stream: " + status);
    }
    boolean chunked = false;
    for (String header = line(); !header.isEmpty(); header = line()) {
      chunked |= header.equalsIgnoreCase("Transfer-Encoding: chunked");
    }
    if (!chunked) {
      throw new IOException("the stream is not chunked");
    }
  }

  static SseSocket open(URI hub, String query) throws IOException {
    return new SseSocket(hub, query, 0);
  }

  /** With a receive buffer so small that the server soon cannot write. */
  static SseSocket narrow(URI hub, String query) throws IOException {
    return new SseSocket(hub, query, 4096);
  }

  /**
   * The next event that is no ping; null when the stream has ended. Pings alone are waited through
   * for a minute at most.
   */
  SsePeer.Event next() throws IOException {
    long deadline = System.nanoTime() + Duration.ofMinutes(1).toNanos();
    String id = "";
    String name = "";
    StringBuilder data = new StringBuilder();
    while (true) {
      String line = bodyLine();
      if (line == null) {
        return null;
      } else if (line.isEmpty()) {
        if (data.length() > 0 && !name.equals("ping")) {
          return new SsePeer.Event(id, name, data.toString());
        }
        if (System.nanoTime() > deadline) {
          throw new IOException("nothing but pings for a minute");
        }
        id = "";
        name = "";
        data.setLength(0);
      } else if (line.startsWith("id:")) {
        id = line.substring(3).trim();
      } else if (line.startsWith("event:")) {
        name = line.substring(6).trim();
      } else if (line.startsWith("data:")) {
        data.append(line.substring(5).trim());
      }
    }
  }

  private String bodyLine() throws IOException {
    ByteArrayOutputStream line = new ByteArrayOutputStream();
    for (int c = body(); c != '\n'; c = body()) {
      if (c < 0) {
        return null;
      }
      if (c != '\r') {
        line.write(c);
      }
    }
    return line.toString(StandardCharsets.UTF_8);
  }

  /** One byte of the body; -1 at its end, orderly or not. */
  private int body() throws IOException {
    try {
      if (left == 0) {
        left = Integer.parseInt(line(), 16);
        if (left == 0) {
          return -1;
        }
      }
      int c = in.read();
      left--;
      if (left == 0) {
        line();
      }
      return c;
    } catch (EOFException | java.net.SocketException cut) {
      return -1;
    }
  }

  private String line() throws IOException {
    ByteArrayOutputStream line = new ByteArrayOutputStream();
    for (int c = in.read(); c != '\n'; c = in.read()) {
      if (c < 0) {
        throw new EOFException("the server closed after \"" + line + "\"");
      }
      if (c != '\r') {
        line.write(c);
      }
    }
    return line.toString(StandardCharsets.ISO_8859_1);
  }

  @Override
  public void close() throws IOException {
    socket.close();
  }
}
