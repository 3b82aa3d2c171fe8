package dev.sluice.relay;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.Consumer;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;

/** What waits for one client. */
class OutboxTest {

  private final List<Byte> written = new ArrayList<>();
  private final List<Consumer<Throwable>> reports = new ArrayList<>();
  private final AtomicInteger overflows = new AtomicInteger();
  private final AtomicInteger breaks = new AtomicInteger();

  private final Outbox outbox =
      new Outbox(
          (message, done) -> {
            written.add(message[0]);
            reports.add(done);
          },
          overflows::incrementAndGet,
          breaks::incrementAndGet);

  private void report(Throwable failure) {
    reports.remove(0).accept(failure);
  }

  @Test
  void whatWaitsGoesOutInOrderOneByOne() {
    for (byte i = 0; i < 10; i++) {
      outbox.add(new byte[] {i});
    }
    assertThat(written).containsExactly((byte) 0);
    for (int i = 0; i < 3; i++) {
      report(null);
    }
    assertThat(written).containsExactly((byte) 0, (byte) 1, (byte) 2, (byte) 3);
    assertThat(outbox.bytes()).isEqualTo(6);
    while (!reports.isEmpty()) {
      report(null);
    }
    assertThat(written).hasSize(10);
    assertThat(outbox.bytes()).isZero();
  }

  @Test
  void aClientThatTakesNothingIsTooSlowOnceAndItsMemoryIsFreed() {
    for (int i = 0; i <= Outbox.MAX_MESSAGES; i++) {
      outbox.add(new byte[] {1});
    }
    assertThat(overflows).hasValue(0);
    IntStream.range(0, 10).forEach(i -> outbox.add(new byte[] {2}));
    assertThat(overflows).hasValue(1);
    assertThat(outbox.bytes()).isZero();
    report(null);
    assertThat(written).containsExactly((byte) 1);
  }

  @Test
  void bytesAreBoundedTooAndOneLargeMessageIsNot() {
    byte[] large = new byte[(int) Outbox.MAX_BYTES + 1];
    outbox.add(large);
    outbox.add(large);
    assertThat(overflows).hasValue(0);
    outbox.add(new byte[1]);
    assertThat(overflows).hasValue(1);
  }

  @Test
  void aWriteThatFailsIsToldOnceAndNothingMoreIsWritten() {
    outbox.add(new byte[] {1});
    outbox.add(new byte[] {2});
    report(new IOException("gone"));
    outbox.add(new byte[] {3});
    assertThat(breaks).hasValue(1);
    assertThat(written).containsExactly((byte) 1);
  }

  @Test
  void theEndWaitsForWhatIsToBeWritten() {
    AtomicInteger ends = new AtomicInteger();
    outbox.add(new byte[] {1});
    outbox.add(new byte[] {2});
    outbox.finish(ends::incrementAndGet);
    outbox.add(new byte[] {3});
    report(null);
    assertThat(ends).hasValue(0);
    report(null);
    outbox.finish(ends::incrementAndGet);
    assertThat(ends).hasValue(1);
    assertThat(written).containsExactly((byte) 1, (byte) 2);
  }
}
