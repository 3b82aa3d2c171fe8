package dev.sluice.servers;

import static org.assertj.core.api.Assertions.assertThat;

import dev.sluice.servers.GroupDefinition.Member;
import dev.sluice.servers.GroupDefinition.Strategy;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Map;
import java.util.Random;
import org.junit.jupiter.api.Test;

class BalancerTest {

  private static final Member A = new Member(new ServerId("a"), 3, 5);
  private static final Member B = new Member(new ServerId("b"), 1, 2);
  private static final List<Member> BOTH = List.of(A, B);

  private static List<String> picks(Balancer balancer, List<Member> candidates, int count) {
    List<String> out = new ArrayList<>();
    for (int i = 0; i < count; i++) {
      out.add(balancer.pick(candidates, s -> 0).orElseThrow().server().value());
    }
    return out;
  }

  private static Balancer of(Strategy strategy) {
    return new Balancer(strategy, new Random(1)::nextDouble);
  }

  @Test
  void weightedRoundRobinSpreadsThreeToOneOverEightPicks() {
    List<String> picks = picks(of(Strategy.WEIGHTED_ROUND_ROBIN), BOTH, 8);
    assertThat(Collections.frequency(picks, "a")).isEqualTo(6);
    assertThat(Collections.frequency(picks, "b")).isEqualTo(2);
    assertThat(picks).containsExactly("a", "a", "b", "a", "a", "a", "b", "a");
  }

  @Test
  void roundRobinTakesTurns() {
    assertThat(picks(of(Strategy.ROUND_ROBIN), BOTH, 4)).containsExactly("a", "b", "a", "b");
  }

  @Test
  void priorityPicksTheLowestNumber() {
    assertThat(picks(of(Strategy.PRIORITY), BOTH, 3)).containsOnly("b");
  }

  @Test
  void leastConnectionsPicksTheOneWithFewestCallsInFlight() {
    Balancer balancer = of(Strategy.LEAST_CONNECTIONS);
    Map<ServerId, Integer> inFlight = Map.of(A.server(), 2, B.server(), 1);
    for (int i = 0; i < 5; i++) {
      assertThat(balancer.pick(BOTH, inFlight::get)).contains(B);
    }
  }

  @Test
  void leastConnectionsSharesAmongEquals() {
    assertThat(picks(of(Strategy.LEAST_CONNECTIONS), BOTH, 4)).containsExactly("a", "b", "a", "b");
  }

  @Test
  void randomFollowsTheWeights() {
    List<String> picks = picks(of(Strategy.RANDOM), BOTH, 4000);
    assertThat(Collections.frequency(picks, "a")).isBetween(2850, 3150);
  }

  @Test
  void aMemberThatIsNotACandidateIsNeverPicked() {
    for (Strategy strategy : Strategy.values()) {
      assertThat(picks(of(strategy), List.of(B), 10)).containsOnly("b");
      assertThat(of(strategy).pick(List.of(), s -> 0)).isEmpty();
    }
  }
}
