package dev.sluice.bench;

import java.io.IOException;
import java.net.InetSocketAddress;
import java.net.StandardSocketOptions;
import java.nio.ByteBuffer;
import java.nio.channels.SelectionKey;
import java.nio.channels.Selector;
import java.nio.channels.SocketChannel;
import java.util.Arrays;

/** One connection of a client of MCP: bytes out, bytes in. Used by the selector thread only. */
final class Wire {

  /** What reads the bytes. */
  interface Reader {
    /** Takes what is whole; how many bytes that was. The rest comes again, with more behind it. */
    int read(byte[] buffer, int offset, int length) throws IOException;

    /** The connection is over, not by {@link Wire#close}. */
    void lost(IOException why);
  }

  private final SocketChannel channel;
  private final Reader reader;
  private final SelectionKey key;
  private byte[] in = new byte[2048];
  private ByteBuffer into = ByteBuffer.wrap(in);
  private ByteBuffer waiting = ByteBuffer.allocate(0);

  /** Begins to connect; what is sent before it is connected waits. */
  Wire(Selector selector, int port, Reader reader) throws IOException {
    this.reader = reader;
    channel = SocketChannel.open();
    channel.configureBlocking(false);
    channel.setOption(StandardSocketOptions.TCP_NODELAY, true);
    boolean connected = channel.connect(new InetSocketAddress("127.0.0.1", port));
    key = channel.register(selector, connected ? SelectionKey.OP_READ : SelectionKey.OP_CONNECT);
    key.attach(this);
  }

  /** Sends the bytes of {@code out}, which is read before this returns. */
  void send(ByteBuffer out) throws IOException {
    if (!waiting.hasRemaining() && channel.isConnected()) {
      channel.write(out);
      if (!out.hasRemaining()) {
        return;
      }
    }
    ByteBuffer all = ByteBuffer.allocate(waiting.remaining() + out.remaining());
    waiting = all.put(waiting).put(out).flip();
    if (channel.isConnected()) {
      key.interestOps(SelectionKey.OP_READ | SelectionKey.OP_WRITE);
    }
  }

  /** The channel is ready. */
  void ready() {
    try {
      if (key.isConnectable()) {
        channel.finishConnect();
        key.interestOps(SelectionKey.OP_READ | SelectionKey.OP_WRITE);
        return;
      }
      if (key.isValid() && key.isWritable()) {
        channel.write(waiting);
        if (!waiting.hasRemaining()) {
          key.interestOps(SelectionKey.OP_READ);
        }
      }
      if (key.isValid() && key.isReadable()) {
        take();
      }
    } catch (IOException failure) {
      close();
      reader.lost(failure);
    }
  }

  private void take() throws IOException {
    if (channel.read(into) < 0) {
      throw new IOException("the peer closed the connection");
    }
    int have = into.position();
    int used = reader.read(in, 0, have);
    if (used == have) {
      into.clear();
      return;
    }
    if (used > 0) {
      System.arraycopy(in, used, in, 0, have - used);
    } else if (have == in.length) {
      in = Arrays.copyOf(in, 4 * in.length);
      into = ByteBuffer.wrap(in);
    }
    into.position(have - used);
  }

  void close() {
    try {
      channel.close();
    } catch (IOException gone) {
      Bench.LOG.log(System.Logger.Level.DEBUG, "a connection was gone before it was closed");
    }
  }
}
