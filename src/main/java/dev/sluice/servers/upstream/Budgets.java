package dev.sluice.servers.upstream;

import dev.sluice.servers.ServerDefinition.Budget;
import java.lang.System.Logger;
import java.lang.System.Logger.Level;
import java.time.Duration;
import java.time.Instant;
import java.util.Collection;
import java.util.Optional;
import java.util.Set;

/** Ends children that take more than their definition allows. */
final class Budgets {

  private static final Logger LOG = System.getLogger(Budgets.class.getName());

  private Budgets() {}

  /** Looks at all children once; memory and number only where {@code /proc} tells them. */
  static void check(Collection<UpstreamClient> clients) {
    ProcessTable table = null;
    for (UpstreamClient client : clients) {
      Budget budget = client.definition().budget();
      Optional<ChildProcess> child = client.child().filter(ChildProcess::alive);
      if (budget.equals(Budget.UNLIMITED) || child.isEmpty()) {
        continue;
      }
      Optional<String> excess = age(client, child.get(), budget);
      if (excess.isEmpty() && (budget.maxMemoryBytes() > 0 || budget.maxProcesses() > 0)) {
        table = table == null ? ProcessTable.read() : table;
        excess = size(child.get().tree(table), budget);
      }
      if (excess.isPresent()) {
        LOG.log(
            Level.WARNING,
            "SLUICE-0308: {0} is ended: {1}",
            client.definition().id(),
            excess.get());
        client.endBecause(excess.get());
      }
    }
  }

  private static Optional<String> age(UpstreamClient client, ChildProcess child, Budget budget) {
    if (budget.maxAge().isZero() || client.inFlight() > 0) {
      return Optional.empty();
    }
    Duration age = Duration.between(child.startedAt(), Instant.now());
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
