package dev.sluice.boot;

import jakarta.annotation.Resource;
import jakarta.ejb.ConcurrencyManagement;
import jakarta.ejb.ConcurrencyManagementType;
import jakarta.ejb.Singleton;
import jakarta.enterprise.concurrent.ManagedExecutorDefinition;
import jakarta.enterprise.concurrent.ManagedExecutorService;
import jakarta.enterprise.concurrent.ManagedScheduledExecutorDefinition;
import jakarta.enterprise.concurrent.ManagedScheduledExecutorService;
import jakarta.enterprise.concurrent.ManagedThreadFactory;
import jakarta.enterprise.concurrent.ManagedThreadFactoryDefinition;
import jakarta.enterprise.inject.Produces;

/**
 * The hub's managed threads, defined by the application and so of the same size on every server.
 *
 * <p>The servers' default executor is not used: WildFly's ran 4 of 200 blocking tasks at once on
 * two processors. Features inject {@link ManagedExecutorService} for bounded blocking work, {@link
 * ManagedScheduledExecutorService} for timers that only start work, and {@link
 * ManagedThreadFactory} for the few long-lived threads they own and end.
 */
@Singleton
@SuppressWarnings("UnusedVariable") // producer fields are read by CDI
@ConcurrencyManagement(ConcurrencyManagementType.BEAN)
@ManagedExecutorDefinition(name = "java:module/concurrent/sluice-work", maxAsync = 64)
@ManagedScheduledExecutorDefinition(name = "java:module/concurrent/sluice-timer", maxAsync = 4)
@ManagedThreadFactoryDefinition(name = "java:module/concurrent/sluice-threads")
public class Threads {

  @Produces
  @Resource(lookup = "java:module/concurrent/sluice-work")
  private ManagedExecutorService work;

  @Produces
  @Resource(lookup = "java:module/concurrent/sluice-timer")
  private ManagedScheduledExecutorService timer;

  @Produces
  @Resource(lookup = "java:module/concurrent/sluice-threads")
  private ManagedThreadFactory threads;
}
