package dev.sluice.events;

import java.util.Queue;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.atomic.AtomicReference;
import org.jspecify.annotations.Nullable;

/**
 * What other threads leave for the owner of a shard, in two lock-free lists: commands, bounded by
 * {@link Subscription#MAX_CONTROL} for each subscription and a few for the shard, and the
 * subscriptions whose write was reported.
 */
final class Mailbox {

  /** Work for the owner; when it throws, {@code member} is closed and nobody else. */
  record Command(@Nullable Subscription member, Runnable work) {}

  private final Queue<Command> commands = new ConcurrentLinkedQueue<>();
  private final AtomicReference<@Nullable Subscription> ready = new AtomicReference<>();

  void add(Command command) {
    commands.add(command);
  }

  @Nullable Command next() {
    return commands.poll();
  }

  void ready(Subscription subscription) {
    Subscription first;
    do {
      first = ready.get();
      subscription.nextReady = first;
    } while (!ready.compareAndSet(first, subscription));
  }

  /** The first of all ready subscriptions, linked by {@code nextReady}; they are taken out. */
  @Nullable Subscription takeReady() {
    return ready.getAndSet(null);
  }

  boolean isEmpty() {
    return ready.get() == null && commands.isEmpty();
  }
}
