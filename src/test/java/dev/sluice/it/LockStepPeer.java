package dev.sluice.it;

import static java.nio.charset.StandardCharsets.ISO_8859_1;
import static java.nio.charset.StandardCharsets.UTF_8;

import jakarta.json.Json;
import jakarta.json.JsonObject;
import java.io.ByteArrayOutputStream;
import java.io.DataInputStream;
import java.io.EOFException;
import java.io.IOException;
import java.io.InputStream;
import java.io.StringReader;
import java.net.InetSocketAddress;
import java.net.Socket;
import java.net.SocketException;
import java.net.URI;
import java.time.Duration;
import java.util.Base64;
import java.util.Locale;
import java.util.Random;
import java.util.Set;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;

/**
 * The WebSocket client of gomcp 1.2, as it was observed: no subprotocol and no header of its own, a
 * list of protocol versions, and after each message it sends, notifications too, it takes the next
 * message that comes for the answer, whatever its id. It answers nothing it is asked, keeps at most
 * {@value #QUEUE} messages, and leaves without a close frame.
 */
final class LockStepPeer implements AutoCloseable {

  private static final int QUEUE = 100;
  private static final Duration REQUEST = Duration.ofSeconds(4);
  private static final Set<String> VERSIONS = Set.of("draft", "2025-03-26", "2024-11-05");

  private final Socket socket = new Socket();
  private final Random masks = new Random();
  private final BlockingQueue<JsonObject> arrived = new LinkedBlockingQueue<>();
  private final Duration timeout;
  private long ids;
  private volatile boolean early;
  private volatile boolean spoken;
  private volatile int closeCode;

  private LockStepPeer(Duration timeout) {
    this.timeout = timeout;
  }

  /** Connects and does the handshake; {@code to} is completed as gomcp completes it. */
  static LockStepPeer connect(URI to) throws Exception {
    return connect(to, REQUEST);
  }

  /** As above with another patience for answers. */
  static LockStepPeer connect(URI to, Duration timeout) throws Exception {
    LockStepPeer peer = new LockStepPeer(timeout);
    boolean connected = false;
    try {
      peer.dial(URI.create(url(to.toString())));
      String version =
          peer.request(
                  "initialize",
                  "{\"protocolVersion\":[\"draft\",\"2025-03-26\",\"2024-11-05\"],\"capabilities\":"
                      + "{\"roots\":{\"listChanged\":true}},\"clientInfo\":{\"name\":"
                      + "\"GoMCP Client\",\"version\":\"1.0.0\"}}")
              .getJsonObject("result")
              .getString("protocolVersion");
      if (!VERSIONS.contains(version)) {
        throw new IOException("the server speaks " + version);
      }
      peer.exchange("{\"jsonrpc\":\"2.0\",\"method\":\"notifications/initialized\"}");
      connected = true;
      return peer;
    } finally {
      if (!connected) {
        peer.socket.close();
      }
    }
  }

  /** Where it dials when it is given this. */
  static String url(String given) {
    return given.endsWith("/ws") || given.contains("/ws?") ? given : given + "/ws";
  }

  private void dial(URI url) throws IOException {
    socket.connect(new InetSocketAddress("127.0.0.1", url.getPort()));
    socket.setTcpNoDelay(true);
    String target = url.getPath() + (url.getQuery() == null ? "" : "?" + url.getQuery());
    byte[] key = new byte[16];
    masks.nextBytes(key);
    socket
        .getOutputStream()
        .write(
            ("GET "
                    + target
                    + " HTTP/1.1\r\nHost: "
                    + url.getAuthority()
                    + "\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\n"
                    + "Sec-WebSocket-Key: "
                    + Base64.getEncoder().encodeToString(key)
                    + "\r\n\r\n")
                .getBytes(ISO_8859_1));
    StringBuilder head = new StringBuilder();
    InputStream in = socket.getInputStream();
    while (head.indexOf("\r\n\r\n") < 0) {
      int c = in.read();
      if (c < 0) {
        throw new EOFException("no answer to the upgrade: " + head);
      }
      head.append((char) c);
    }
    if (!head.toString().startsWith("HTTP/1.1 101")) {
      throw new IOException("not upgraded: " + head.substring(0, head.indexOf("\r\n")));
    }
    if (head.toString().toLowerCase(Locale.ROOT).contains("sec-websocket-protocol")) {
      throw new IOException("unexpected protocol in Sec-WebSocket-Protocol");
    }
    Thread reader = new Thread(this::read, "lock-step");
    reader.setDaemon(true);
    reader.start();
  }

  private void read() {
    try (DataInputStream in = new DataInputStream(socket.getInputStream())) {
      ByteArrayOutputStream message = new ByteArrayOutputStream();
      while (true) {
        int first = in.readUnsignedByte();
        long length = in.readUnsignedByte();
        if (length == 126) {
          length = in.readUnsignedShort();
        } else if (length == 127) {
          length = in.readLong();
        }
        byte[] payload = in.readNBytes((int) length);
        switch (first & 0x0f) {
          case 8 -> {
            closeCode =
                payload.length < 2 ? 1005 : ((payload[0] & 0xff) << 8) | (payload[1] & 0xff);
            return;
          }
          case 9 -> frame(10, payload);
          case 10 -> {
            // it never asks
          }
          default -> {
            message.write(payload);
            if ((first & 0x80) != 0) {
              early |= !spoken;
              arrived(message.toString(UTF_8));
              message.reset();
            }
          }
        }
      }
    } catch (EOFException | SocketException gone) {
      closeCode = closeCode == 0 ? 1006 : closeCode;
    } catch (IOException broken) {
      closeCode = 1006;
    }
  }

  private void arrived(String text) {
    while (arrived.size() >= QUEUE) {
      arrived.poll();
    }
    try (var reader = Json.createReader(new StringReader(text))) {
      arrived.add(reader.readObject());
    }
  }

  private synchronized void frame(int opcode, byte[] payload) throws IOException {
    ByteArrayOutputStream frame = new ByteArrayOutputStream();
    frame.write(0x80 | opcode);
    if (payload.length < 126) {
      frame.write(0x80 | payload.length);
    } else {
      frame.write(0x80 | 126);
      frame.write(payload.length >> 8);
      frame.write(payload.length);
    }
    byte[] mask = new byte[4];
    masks.nextBytes(mask);
    frame.writeBytes(mask);
    for (int i = 0; i < payload.length; i++) {
      frame.write(payload[i] ^ mask[i % 4]);
    }
    frame.writeTo(socket.getOutputStream());
  }

  /** Sends it and takes the next message, whichever that is. */
  private JsonObject exchange(String message) throws IOException, InterruptedException {
    spoken = true;
    frame(1, message.getBytes(UTF_8));
    JsonObject next = arrived.poll(timeout.toMillis(), TimeUnit.MILLISECONDS);
    if (next == null) {
      throw new IOException("no answer within " + timeout + " to " + message);
    }
    return next;
  }

  private JsonObject request(String method, String params)
      throws IOException, InterruptedException {
    return exchange(
        "{\"jsonrpc\":\"2.0\",\"id\":"
            + ++ids
            + ",\"method\":\""
            + method
            + "\",\"params\":"
            + params
            + "}");
  }

  /** Calls a tool and gives what it takes for the answer. */
  JsonObject call(String tool, String text) throws IOException, InterruptedException {
    return request(
        "tools/call",
        "{\"name\":\""
            + tool
            + "\",\"arguments\":{\"text\":\""
            + text
            + "\"},\"_meta\":{\"progressToken\":\"p\"}}");
  }

  /** Whether something came before it had said anything, which breaks the real one. */
  boolean wasSpokenToFirst() {
    return early;
  }

  /** The close code that came; 0 while it is connected, 1006 when the connection was cut. */
  int closeCode() {
    return closeCode;
  }

  /** Asks for a shutdown, waits for any answer, and drops the connection without a close frame. */
  @Override
  public void close() throws IOException {
    try (socket) {
      if (closeCode == 0) {
        JsonObject unused = request("shutdown", "{}");
      }
    } catch (InterruptedException interrupted) {
      Thread.currentThread().interrupt();
    }
  }
}
