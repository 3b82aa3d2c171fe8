package dev.sluice.sse;

import static org.assertj.core.api.Assertions.assertThat;

import jakarta.servlet.AsyncContext;
import jakarta.servlet.AsyncListener;
import jakarta.servlet.ServletOutputStream;
import jakarta.servlet.WriteListener;
import jakarta.servlet.http.HttpServletRequest;
import jakarta.servlet.http.HttpServletResponse;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.lang.reflect.Proxy;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/**
 * The states of a stream against a peer whose every turn the test decides; the servers' own turns
 * are in {@code EventSseIT}.
 */
@Timeout(30)
class SseResponseTest {

  private final Peer peer = new Peer();
  private final AtomicInteger left = new AtomicInteger();
  private final List<Throwable> reports = new ArrayList<>();
  private final AtomicInteger reported = new AtomicInteger();

  /**
   * A servlet response as the specification has it: write only when ready, a call back when not.
   */
  private static final class Peer extends ServletOutputStream {
    final ByteArrayOutputStream taken = new ByteArrayOutputStream();
    final AtomicBoolean ready = new AtomicBoolean(true);
    final AtomicBoolean owesCall = new AtomicBoolean();
    final AtomicInteger completed = new AtomicInteger();
    final AtomicInteger writing = new AtomicInteger();
    final AtomicBoolean overlapped = new AtomicBoolean();
    volatile boolean full;
    volatile IOException broken;
    volatile Runnable whileWriting = () -> {};
    volatile WriteListener listener;
    volatile AsyncListener asyncListener;

    @Override
    public boolean isReady() {
      if (ready.get()) {
        return true;
      }
      owesCall.set(true);
      return false;
    }

    @Override
    public void setWriteListener(WriteListener given) {
      listener = given;
    }

    @Override
    public void write(int one) {
      throw new AssertionError("byte by byte");
    }

    @Override
    public void write(byte[] event) throws IOException {
      if (!ready.get()) {
        throw new IllegalStateException("not ready");
      }
      writing.incrementAndGet();
      whileWriting.run();
      if (completed.get() > 0) {
        overlapped.set(true);
      }
      writing.decrementAndGet();
      if (broken != null) {
        throw broken;
      }
      taken.write(event);
      ready.set(!full);
    }

    @Override
    public void flush() {
      if (!ready.get()) {
        throw new IllegalStateException("not ready");
      }
    }

    void drained() throws IOException {
      ready.set(true);
      if (owesCall.compareAndSet(true, false)) {
        listener.onWritePossible();
      }
    }

    String text() {
      return taken.toString(StandardCharsets.UTF_8);
    }
  }

  private SseResponse stream() throws IOException {
    Map<String, Object> async =
        Map.of(
            "complete",
            (Answer) arguments -> peer.completed.incrementAndGet(),
            "addListener",
            (Answer) arguments -> peer.asyncListener = (AsyncListener) arguments[0]);
    AsyncContext context = answering(AsyncContext.class, async);
    HttpServletRequest request = answering(HttpServletRequest.class, Map.of("startAsync", context));
    HttpServletResponse response =
        answering(HttpServletResponse.class, Map.of("getOutputStream", peer));
    return SseResponse.of(request, response, left::incrementAndGet);
  }

  private interface Answer {
    Object to(Object[] arguments);
  }

  private static <T> T answering(Class<T> type, Map<String, Object> answers) {
    return type.cast(
        Proxy.newProxyInstance(
            type.getClassLoader(),
            new Class<?>[] {type},
            (proxy, method, arguments) -> {
              Object answer = answers.get(method.getName());
              if (answer instanceof Answer computed) {
                Object value = computed.to(arguments);
                return method.getReturnType() == void.class ? null : value;
              }
              return answer;
            }));
  }

  private SseResponse opened() throws IOException {
    SseResponse stream = stream();
    stream.open();
    peer.listener.onWritePossible();
    return stream;
  }

  private void send(SseResponse stream, String text) {
    stream.send(
        text.getBytes(StandardCharsets.UTF_8),
        failure -> {
          reported.incrementAndGet();
          if (failure != null) {
            reports.add(failure);
          }
        });
  }

  @Test
  void whatIsSentBeforeTheServerTakesAnythingWaits() throws IOException {
    SseResponse stream = stream();
    send(stream, "a");
    stream.open();
    assertThat(peer.text()).isEmpty();
    assertThat(reported).hasValue(0);
    peer.listener.onWritePossible();
    assertThat(peer.text()).isEqualTo("a");
    assertThat(reported).hasValue(1);
  }

  @Test
  void aWriteThatTheServerDoesNotTakeWholeIsReportedWhenItHas() throws IOException {
    SseResponse stream = opened();
    peer.full = true;
    send(stream, "a");
    assertThat(reported).hasValue(0);
    peer.full = false;
    peer.drained();
    assertThat(reported).hasValue(1);
    send(stream, "b");
    assertThat(peer.text()).isEqualTo("ab");
    assertThat(reported).hasValue(2);
    assertThat(reports).isEmpty();
  }

  @Test
  void closingWhileAnotherThreadWritesCompletesOnlyAfterThatWrite() throws Exception {
    SseResponse stream = opened();
    CountDownLatch inside = new CountDownLatch(1);
    CountDownLatch closed = new CountDownLatch(1);
    peer.whileWriting =
        () -> {
          inside.countDown();
          await(closed);
        };
    Thread writer = new Thread(() -> send(stream, "a"));
    writer.start();
    await(inside);
    stream.close();
    assertThat(peer.completed).hasValue(0);
    closed.countDown();
    writer.join();
    assertThat(peer.completed).hasValue(1);
    assertThat(peer.overlapped).isFalse();
    assertThat(left).hasValue(0);
  }

  @Test
  void aPeerThatLeavesWhileAnotherThreadWritesIsToldOnce() throws Exception {
    SseResponse stream = opened();
    CountDownLatch inside = new CountDownLatch(1);
    CountDownLatch gone = new CountDownLatch(1);
    peer.whileWriting =
        () -> {
          inside.countDown();
          await(gone);
        };
    Thread writer = new Thread(() -> send(stream, "a"));
    writer.start();
    await(inside);
    peer.listener.onError(new IOException("reset by peer"));
    gone.countDown();
    writer.join();
    assertThat(left).hasValue(1);
    assertThat(reports).singleElement().hasToString("java.io.IOException: reset by peer");
    assertThat(peer.completed).hasValue(1);
    send(stream, "b");
    assertThat(reports).hasSize(2);
    assertThat(peer.text()).isEqualTo("a");
  }

  @Test
  void aPeerThatLeavesAnIdleStreamIsToldWithoutAReport() throws IOException {
    opened();
    peer.listener.onError(new IOException("reset by peer"));
    peer.asyncListener.onComplete(null);
    assertThat(left).hasValue(1);
    assertThat(reported).hasValue(0);
    assertThat(peer.completed).hasValue(1);
  }

  @Test
  void aWriteThatFailsEndsTheStream() throws IOException {
    SseResponse stream = opened();
    peer.broken = new IOException("broken pipe");
    send(stream, "a");
    assertThat(reports).singleElement().isSameAs(peer.broken);
    assertThat(left).hasValue(1);
    assertThat(peer.completed).hasValue(1);
    stream.close();
    assertThat(peer.completed).hasValue(1);
  }

  @Test
  void closingAStalledStreamReportsNothingMore() throws IOException {
    SseResponse stream = opened();
    peer.full = true;
    send(stream, "a");
    stream.close();
    peer.full = false;
    peer.drained();
    assertThat(reported).hasValue(0);
    assertThat(left).hasValue(0);
    assertThat(peer.completed).hasValue(1);
  }

  @Test
  void noWakeUpIsLostWhenTheServerDrainsFromAnotherThread() throws Exception {
    SseResponse stream = opened();
    peer.full = true;
    AtomicBoolean over = new AtomicBoolean();
    Random random = new Random(7);
    Thread server =
        new Thread(
            () -> {
              while (!over.get()) {
                try {
                  peer.drained();
                } catch (IOException impossible) {
                  throw new AssertionError(impossible);
                }
                Thread.onSpinWait();
              }
            });
    server.start();
    try {
      for (int i = 1; i <= 20_000; i++) {
        send(stream, "x");
        if (random.nextInt(100) == 0) {
          Thread.yield();
        }
        while (reported.get() < i) {
          Thread.onSpinWait();
        }
      }
    } finally {
      over.set(true);
      server.join();
    }
    assertThat(reports).isEmpty();
    assertThat(peer.taken.size()).isEqualTo(20_000);
  }

  private static void await(CountDownLatch latch) {
    try {
      assertThat(latch.await(20, TimeUnit.SECONDS)).isTrue();
    } catch (InterruptedException interrupted) {
      throw new AssertionError(interrupted);
    }
  }
}
