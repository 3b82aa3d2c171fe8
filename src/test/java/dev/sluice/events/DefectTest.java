package dev.sluice.events;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import java.time.Duration;
import java.util.concurrent.ThreadFactory;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

/** Whatever is thrown, by whomever: it ends at most the subscription that caused it. */
class DefectTest {

  private final TestEvents.Threads threads = new TestEvents.Threads();
  private @Nullable Fanout fanout;

  private Fanout start(Journal journal, ThreadFactory factory) {
    Fanout made =
        new Fanout(
            journal,
            new FanoutSettings(
                100, 1024, 1 << 20, Duration.ofSeconds(60), Duration.ofSeconds(60), 1, 4),
            factory);
    fanout = made;
    return made;
  }

  @AfterEach
  void everyThreadEnds() {
    if (fanout != null) {
      fanout.close();
    }
    await().until(() -> threads.alive.get() == 0);
  }

  private static Reader subscribe(Fanout fanout) {
    Reader reader = new Reader();
    fanout.subscribeQuietly(SubscribeRequest.EVERYTHING, Fanout.SEES_ALL, reader);
    return reader;
  }

  private static void publish(Journal journal, int count) {
    for (int n = 0; n < count; n++) {
      journal.append(TestEvents.stopped("math", n));
    }
  }

  @Test
  void anErrorInOneConnectionsSendOrCloseEndsThatSubscriptionOnly() {
    Journal journal = Journal.inMemory(TestEvents.settings(2000));
    Fanout hub = start(journal, threads);
    AtomicInteger closes = new AtomicInteger();
    Outlet broken =
        new Outlet() {
          @Override
          public void send(Frame frame, Consumer<@Nullable Throwable> done) {
            throw new NoClassDefFoundError("the class loader is closed");
          }

          @Override
          public void close(CloseCode code, String reason) {
            closes.incrementAndGet();
            throw new NoClassDefFoundError("the class loader is closed");
          }
        };
    Reader before = subscribe(hub);
    hub.subscribeQuietly(SubscribeRequest.EVERYTHING, Fanout.SEES_ALL, broken);
    Reader after = subscribe(hub);
    publish(journal, 500);
    await().until(() -> before.size() == 500 && after.size() == 500);
    await().until(() -> closes.get() == 1);
    assertThat(hub.stats().subscribers()).isEqualTo(2);
    publish(journal, 500);
    await().until(() -> before.size() == 1000 && after.size() == 1000);
  }

  @Test
  void anErrorInOneCallersRightsEndsThatSubscriptionOnly() {
    Journal journal = Journal.inMemory(TestEvents.settings(2000));
    Fanout hub = start(journal, threads);
    Reader healthy = subscribe(hub);
    Reader live = new Reader();
    Reader replaying = new Reader();
    publish(journal, 10);
    hub.subscribeQuietly(SubscribeRequest.EVERYTHING, DefectTest::unknown, live);
    hub.subscribeQuietly(
        SubscribeRequest.EVERYTHING.withSince(new Since.Earliest()),
        DefectTest::unknown,
        replaying);
    publish(journal, 10);
    await().until(() -> healthy.size() == 20);
    await().until(() -> live.closedWith() == CloseCode.INTERNAL);
    await().until(() -> replaying.closedWith() == CloseCode.INTERNAL);
    assertThat(hub.stats().subscribers()).isEqualTo(1);
  }

  private static boolean unknown(Topic topic) {
    throw new NoClassDefFoundError("the class loader is closed: " + topic);
  }

  @Test
  void aSendingThreadSurvivesAnErrorThatIsNobodysAndLosesNoEvent() {
    TestClock clock = new TestClock();
    Journal journal =
        Journal.inMemory(
            new JournalSettings(2000, 1 << 20, Duration.ofHours(1), "test-00000001", clock));
    Fanout hub = start(journal, threads);
    Reader reader = subscribe(hub);
    publish(journal, 10);
    await().until(() -> reader.size() == 10);
    AtomicInteger faults = new AtomicInteger();
    clock.inNextTick(
        () -> {
          clock.inNextTick(() -> fault(faults));
          fault(faults);
        });
    await().until(() -> faults.get() == 2);
    publish(journal, 500);
    await().until(() -> reader.size() == 510);
    assertThat(reader.of("warning")).isEmpty();
  }

  private static void fault(AtomicInteger faults) {
    faults.incrementAndGet();
    throw new NoClassDefFoundError("the class loader is closed");
  }

  @Test
  void aShardWhoseThreadHangsGetsAnotherAsSoonAsThereIsOne() {
    AtomicInteger refusals = new AtomicInteger();
    AtomicInteger refused = new AtomicInteger();
    Journal journal = Journal.inMemory(TestEvents.settings(2000));
    Fanout hub =
        start(
            journal,
            work -> {
              if (refusals.getAndUpdate(left -> Math.max(0, left - 1)) > 0) {
                refused.incrementAndGet();
                throw new IllegalStateException("no thread to be had");
              }
              return threads.newThread(work);
            });
    Reader hanging = subscribe(hub).block();
    Reader healthy = subscribe(hub);
    refusals.set(3);
    publish(journal, 300);
    await().until(() -> healthy.size() == 300);
    assertThat(refused).hasValue(3);
    hanging.unblock();
    await().until(() -> hanging.size() == 300);
  }
}
