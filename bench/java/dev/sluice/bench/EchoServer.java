package dev.sluice.bench;

import java.io.FileDescriptor;
import java.io.FileInputStream;
import java.io.FileOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.net.InetSocketAddress;
import java.net.StandardSocketOptions;
import java.nio.ByteBuffer;
import java.nio.channels.SelectionKey;
import java.nio.channels.Selector;
import java.nio.channels.ServerSocketChannel;
import java.nio.channels.SocketChannel;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.Locale;
import java.util.Queue;
import java.util.concurrent.ConcurrentLinkedQueue;

/**
 * An MCP server that does next to nothing: the load program's upstream. {@code stdio} speaks on the
 * standard streams; {@code http} is Streamable HTTP on a free port of loopback, which it prints.
 * Either ends when its standard input does.
 */
public final class EchoServer {

  private EchoServer() {}

  public static void main(String[] args) throws IOException {
    if (args[0].equals("http")) {
      new Http().run();
    } else {
      stdio(new FileInputStream(FileDescriptor.in), new FileOutputStream(FileDescriptor.out));
    }
  }

  /** Answers all lines that one read brought with one write. */
  private static void stdio(InputStream in, OutputStream out) throws IOException {
    EchoAnswers answers = new EchoAnswers();
    Lines lines = new Lines(out);
    byte[] buffer = new byte[1 << 16];
    int have = 0;
    for (int read = in.read(buffer);
        read >= 0;
        read = in.read(buffer, have, buffer.length - have)) {
      have += read;
      int start = 0;
      lines.hold(true);
      for (int i = have - read; i < have; i++) {
        if (buffer[i] == '\n') {
          answers.take(buffer, start, i, lines);
          start = i + 1;
        }
      }
      lines.hold(false);
      System.arraycopy(buffer, start, buffer, 0, have - start);
      have -= start;
      if (have == buffer.length) {
        buffer = Arrays.copyOf(buffer, 2 * have);
      }
    }
  }

  /** The standard output; answers of the timer come between. */
  private static final class Lines implements EchoAnswers.Line {
    private final OutputStream out;
    private byte[] held = new byte[1 << 16];
    private int length;
    private boolean holding;

    Lines(OutputStream out) {
      this.out = out;
    }

    @Override
    public synchronized void answer(byte[] message) {
      if (length + message.length + 1 > held.length) {
        held = Arrays.copyOf(held, 2 * (length + message.length + 1));
      }
      System.arraycopy(message, 0, held, length, message.length);
      length += message.length;
      held[length++] = '\n';
      if (!holding) {
        flush();
      }
    }

    synchronized void hold(boolean hold) {
      holding = hold;
      if (!hold) {
        flush();
      }
    }

    private void flush() {
      try {
        out.write(held, 0, length);
        length = 0;
      } catch (IOException gone) {
        Runtime.getRuntime().halt(0);
      }
    }
  }

  /** One thread for all connections. */
  private static final class Http {
    private final EchoAnswers answers = new EchoAnswers();
    private final Selector selector = Selector.open();
    private final Queue<Runnable> late = new ConcurrentLinkedQueue<>();

    Http() throws IOException {}

    void run() throws IOException {
      ServerSocketChannel listener = ServerSocketChannel.open();
      listener.bind(new InetSocketAddress("127.0.0.1", 0), 4096);
      listener.configureBlocking(false);
      listener.register(selector, SelectionKey.OP_ACCEPT);
      System.out.println(
          "listening on " + ((InetSocketAddress) listener.getLocalAddress()).getPort());
      endWithInput();
      while (true) {
        selector.select();
        for (Runnable run = late.poll(); run != null; run = late.poll()) {
          run.run();
        }
        for (SelectionKey key : selector.selectedKeys()) {
          if (key.isValid() && key.isAcceptable()) {
            accept(listener);
          } else {
            Peer peer = (Peer) key.attachment();
            try {
              peer.ready(key);
            } catch (IOException left) {
              peer.channel.close();
            }
          }
        }
        selector.selectedKeys().clear();
      }
    }

    private static void endWithInput() {
      Thread watch =
          new Thread(
              () -> {
                try {
                  while (System.in.read() >= 0) {
                    continue;
                  }
                } catch (IOException gone) {
                  Runtime.getRuntime().halt(0);
                }
                Runtime.getRuntime().halt(0);
              },
              "end");
      watch.setDaemon(true);
      watch.start();
    }

    private void accept(ServerSocketChannel listener) throws IOException {
      for (SocketChannel c = listener.accept(); c != null; c = listener.accept()) {
        c.configureBlocking(false);
        c.setOption(StandardSocketOptions.TCP_NODELAY, true);
        c.register(selector, SelectionKey.OP_READ, new Peer(c));
      }
    }

    /** One connection; a request at a time. */
    private final class Peer {
      private final SocketChannel channel;
      private ByteBuffer in = ByteBuffer.allocate(4096);
      private ByteBuffer out = ByteBuffer.allocate(0);

      Peer(SocketChannel channel) {
        this.channel = channel;
      }

      void ready(SelectionKey key) throws IOException {
        if (key.isWritable()) {
          channel.write(out);
          if (!out.hasRemaining()) {
            key.interestOps(SelectionKey.OP_READ);
          }
        }
        if (!key.isReadable()) {
          return;
        }
        if (channel.read(in) < 0) {
          channel.close();
          return;
        }
        int at = 0;
        for (int used = request(at); used > 0; used = request(at)) {
          at += used;
        }
        in.flip().position(at);
        in.compact();
        if (!in.hasRemaining()) {
          in = ByteBuffer.allocate(2 * in.capacity()).put(in.flip());
        }
      }

      /** Takes one whole request; how many bytes it had, 0 if more have to come. */
      private int request(int at) throws IOException {
        byte[] bytes = in.array();
        int end = in.position();
        int body = at + 4;
        while (body <= end && !(bytes[body - 1] == '\n' && bytes[body - 3] == '\n')) {
          body++;
        }
        if (body > end) {
          return 0;
        }
        String head = new String(bytes, at, body - at, StandardCharsets.ISO_8859_1);
        int length = length(head);
        if (end - body < length) {
          return 0;
        }
        if (head.startsWith("POST")) {
          post(bytes, body, length);
        } else {
          write("HTTP/1.1 405 No\r\nContent-Length: 0\r\n\r\n", new byte[0]);
        }
        return body - at + length;
      }

      private void post(byte[] bytes, int body, int length) throws IOException {
        boolean[] answered = new boolean[1];
        Thread own = Thread.currentThread();
        answers.take(
            bytes,
            body,
            body + length,
            message -> {
              if (Thread.currentThread() == own) {
                answered[0] = true;
                answer(message);
              } else {
                late.add(() -> answer(message));
                selector.wakeup();
              }
            });
        String text = new String(bytes, body, length, StandardCharsets.ISO_8859_1);
        if (!answered[0] && !text.contains("\"sleep\"")) {
          write("HTTP/1.1 202 Accepted\r\nContent-Length: 0\r\n\r\n", new byte[0]);
        }
      }

      private void answer(byte[] message) {
        try {
          write(
              "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: "
                  + message.length
                  + "\r\n\r\n",
              message);
        } catch (IOException left) {
          try {
            channel.close();
          } catch (IOException gone) {
            throw new IllegalStateException(gone);
          }
        }
      }

      private void write(String head, byte[] body) throws IOException {
        ByteBuffer all = ByteBuffer.allocate(out.remaining() + head.length() + body.length);
        all.put(out).put(head.getBytes(StandardCharsets.US_ASCII)).put(body).flip();
        out = all;
        channel.write(out);
        if (out.hasRemaining()) {
          channel.keyFor(selector).interestOps(SelectionKey.OP_READ | SelectionKey.OP_WRITE);
        }
      }

      private static int length(String head) {
        String lower = head.toLowerCase(Locale.ROOT);
        int at = lower.indexOf("content-length:");
        if (at < 0) {
          return 0;
        }
        return Integer.parseInt(head.substring(at + 15, head.indexOf('\r', at)).trim());
      }
    }
  }
}
