package dev.sluice.servers.upstream;

import dev.sluice.jsonrpc.Envelope;
import dev.sluice.servers.upstream.UpstreamException.Kind;
import java.net.ConnectException;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.WebSocket;
import java.net.http.WebSocketHandshakeException;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.Future;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.concurrent.atomic.AtomicInteger;
import org.jspecify.annotations.Nullable;

/**
 * MCP over one WebSocket: one message a text frame. Offers the subprotocol {@code mcp} and takes it
 * or none: gomcp selects none.
 */
final class WebSocketConnection implements Connection {

  /** Messages waiting to be sent. */
  private static final int MAX_WAITING = 1_024;

  private static final long MAX_WAITING_BYTES = 32L << 20;
  private static final Duration FAREWELL = Duration.ofSeconds(2);
  private static final int PING_SECONDS = 25;
  private static final int MISSED_PONGS = 3;

  private record Item(String text, CompletableFuture<Void> sent) {}

  private final URI url;
  private final Map<String, String> headers;
  private final HttpClient client;
  private final Duration openTimeout;
  private final ScheduledExecutorService timer;
  private final CompletableFuture<Void> over = new CompletableFuture<>();

  private final Deque<Item> waiting = new ArrayDeque<>(); // guards itself and the two below
  private long waitingBytes;
  private boolean sending;

  private volatile @Nullable WebSocket socket;
  private volatile @Nullable WebSocket arrived; // may come after it was given up
  private volatile boolean givenUp;
  private volatile @Nullable Future<?> pinging;
  private volatile boolean answersPings;
  private final AtomicInteger unanswered = new AtomicInteger();

  WebSocketConnection(
      URI url,
      Map<String, String> headers,
      HttpClient client,
      Duration openTimeout,
      ScheduledExecutorService timer) {
    this.url = url;
    this.headers = headers;
    this.client = client;
    this.openTimeout = openTimeout;
    this.timer = timer;
  }

  @Override
  public void open(Inbound inbound) throws InterruptedException {
    CompletableFuture<WebSocket> opening;
    try {
      WebSocket.Builder builder = client.newWebSocketBuilder().subprotocols("mcp");
      headers.forEach(builder::header);
      opening = builder.buildAsync(url, new Arrivals(inbound));
    } catch (IllegalArgumentException wrong) {
      throw HttpCalls.failure(
          "the WebSocket cannot be opened: " + wrong.getMessage(),
          "use a ws or wss URL, and no header that belongs to the protocol");
    }
    boolean opened = false;
    try {
      socket = opening.get(openTimeout.toMillis(), TimeUnit.MILLISECONDS);
      opened = true;
    } catch (TimeoutException late) {
      opening.cancel(true);
      throw HttpCalls.failure(
          "no WebSocket within " + openTimeout.toSeconds() + " s", "check \"url\"");
    } catch (ExecutionException failed) {
      Throwable cause = failed.getCause();
      String text =
          cause instanceof WebSocketHandshakeException handshake && handshake.getResponse() != null
              ? "the server refused the WebSocket with HTTP status "
                  + handshake.getResponse().statusCode()
              : "the WebSocket could not be opened: " + words(cause == null ? failed : cause);
      throw HttpCalls.failure(text, "check \"url\", \"headers\" and whether the server is running");
    } finally {
      if (!opened) {
        giveUp();
      }
    }
    pinging =
        timer.scheduleWithFixedDelay(this::ping, PING_SECONDS, PING_SECONDS, TimeUnit.SECONDS);
  }

  /** One that opens from now on is cut off; so is one that has. */
  private void giveUp() {
    givenUp = true;
    WebSocket late = arrived;
    if (late != null) {
      late.abort();
    }
  }

  private static String words(Throwable problem) {
    return problem instanceof ConnectException
        ? "nothing answers there; is the server running?"
        : String.valueOf(problem.getMessage());
  }

  private void ping() {
    WebSocket open = socket;
    if (open == null || over.isDone()) {
      return;
    }
    // Some servers never answer pings; only one that has answered before can be missed.
    if (answersPings && unanswered.get() >= MISSED_PONGS) {
      open.abort();
      end("the server no longer answers pings");
      return;
    }
    unanswered.incrementAndGet();
    CompletableFuture<?> unused =
        open.sendPing(ByteBuffer.allocate(0))
            .whenComplete(
                (sent, problem) -> {
                  if (problem != null) {
                    end("a ping could not be sent: " + problem.getMessage());
                  }
                });
  }

  private final class Arrivals implements WebSocket.Listener {
    private final Inbound inbound;
    private final StringBuilder message = new StringBuilder();

    Arrivals(Inbound inbound) {
      this.inbound = inbound;
      CompletableFuture<?> unused =
          over.whenComplete(
              (v, problem) ->
                  inbound.ended(
                      problem == null ? "closed" : String.valueOf(problem.getMessage()),
                      Optional.empty()));
    }

    @Override
    public void onOpen(WebSocket from) {
      arrived = from;
      if (givenUp) {
        from.abort();
      } else {
        from.request(1);
      }
    }

    @Override
    public @Nullable CompletionStage<?> onText(WebSocket from, CharSequence text, boolean last) {
      if (message.length() + text.length() > Bodies.MAX_MESSAGE) {
        message.setLength(0);
        close(from, 1009, "message too long");
        end("the server sent a message longer than " + Bodies.MAX_MESSAGE + " characters");
        return null;
      }
      message.append(text);
      if (last) {
        byte[] bytes = message.toString().getBytes(StandardCharsets.UTF_8);
        message.setLength(0);
        HttpCalls.deliver(bytes, "ws", inbound);
      }
      from.request(1);
      return null;
    }

    @Override
    public @Nullable CompletionStage<?> onBinary(WebSocket from, ByteBuffer data, boolean last) {
      close(from, 1003, "text only");
      end("the server sent a binary message");
      return null;
    }

    @Override
    public @Nullable CompletionStage<?> onPong(WebSocket from, ByteBuffer data) {
      answersPings = true;
      unanswered.set(0);
      from.request(1);
      return null;
    }

    @Override
    public @Nullable CompletionStage<?> onClose(WebSocket from, int code, String reason) {
      end(
          "the server closed the WebSocket with code "
              + code
              + meaning(code)
              + (reason.isEmpty() ? "" : ": " + reason));
      return null;
    }

    @Override
    public void onError(WebSocket from, Throwable problem) {
      end("the WebSocket broke: " + problem.getMessage());
    }
  }

  private static String meaning(int code) {
    return switch (code) {
      case 1000 -> " (normal)";
      case 1001 -> " (going away)";
      case 1002 -> " (protocol error)";
      case 1003 -> " (unsupported data)";
      case 1005 -> " (no code)";
      case 1006 -> " (connection lost)";
      case 1007 -> " (invalid text)";
      case 1008 -> " (policy)";
      case 1009 -> " (message too big)";
      case 1011 -> " (internal error)";
      case 1012 -> " (restart)";
      case 1013 -> " (try again later)";
      default -> "";
    };
  }

  private static void close(WebSocket socket, int code, String reason) {
    CompletableFuture<?> unused =
        socket.sendClose(code, reason).whenComplete((sent, problem) -> socket.abort());
  }

  private void end(String why) {
    UpstreamException reason = UpstreamException.of(Kind.DISCONNECTED, why);
    List<Item> lost;
    synchronized (waiting) {
      lost = new ArrayList<>(waiting);
      waiting.clear();
      waitingBytes = 0;
    }
    over.completeExceptionally(reason);
    Future<?> pings = pinging;
    if (pings != null) {
      pings.cancel(false);
    }
    lost.forEach(item -> item.sent.completeExceptionally(reason));
  }

  @Override
  public CompletableFuture<Void> send(Envelope message) {
    Item item =
        new Item(
            new String(message.bytes(), StandardCharsets.UTF_8).trim(), new CompletableFuture<>());
    synchronized (waiting) {
      if (over.isDone() || socket == null) {
        return CompletableFuture.failedFuture(
            UpstreamException.of(Kind.DISCONNECTED, "the WebSocket is closed"));
      }
      boolean full =
          waiting.size() >= MAX_WAITING
              || (!waiting.isEmpty() && waitingBytes + item.text.length() > MAX_WAITING_BYTES);
      if (full) {
        return CompletableFuture.failedFuture(
            UpstreamException.of(
                Kind.BUSY, "the server does not read: " + waiting.size() + " messages wait"));
      }
      waiting.addLast(item);
      waitingBytes += item.text.length();
      if (sending) {
        return item.sent;
      }
      sending = true;
    }
    sendNext();
    return item.sent;
  }

  /** One message is on its way at a time; loops while sends complete at once. */
  private void sendNext() {
    WebSocket open = socket;
    while (open != null) {
      Item item;
      synchronized (waiting) {
        if (waiting.isEmpty()) {
          sending = false;
          return;
        }
        item = waiting.removeFirst();
        waitingBytes -= item.text.length();
      }
      CompletableFuture<WebSocket> sent = open.sendText(item.text, true);
      if (!sent.isDone()) {
        CompletableFuture<?> unused =
            sent.whenComplete(
                (s, problem) -> {
                  finish(item, problem);
                  sendNext();
                });
        return;
      }
      CompletableFuture<?> unused = sent.whenComplete((s, problem) -> finish(item, problem));
    }
  }

  private static void finish(Item item, @Nullable Throwable problem) {
    if (problem == null) {
      item.sent.complete(null);
    } else {
      item.sent.completeExceptionally(
          UpstreamException.of(
              Kind.DISCONNECTED, "the WebSocket did not take it: " + problem.getMessage()));
    }
  }

  @Override
  public int queued() {
    synchronized (waiting) {
      return waiting.size();
    }
  }

  @Override
  public void close() {
    WebSocket open = socket;
    if (open == null || over.isDone()) {
      giveUp();
    }
    if (open != null && !over.isDone()) {
      try {
        Object unused =
            open.sendClose(WebSocket.NORMAL_CLOSURE, "closed by the hub")
                .get(FAREWELL.toMillis(), TimeUnit.MILLISECONDS);
      } catch (ExecutionException | TimeoutException notTold) {
        open.abort(); // it finds out by itself
      } catch (InterruptedException interrupted) {
        Thread.currentThread().interrupt();
      }
      open.abort();
    }
    end("closed by the hub");
  }
}
