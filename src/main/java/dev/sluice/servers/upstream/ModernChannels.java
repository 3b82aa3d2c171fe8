package dev.sluice.servers.upstream;

import dev.sluice.servers.ServerDefinition;
import dev.sluice.servers.ServerId;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.Executor;
import java.util.function.BiFunction;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/**
 * The one {@link ModernChannel} of each server that has traffic of the stateless era. It ends when
 * it was idle for the server's {@code idleTtl}, when its definition changes and its requests are
 * over, and with its server. Any thread may call.
 */
final class ModernChannels {

  /** What was handed out a moment ago may be used now. */
  private static final long GRACE_NANOS = Duration.ofSeconds(5).toNanos();

  private final BiFunction<ServerDefinition, Consumer<String>, ModernChannel> make;
  private final Consumer<Runnable> end;
  private final Map<ServerId, Entry> current = new HashMap<>(); // guarded by itself
  private final Set<Retired> retired = ConcurrentHashMap.newKeySet();
  private volatile boolean closing;

  private record Entry(
      ServerDefinition definition, StartPolicy starts, CompletableFuture<ModernChannel> channel) {
    @Nullable ModernChannel open() {
      return channel.isDone() && !channel.isCompletedExceptionally() ? channel.join() : null;
    }
  }

  private record Retired(ModernChannel channel, long since) {}

  /**
   * Makes them.
   *
   * @param make a channel that is not opened, and tells why when it has ended by itself
   * @param end runs what blocks
   */
  ModernChannels(
      BiFunction<ServerDefinition, Consumer<String>, ModernChannel> make, Consumer<Runnable> end) {
    this.make = make;
    this.end = end;
  }

  /**
   * The channel of that server, opened if there is none.
   *
   * @param blocking where it is opened
   * @param starts asked before that
   * @return fails with {@link StartFailure}, or with what {@code starts} refuses with
   */
  CompletableFuture<ModernUpstream> of(
      ServerDefinition definition, Executor blocking, StartPolicy starts) {
    Entry mine = new Entry(definition, starts, new CompletableFuture<>());
    Entry found;
    synchronized (current) {
      found = current.get(definition.id());
    }
    if (!serves(found, definition)) {
      try {
        starts.admit();
      } catch (RuntimeException refused) {
        return CompletableFuture.failedFuture(refused);
      }
    }
    synchronized (current) {
      found = current.get(definition.id());
      if (found != null && serves(found, definition)) {
        return found.channel().thenApply(channel -> channel);
      }
      current.put(definition.id(), mine);
    }
    retire(found);
    blocking.execute(() -> open(mine));
    return mine.channel().thenApply(channel -> channel);
  }

  private static boolean serves(@Nullable Entry entry, ServerDefinition definition) {
    return entry != null && entry.definition().sameProcess(definition) && !dead(entry);
  }

  private static boolean dead(Entry entry) {
    ModernChannel open = entry.open();
    return entry.channel().isCompletedExceptionally() || (open != null && open.isOver());
  }

  private void open(Entry entry) {
    ModernChannel[] made = new ModernChannel[1];
    long begin = System.nanoTime();
    try {
      ModernChannel channel =
          make.apply(
              entry.definition(),
              reason -> {
                remove(entry);
                entry.starts().ended(reason, Duration.ofNanos(System.nanoTime() - begin));
                ModernChannel ended = made[0];
                if (ended != null) {
                  end.accept(ended::close);
                }
              });
      made[0] = channel;
      channel.open();
      boolean wanted;
      synchronized (current) {
        wanted = entry.channel().complete(channel) && !closing;
      }
      if (!wanted) {
        channel.close();
      }
    } catch (RuntimeException | Error failure) {
      if (failure instanceof StartFailure told) {
        entry.starts().failed(told);
      }
      remove(entry);
      entry.channel().completeExceptionally(failure);
    }
  }

  private void remove(Entry entry) {
    synchronized (current) {
      current.remove(entry.definition().id(), entry);
    }
  }

  private void retire(@Nullable Entry entry) {
    if (entry == null) {
      return;
    }
    CompletableFuture<?> unused =
        entry
            .channel()
            .thenAccept(
                channel -> {
                  retired.add(new Retired(channel, System.nanoTime()));
                  channel.endSubscriptions();
                });
  }

  /** Called every few seconds: ends what is idle. */
  void look() {
    List<Entry> idle = new ArrayList<>();
    synchronized (current) {
      for (Entry entry : List.copyOf(current.values())) {
        ModernChannel open = entry.open();
        long ttl = entry.definition().idleTtl().toNanos();
        if (open != null && ttl > 0 && open.idleNanos() > ttl) {
          current.remove(entry.definition().id(), entry);
          idle.add(entry);
        }
      }
    }
    idle.forEach(this::retire);
    long now = System.nanoTime();
    List<Retired> unused =
        retired.stream()
            .filter(one -> now - one.since() > GRACE_NANOS && one.channel().inFlight() == 0)
            .toList();
    unused.forEach(
        one -> {
          if (retired.remove(one)) {
            end.accept(one.channel()::close);
          }
        });
  }

  /** Ends the channel of a server that was removed. */
  void forget(ServerId server) {
    Entry entry;
    synchronized (current) {
      entry = current.remove(server);
    }
    if (entry != null) {
      CompletableFuture<?> unused =
          entry.channel().thenAccept(channel -> end.accept(channel::close));
    }
  }

  /** Those that are open, the ones that only end counted in. */
  List<ModernChannel> open() {
    List<ModernChannel> all = new ArrayList<>();
    synchronized (current) {
      for (Entry entry : current.values()) {
        ModernChannel open = entry.open();
        if (open != null) {
          all.add(open);
        }
      }
    }
    retired.forEach(one -> all.add(one.channel()));
    return all;
  }

  /** No more are opened; returns those that are to be closed. */
  List<ModernChannel> closing() {
    synchronized (current) {
      closing = true;
    }
    return open();
  }
}
