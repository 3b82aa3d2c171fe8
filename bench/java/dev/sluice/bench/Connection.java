package dev.sluice.bench;

import java.io.IOException;
import java.net.InetSocketAddress;
import java.net.StandardSocketOptions;
import java.nio.ByteBuffer;
import java.nio.channels.SelectionKey;
import java.nio.channels.SocketChannel;
import java.nio.charset.StandardCharsets;
import java.util.concurrent.CompletableFuture;

/** One client: an HTTP request, then a stream of messages. Used by its selector thread only. */
final class Connection {

  final Tally tally = new Tally();
  final CompletableFuture<Connection> opened = new CompletableFuture<>();
  final CompletableFuture<Connection> ended = new CompletableFuture<>();

  private final SocketChannel channel;
  private final Decoder decoder;
  private final ByteBuffer request;
  private final boolean webSocket;
  private SelectionKey key;
  private byte[] carry = new byte[0];
  private boolean streaming;

  private Connection(SocketChannel channel, String path, int port, boolean webSocket) {
    this.channel = channel;
    this.webSocket = webSocket;
    String head =
        "GET "
            + path
            + " HTTP/1.1\r\nHost: 127.0.0.1:"
            + port
            + "\r\n"
            + (webSocket
                ? "Upgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\n"
                    + "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"
                : "Accept: text/event-stream\r\n\r\n");
    this.request = ByteBuffer.wrap(head.getBytes(StandardCharsets.US_ASCII));
    this.decoder = webSocket ? new Decoder.WebSocketFrames(tally) : new Decoder.EventStream(tally);
  }

  /** Starts to connect; a {@code window} of more than 0 makes the receive buffer that small. */
  static Connection open(int port, String path, boolean webSocket, int window) throws IOException {
    SocketChannel channel = SocketChannel.open();
    channel.configureBlocking(false);
    channel.setOption(StandardSocketOptions.TCP_NODELAY, true);
    if (window > 0) {
      channel.setOption(StandardSocketOptions.SO_RCVBUF, window);
    }
    channel.connect(new InetSocketAddress("127.0.0.1", port));
    return new Connection(channel, path, port, webSocket);
  }

  SocketChannel channel() {
    return channel;
  }

  void registered(SelectionKey key) {
    this.key = key;
  }

  /** The WebSocket close code, 1000 for a finished event stream, 0 when it was cut or lives. */
  int closeCode() {
    return decoder.closeCode();
  }

  /** Stops or resumes reading; any thread. */
  void stall(boolean stalled) {
    key.interestOps(stalled ? 0 : SelectionKey.OP_READ);
    key.selector().wakeup();
  }

  void close() {
    try {
      channel.close();
    } catch (IOException failure) {
      ended.completeExceptionally(failure);
      return;
    }
    ended.complete(this);
  }

  /** The channel is ready. */
  void ready(ByteBuffer shared) throws IOException {
    if (key.isConnectable()) {
      channel.finishConnect();
      key.interestOps(SelectionKey.OP_WRITE);
    }
    if (key.isWritable()) {
      channel.write(request);
      if (!request.hasRemaining()) {
        key.interestOps(SelectionKey.OP_READ);
      }
    }
    if (key.isReadable()) {
      shared.clear();
      shared.put(carry);
      int read = channel.read(shared);
      if (read < 0) {
        opened.completeExceptionally(new IOException("closed before it was opened"));
        close();
        return;
      }
      consume(shared.array(), shared.position());
    }
  }

  private void consume(byte[] buffer, int length) throws IOException {
    int at = 0;
    if (!streaming) {
      int body = head(buffer, length);
      if (body < 0) {
        keep(buffer, 0, length);
        return;
      }
      String status = new String(buffer, 9, 3, StandardCharsets.US_ASCII);
      if (!status.equals(webSocket ? "101" : "200")) {
        throw new IOException(new String(buffer, 0, length, StandardCharsets.UTF_8));
      }
      streaming = true;
      at = body;
      opened.complete(this);
    }
    at += decoder.decode(buffer, at, length - at);
    keep(buffer, at, length);
    tally.settle();
  }

  private void keep(byte[] buffer, int from, int to) {
    if (from < to || carry.length > 0) {
      carry = java.util.Arrays.copyOfRange(buffer, from, to);
    }
  }

  private static int head(byte[] buffer, int length) {
    for (int i = 3; i < length; i++) {
      if (buffer[i] == '\n' && buffer[i - 2] == '\n') {
        return i + 1;
      }
    }
    return -1;
  }
}
