package dev.sluice.streams;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import dev.sluice.events.Frame;
import dev.sluice.threads.OwnThreads;
import jakarta.websocket.RemoteEndpoint;
import jakarta.websocket.SendHandler;
import jakarta.websocket.SendResult;
import jakarta.websocket.Session;
import java.lang.reflect.Proxy;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicReference;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** Pings to peers that stall, with a server that holds the writer up as Payara's does. */
@Timeout(20)
class WebSocketOutletTest {

  private static final long PERIOD = 1;
  private static final long DEADLINE = 1_000_000_000;

  private final OwnThreads pinging = new OwnThreads(Thread::new, "pinging", 4, 100);
  private final CountDownLatch stalled = new CountDownLatch(1);
  private final AtomicInteger pings = new AtomicInteger();
  private final AtomicReference<SendHandler> inFlight = new AtomicReference<>();

  @AfterEach
  void close() {
    stalled.countDown();
    pinging.close();
  }

  private WebSocketOutlet outlet(boolean stalls) {
    return new WebSocketOutlet(session(stalls), Runnable::run, pinging);
  }

  private Session session(boolean stalls) {
    RemoteEndpoint.Async remote =
        (RemoteEndpoint.Async)
            Proxy.newProxyInstance(
                getClass().getClassLoader(),
                new Class<?>[] {RemoteEndpoint.Async.class},
                (proxy, method, arguments) -> {
                  if (method.getName().equals("sendPing")) {
                    pings.incrementAndGet();
                    if (stalls) {
                      stalled.await();
                    }
                  } else if (method.getName().equals("sendText")) {
                    inFlight.set((SendHandler) arguments[1]);
                  }
                  return null;
                });
    return (Session)
        Proxy.newProxyInstance(
            getClass().getClassLoader(),
            new Class<?>[] {Session.class},
            (proxy, method, arguments) ->
                method.getName().equals("getAsyncRemote") ? remote : null);
  }

  private static boolean look(WebSocketOutlet outlet, long afterNanos) {
    return outlet.alive(System.nanoTime() + afterNanos, PERIOD, DEADLINE);
  }

  @Test
  void pingsThatHangHoldUpNeitherTheWatchNorThePeersThatRead() {
    List<WebSocketOutlet> hanging = new ArrayList<>();
    for (int i = 0; i < 3; i++) {
      hanging.add(outlet(true));
    }
    WebSocketOutlet reading = outlet(false);
    long begin = System.nanoTime();
    hanging.forEach(outlet -> assertThat(look(outlet, 0)).isTrue());
    assertThat(look(reading, 0)).isTrue();
    assertThat(System.nanoTime() - begin).isLessThan(DEADLINE);
    await().until(() -> pings.get() == 4);
    assertThat(pinging.busy()).isGreaterThanOrEqualTo(3);
  }

  @Test
  void aPingThatIsNotTakenInTimeEndsThePeer() {
    WebSocketOutlet hanging = outlet(true);
    assertThat(look(hanging, 0)).isTrue();
    await().until(() -> pings.get() == 1);
    assertThat(look(hanging, 0)).isTrue();
    assertThat(look(hanging, 2 * DEADLINE)).isFalse();
  }

  @Test
  void whenAllThreadsHangAPingIsPutOffAndItsPeerIsNotBlamed() {
    try (OwnThreads one = new OwnThreads(Thread::new, "pinging", 1, 0)) {
      WebSocketOutlet hanging = new WebSocketOutlet(session(true), Runnable::run, one);
      assertThat(look(hanging, 0)).isTrue();
      await().until(() -> pings.get() == 1);
      WebSocketOutlet starved = new WebSocketOutlet(session(false), Runnable::run, one);
      starved.pong();
      assertThat(look(starved, 0)).isTrue();
      assertThat(look(starved, 2 * DEADLINE)).isTrue();
      assertThat(pings).hasValue(1);
      stalled.countDown();
      await().until(() -> look(starved, 0) && pings.get() == 2);
    }
  }

  @Test
  void aPeerThatHasNotTakenItsLastFrameIsNotPinged() {
    WebSocketOutlet outlet = outlet(false);
    AtomicInteger written = new AtomicInteger();
    outlet.send(new Frame("event", "", "{}"), failure -> written.incrementAndGet());
    assertThat(look(outlet, DEADLINE)).isTrue();
    assertThat(pinging.busy()).isZero();
    inFlight.get().onResult(new SendResult());
    assertThat(written).hasValue(1);
    assertThat(look(outlet, DEADLINE)).isTrue();
    await().until(() -> pings.get() == 1);
  }
}
