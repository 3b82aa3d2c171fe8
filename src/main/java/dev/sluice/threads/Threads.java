package dev.sluice.threads;

import jakarta.annotation.Resource;
import jakarta.enterprise.concurrent.ManagedExecutorService;
import jakarta.enterprise.concurrent.ManagedScheduledExecutorService;
import jakarta.enterprise.concurrent.ManagedThreadFactory;
import jakarta.enterprise.context.ApplicationScoped;
import jakarta.enterprise.inject.Produces;
import jakarta.enterprise.inject.Typed;

/**
 * Defines and produces the hub's managed threads: {@code @Bounded ManagedExecutorService} for
 * blocking work (64 at once), {@code @Bounded ManagedScheduledExecutorService} for timers that only
 * start work, {@code @Bounded ManagedThreadFactory} for the few long-lived threads that a feature
 * owns and ends.
 */
@ApplicationScoped
class Threads {

  @Resource(lookup = "java:module/concurrent/sluice-work")
  private ManagedExecutorService work;

  @Resource(lookup = "java:module/concurrent/sluice-timer")
  private ManagedScheduledExecutorService timer;

  @Produces
  @Bounded
  @Resource(lookup = "java:module/concurrent/sluice-threads")
  @SuppressWarnings("UnusedVariable") // read by CDI
  private ManagedThreadFactory threads;

  @Produces
  @Bounded
  ManagedExecutorService work() {
    return PlainContext.of(work, ManagedExecutorService.class);
  }

  @Produces
  @Bounded
  @Typed(ManagedScheduledExecutorService.class) // it is also a ManagedExecutorService
  ManagedScheduledExecutorService timer() {
    return PlainContext.of(timer, ManagedScheduledExecutorService.class);
  }
}
