package dev.sluice.it;

import jakarta.json.Json;
import jakarta.json.JsonObject;
import java.io.BufferedInputStream;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.StringReader;
import java.net.InetSocketAddress;
import java.net.Socket;
import java.net.SocketTimeoutException;
import java.net.URI;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.Locale;
import java.util.Map;
import java.util.TreeMap;

/** One HTTP exchange over a bare socket, for what no HTTP client would send. */
final class RawHttp implements AutoCloseable {

  /** A response as it came; header names in lower case. */
  record Answer(int status, Map<String, String> headers, String body) {

    JsonObject json() {
      try (var reader = Json.createReader(new StringReader(body))) {
        return reader.readObject();
      }
    }

    JsonObject error() {
      return json().getJsonObject("error");
    }
  }

  private final Socket socket;
  private final InputStream in;

  RawHttp(URI hub) throws IOException {
    this(hub, "127.0.0.1", 0);
  }

  /** From another loopback address than the usual one, as another peer. */
  RawHttp(URI hub, String source) throws IOException {
    this(hub, source, 0);
  }

  private RawHttp(URI hub, String source, int window) throws IOException {
    socket = new Socket();
    socket.bind(new InetSocketAddress(source, 0));
    if (window > 0) {
      socket.setReceiveBufferSize(window);
    }
    socket.connect(new InetSocketAddress("127.0.0.1", hub.getPort()));
    socket.setSoTimeout((int) Duration.ofSeconds(60).toMillis());
    in = new BufferedInputStream(socket.getInputStream());
  }

  /** Sends a request head with these header lines and no body, and reads the answer. */
  static Answer get(URI hub, String path, String... headers) throws IOException {
    try (RawHttp http = new RawHttp(hub)) {
      return http.send("GET " + path + " HTTP/1.1", headers).answer();
    }
  }

  /** Asks and then reads nothing, with a receive buffer so small that the server soon hangs. */
  static RawHttp stalled(URI hub, String path) throws IOException {
    return new RawHttp(hub, "127.0.0.1", 4096)
        .send("GET " + path + " HTTP/1.1", "Host: localhost:" + hub.getPort());
  }

  RawHttp send(String requestLine, String... headers) throws IOException {
    StringBuilder head = new StringBuilder(requestLine).append("\r\n");
    for (String header : headers) {
      head.append(header).append("\r\n");
    }
    return send(head.append("\r\n").toString().getBytes(StandardCharsets.ISO_8859_1));
  }

  RawHttp send(byte[] bytes) throws IOException {
    socket.getOutputStream().write(bytes);
    socket.getOutputStream().flush();
    return this;
  }

  /** Whether an answer has begun to arrive. */
  boolean isAnswered() throws IOException {
    return in.available() > 0;
  }

  /**
   * Sends what may not be HTTP, and tells what came of it.
   *
   * @return the status; 0 when the connection was cut without one
   */
  int outcome(byte[] bytes, Duration within) throws IOException {
    socket.setSoTimeout(Math.toIntExact(within.toMillis()));
    try {
      send(bytes);
    } catch (IOException cut) {
      // an answer may have come before that
    }
    try {
      String status = line();
      if (!status.matches("HTTP/1\\.[01] \\d{3}( .*)?")) {
        throw new AssertionError("an answer that is not HTTP: " + status);
      }
      return Integer.parseInt(status.substring(9, 12));
    } catch (SocketTimeoutException neither) {
      throw new AssertionError("neither answered nor cut within " + within, neither);
    } catch (IOException cut) {
      return 0;
    }
  }

  Answer answer() throws IOException {
    String[] status = line().split(" ", 3);
    Map<String, String> headers = new TreeMap<>();
    for (String line = line(); !line.isEmpty(); line = line()) {
      int colon = line.indexOf(':');
      headers.merge(
          line.substring(0, colon).toLowerCase(Locale.ROOT),
          line.substring(colon + 1).trim(),
          (a, b) -> a + ", " + b);
    }
    byte[] body;
    if (headers.getOrDefault("transfer-encoding", "").equals("chunked")) {
      body = chunks();
    } else {
      body = in.readNBytes(Integer.parseInt(headers.getOrDefault("content-length", "0")));
    }
    return new Answer(
        Integer.parseInt(status[1]), headers, new String(body, StandardCharsets.UTF_8));
  }

  /** Reads the head of an event stream and then the data of its first event. */
  String firstData() throws IOException {
    String status = line();
    if (!status.contains(" 200")) {
      throw new IOException("no event stream: " + status);
    }
    String line = line();
    while (!line.startsWith("data:")) { // heads and sizes of chunks do not begin so
      line = line();
    }
    return line.substring("data:".length()).trim();
  }

  private byte[] chunks() throws IOException {
    ByteArrayOutputStream body = new ByteArrayOutputStream();
    for (int size = Integer.parseInt(line(), 16); size > 0; size = Integer.parseInt(line(), 16)) {
      body.write(in.readNBytes(size));
      line();
    }
    return body.toByteArray();
  }

  private String line() throws IOException {
    ByteArrayOutputStream line = new ByteArrayOutputStream();
    for (int c = in.read(); c != '\n'; c = in.read()) {
      if (c < 0) {
        throw new IOException("the server closed after \"" + line + "\"");
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
