package dev.sluice.servers.upstream;

import dev.sluice.servers.ServerDefinition;
import dev.sluice.servers.ServerDefinition.Budget;
import java.lang.System.Logger;
import java.lang.System.Logger.Level;
import java.time.Duration;
import java.time.Instant;
import java.util.Collection;
import java.util.Optional;
import java.util.Set;
import java.util.function.Consumer;
import java.util.function.IntSupplier;

/**
 * Ends children that take more than their definition allows, whoever they are for: the hub itself,
 * sessions of clients, or stateless requests.
 */
final class Budgets {

  private static final Logger LOG = System.getLogger(Budgets.class.getName());

  private Budgets() {}

  /**
   * A child and who uses it.
   *
   * @param inFlight requests that wait for its answers now
   * @param end ends it for the reason given, and tells those who use it; does not block
   */
  record Holder(
      ServerDefinition definition,
      ChildProcess child,
      IntSupplier inFlight,
      Consumer<String> end) {}

  /** Looks at all children once; memory and number only where {@code /proc} tells them. */
  static void check(Collection<Holder> holders) {
    ProcessTable table = null;
    for (Holder holder : holders) {
      Budget budget = holder.definition().budget();
      if (budget.equals(Budget.UNLIMITED) || !holder.child().alive()) {
        continue;
      }
      Optional<String> excess = age(holder, budget);
      if (excess.isEmpty() && (budget.maxMemoryBytes() > 0 || budget.maxProcesses() > 0)) {
        table = table == null ? ProcessTable.read() : table;
        excess = size(holder.child().tree(table), budget);
      }
      if (excess.isPresent()) {
        LOG.log(
            Level.WARNING,
            "SLUICE-0308: {0} is ended: {1}",
            holder.definition().id(),
            excess.get());
        holder.end().accept(excess.get());
      }
    }
  }

  private static Optional<String> age(Holder holder, Budget budget) {
    if (budget.maxAge().isZero() || holder.inFlight().getAsInt() > 0) {
      return Optional.empty();
    }
    Duration age = Duration.between(holder.child().startedAt(), Instant.now());
    return age.compareTo(budget.maxAge()) < 0
        ? Optional.empty()
        : Optional.of(UpstreamListener.AGED + " over " + budget.maxAge().toSeconds() + " s");
  }

  private static Optional<String> size(Set<Long> tree, Budget budget) {
    if (budget.maxProcesses() > 0 && tree.size() > budget.maxProcesses()) {
      return Optional.of(
          UpstreamListener.BUDGET + tree.size() + " processes of at most " + budget.maxProcesses());
    }
    if (budget.maxMemoryBytes() > 0) {
      long bytes = tree.stream().mapToLong(ProcessTable::residentBytes).sum();
      if (bytes > budget.maxMemoryBytes()) {
        return Optional.of(
            UpstreamListener.BUDGET
                + bytes
                + " bytes of memory of at most "
                + budget.maxMemoryBytes());
      }
    }
    return Optional.empty();
  }
}
