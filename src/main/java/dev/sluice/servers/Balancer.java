package dev.sluice.servers;

import java.util.Comparator;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.function.DoubleSupplier;
import java.util.function.ToIntFunction;

/**
 * Chooses the member of a group that gets the next call; one balancer per group and strategy.
 *
 * <p>Not thread-safe: its group guards it with its own lock.
 */
final class Balancer {

  private final GroupDefinition.Strategy strategy;
  private final DoubleSupplier random;
  private final Map<ServerId, Integer> current = new HashMap<>();
  private long turn;

  Balancer(GroupDefinition.Strategy strategy, DoubleSupplier random) {
    this.strategy = strategy;
    this.random = random;
  }

  /**
   * The next member among the candidates, which are in the group's own order.
   *
   * @param inFlight calls a server has in flight now
   */
  Optional<GroupDefinition.Member> pick(
      List<GroupDefinition.Member> candidates, ToIntFunction<ServerId> inFlight) {
    if (candidates.isEmpty()) {
      return Optional.empty();
    }
    return switch (strategy) {
      case ROUND_ROBIN ->
          Optional.of(candidates.get((int) Math.floorMod(turn++, (long) candidates.size())));
      case WEIGHTED_ROUND_ROBIN -> Optional.of(smooth(candidates));
      case LEAST_CONNECTIONS -> {
        // the turn rotates the start, so that equals share
        int start = (int) Math.floorMod(turn++, (long) candidates.size());
        GroupDefinition.Member best = candidates.get(start);
        int least = inFlight.applyAsInt(best.server());
        for (int i = 1; i < candidates.size(); i++) {
          GroupDefinition.Member next = candidates.get((start + i) % candidates.size());
          int calls = inFlight.applyAsInt(next.server());
          if (calls < least) {
            best = next;
            least = calls;
          }
        }
        yield Optional.of(best);
      }
      case RANDOM -> Optional.of(weighted(candidates));
      case PRIORITY ->
          candidates.stream().min(Comparator.comparingInt(GroupDefinition.Member::priority));
    };
  }

  /** Smooth weighted round robin: heavy members are spread out instead of coming in a row. */
  private GroupDefinition.Member smooth(List<GroupDefinition.Member> candidates) {
    int total = 0;
    GroupDefinition.Member best = candidates.get(0);
    int highest = Integer.MIN_VALUE;
    for (GroupDefinition.Member member : candidates) {
      int weight = current.merge(member.server(), member.weight(), Integer::sum);
      total += member.weight();
      if (weight > highest) {
        highest = weight;
        best = member;
      }
    }
    current.put(best.server(), highest - total);
    return best;
  }

  private GroupDefinition.Member weighted(List<GroupDefinition.Member> candidates) {
    int total = candidates.stream().mapToInt(GroupDefinition.Member::weight).sum();
    double point = random.getAsDouble() * total;
    for (GroupDefinition.Member member : candidates) {
      point -= member.weight();
      if (point < 0) {
        return member;
      }
    }
    return candidates.get(candidates.size() - 1);
  }

  /** Forgets a server that left, so that its share does not wait for it. */
  void forget(ServerId server) {
    current.remove(server);
  }
}
