package dev.sluice.servers;

import dev.sluice.servers.ServerDefinition.Era;
import dev.sluice.servers.ServerDefinition.Transport;
import dev.sluice.servers.upstream.EraVerdict;
import java.time.Clock;
import java.time.Duration;
import java.time.Instant;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.Executor;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;

/**
 * Which protocol eras each server speaks: as its definition says, or as one probe of it found. A
 * verdict holds for the definition it was found for, and for {@link #HORIZON}; an older one still
 * holds while the server is asked anew, and if that fails. One verdict a server. Any thread may
 * call; nothing blocks.
 */
final class Eras {

  /** After this a server is asked anew. */
  static final Duration HORIZON = Duration.ofHours(24);

  /** After a failed probe, how long its failure is the answer. */
  static final Duration AGAIN = Duration.ofSeconds(2);

  private final Function<ServerDefinition, EraVerdict> probe;
  private final Executor blocking;
  private final Clock clock;
  private final Map<ServerId, Entry> entries = new ConcurrentHashMap<>();

  /** What is known for one definition. */
  private static final class Entry {
    final Transport transport;
    final Era era;
    final Instant created;

    // Guarded by this.
    private @Nullable EraVerdict verdict;
    private @Nullable CompletableFuture<EraVerdict> asking;
    private Instant askedAt = Instant.MIN;

    Entry(ServerDefinition definition, Instant created) {
      this.created = created;
      transport = definition.transport();
      era = definition.era();
    }

    boolean isOf(ServerDefinition definition) {
      return transport.equals(definition.transport()) && era == definition.era();
    }
  }

  /**
   * Makes them.
   *
   * @param probe asks a server; blocks
   * @param blocking where that is done
   * @param clock says how old a verdict is
   */
  Eras(Function<ServerDefinition, EraVerdict> probe, Executor blocking, Clock clock) {
    this.clock = clock;
    this.probe = probe;
    this.blocking = blocking;
  }

  /** What is known without asking. */
  Optional<EraVerdict> known(ServerDefinition definition) {
    Entry entry = entries.get(definition.id());
    if (definition.era() != Era.AUTO) {
      boolean modern = definition.era() == Era.MODERN;
      return Optional.of(new EraVerdict(!modern, modern, false, entry(definition).created));
    }
    if (entry == null || !entry.isOf(definition)) {
      return Optional.empty();
    }
    synchronized (entry) {
      return Optional.ofNullable(entry.verdict);
    }
  }

  private Entry entry(ServerDefinition definition) {
    return entries.compute(
        definition.id(),
        (id, before) ->
            before != null && before.isOf(definition)
                ? before
                : new Entry(definition, clock.instant()));
  }

  /** What is known, or found by asking; fails with what the probe failed with. */
  CompletableFuture<EraVerdict> of(ServerDefinition definition) {
    Entry entry = entry(definition);
    Optional<EraVerdict> known = known(definition);
    if (known.isPresent()
        && (!known.get().probed() || known.get().at().plus(HORIZON).isAfter(clock.instant()))) {
      return CompletableFuture.completedFuture(known.get());
    }
    CompletableFuture<EraVerdict> asked = ask(entry, definition);
    return known.map(CompletableFuture::completedFuture).orElse(asked);
  }

  private CompletableFuture<EraVerdict> ask(Entry entry, ServerDefinition definition) {
    CompletableFuture<EraVerdict> mine = new CompletableFuture<>();
    synchronized (entry) {
      CompletableFuture<EraVerdict> other = entry.asking;
      if (other != null
          && (!other.isDone() || clock.instant().isBefore(entry.askedAt.plus(AGAIN)))) {
        return other;
      }
      entry.asking = mine;
    }
    blocking.execute(
        () -> {
          try {
            EraVerdict found = probe.apply(definition);
            synchronized (entry) {
              entry.verdict = found;
              entry.askedAt = clock.instant();
            }
            mine.complete(found);
          } catch (RuntimeException | Error failed) {
            synchronized (entry) {
              entry.askedAt = clock.instant();
            }
            mine.completeExceptionally(failed);
          }
        });
    return mine;
  }

  /** Forgets a server that was removed. */
  void forget(ServerId id) {
    entries.remove(id);
  }
}
