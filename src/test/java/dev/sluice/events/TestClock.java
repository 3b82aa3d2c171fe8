package dev.sluice.events;

import java.time.Clock;
import java.time.Instant;
import java.time.ZoneId;
import java.time.ZoneOffset;
import java.util.concurrent.atomic.AtomicReference;
import org.jspecify.annotations.Nullable;

/** A clock that the test moves. A sending thread reads it at the begin of each tick. */
final class TestClock extends Clock {

  volatile Instant now = Instant.parse("2026-11-20T12:00:00Z");
  private final AtomicReference<@Nullable Runnable> inTick = new AtomicReference<>();

  /** Runs once on a sending thread, in a tick: before it looks at its members. */
  void inNextTick(Runnable work) {
    inTick.set(work);
  }

  @Override
  public Instant instant() {
    if (Thread.currentThread().getName().equals("sluice-fanout")) {
      Runnable work = inTick.getAndSet(null);
      if (work != null) {
        work.run();
      }
    }
    return now;
  }

  @Override
  public ZoneId getZone() {
    return ZoneOffset.UTC;
  }

  @Override
  public Clock withZone(ZoneId zone) {
    return this;
  }
}
