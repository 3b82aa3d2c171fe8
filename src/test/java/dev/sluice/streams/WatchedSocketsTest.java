package dev.sluice.streams;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import dev.sluice.events.CloseCode;
import dev.sluice.events.Fanout;
import dev.sluice.events.FanoutSettings;
import dev.sluice.events.Journal;
import dev.sluice.events.JournalSettings;
import dev.sluice.events.SubscribeRequest;
import dev.sluice.events.Subscription;
import dev.sluice.threads.OwnThreads;
import jakarta.websocket.RemoteEndpoint;
import jakarta.websocket.Session;
import java.lang.reflect.Proxy;
import java.time.Duration;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** Sessions that end at an unlucky moment leave nothing behind. */
@Timeout(30)
class WatchedSocketsTest {

  private static final Duration LONG = Duration.ofHours(1);

  private final Journal journal = Journal.inMemory(JournalSettings.defaults("test-00000001"));
  private final Fanout fanout = new Fanout(journal, FanoutSettings.DEFAULTS, Thread::new);
  private final OwnThreads pinging = new OwnThreads(Thread::new, "pinging", 1, 10);
  private final WatchedSockets sockets = new WatchedSockets();
  private final AtomicInteger closes = new AtomicInteger();

  @AfterEach
  void close() {
    fanout.close();
    pinging.close();
    journal.close();
  }

  private WebSocketOutlet outlet() {
    RemoteEndpoint.Async remote =
        (RemoteEndpoint.Async)
            Proxy.newProxyInstance(
                getClass().getClassLoader(),
                new Class<?>[] {RemoteEndpoint.Async.class},
                (proxy, method, arguments) -> null);
    Session session =
        (Session)
            Proxy.newProxyInstance(
                getClass().getClassLoader(),
                new Class<?>[] {Session.class},
                (proxy, method, arguments) -> {
                  if (method.getName().equals("close")) {
                    closes.incrementAndGet();
                  }
                  return method.getName().equals("getAsyncRemote") ? remote : null;
                });
    return new WebSocketOutlet(session, Runnable::run, pinging);
  }

  private Subscription subscribe(WebSocketOutlet outlet) {
    return fanout.subscribeQuietly(SubscribeRequest.EVERYTHING, Fanout.SEES_ALL, outlet);
  }

  @Test
  void aSessionThatEndsWhileItIsBeingOpenedIsNotKept() {
    WebSocketOutlet outlet = outlet();
    Subscription subscription = subscribe(outlet);
    sockets.gone(outlet); // the container says so before the session was added
    sockets.add(outlet, subscription);
    assertThat(sockets.size()).isZero();
    await().until(() -> fanout.stats().subscribers() == 0);
  }

  @Test
  void aSessionThatEndsAtAnyMomentOfItsOpeningIsNotKept() throws Exception {
    for (int i = 0; i < 500; i++) {
      WebSocketOutlet outlet = outlet();
      Subscription subscription = subscribe(outlet);
      CountDownLatch go = new CountDownLatch(1);
      Thread container =
          new Thread(
              () -> {
                awaitQuietly(go);
                sockets.gone(outlet);
              });
      container.start();
      go.countDown();
      sockets.add(outlet, subscription);
      container.join();
    }
    assertThat(sockets.size()).isZero();
    await().until(() -> fanout.stats().subscribers() == 0);
  }

  private static void awaitQuietly(CountDownLatch latch) {
    try {
      latch.await();
    } catch (InterruptedException stop) {
      Thread.currentThread().interrupt();
    }
  }

  /** A session of which the container never says that it has ended. */
  @Test
  void aSessionThatTheHubClosesWhileItIsBeingOpenedIsNotKept() {
    WebSocketOutlet outlet = outlet();
    Subscription subscription = subscribe(outlet);
    sockets.add(outlet, subscription);
    subscription.close(CloseCode.TOO_LARGE, "a message was too long");
    await().until(() -> closes.get() == 1);
    sockets.look(System.nanoTime(), LONG, LONG);
    assertThat(sockets.size()).isZero();
    assertThat(closes).hasValue(1);
  }

  @Test
  void aSessionThatLivesIsKept() {
    WebSocketOutlet outlet = outlet();
    sockets.add(outlet, subscribe(outlet));
    sockets.look(System.nanoTime(), LONG, LONG);
    assertThat(sockets.size()).isEqualTo(1);
    sockets.gone(outlet);
    assertThat(sockets.size()).isZero();
    await().until(() -> fanout.stats().subscribers() == 0);
  }
}
