package dev.sluice.rest;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.time.Duration;
import java.util.concurrent.atomic.AtomicLong;
import org.junit.jupiter.api.Test;

class BoundedBodyTest {

  private final AtomicLong now = new AtomicLong();

  private BoundedBody bounded(int limit) {
    return new BoundedBody(limit, Duration.ofSeconds(2), now::get);
  }

  @Test
  void aBodyOfExactlyTheLimitIsRead() throws IOException {
    assertThat(bounded(20_000).read(new ByteArrayInputStream(new byte[20_000]))).hasSize(20_000);
  }

  @Test
  void oneByteMoreIsTooLarge() {
    assertThatThrownBy(() -> bounded(20_000).read(new ByteArrayInputStream(new byte[20_001])))
        .isInstanceOf(BoundedBody.TooLargeException.class);
  }

  @Test
  void anEndlessBodyIsGivenUpSoonAfterTheLimit() {
    AtomicLong taken = new AtomicLong();
    InputStream endless =
        new InputStream() {
          @Override
          public int read() {
            taken.incrementAndGet();
            return 'x';
          }
        };
    assertThatThrownBy(() -> bounded(10_000).read(endless))
        .isInstanceOf(BoundedBody.TooLargeException.class);
    assertThat(taken.get()).isLessThanOrEqualTo(10_000 + 8192);
  }

  @Test
  void aTrickleIsGivenUpAtTheDeadline() {
    InputStream trickle =
        new InputStream() {
          @Override
          public int read() {
            now.addAndGet(Duration.ofMillis(100).toNanos());
            return ' ';
          }

          @Override
          public int read(byte[] into, int offset, int length) {
            into[offset] = (byte) read();
            return 1;
          }
        };
    assertThatThrownBy(() -> bounded(10_000).read(trickle))
        .isInstanceOf(BoundedBody.TooSlowException.class);
    assertThat(Duration.ofNanos(now.get())).isBetween(Duration.ofSeconds(2), Duration.ofSeconds(3));
  }
}
