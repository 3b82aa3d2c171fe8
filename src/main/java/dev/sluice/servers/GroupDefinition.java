package dev.sluice.servers;

import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.Optional;

/**
 * Several servers that answer the same calls.
 *
 * @param id 1 to 64 characters of {@code [A-Za-z0-9_-]}
 * @param description for people, may be empty
 * @param strategy which member gets the next call
 * @param minHealthy members in rotation for the group to be healthy, 1 to 100
 * @param unhealthyThreshold failed probes in a row until a member leaves rotation, 1 to 100
 * @param healthyThreshold good probes in a row until it returns, 1 to 100
 * @param autoStart whether a call starts a cold member when none is in rotation
 * @param members at most {@link #MAX_MEMBERS}, no two of one server
 */
public record GroupDefinition(
    String id,
    String description,
    Strategy strategy,
    int minHealthy,
    int unhealthyThreshold,
    int healthyThreshold,
    boolean autoStart,
    List<Member> members) {

  /** Members of one group at most. */
  public static final int MAX_MEMBERS = 100;

  /** The same group with other members. */
  GroupDefinition with(List<Member> others) {
    return new GroupDefinition(
        id,
        description,
        strategy,
        minHealthy,
        unhealthyThreshold,
        healthyThreshold,
        autoStart,
        List.copyOf(others));
  }

  /** How the next member is chosen. */
  public enum Strategy {
    ROUND_ROBIN,
    WEIGHTED_ROUND_ROBIN,
    LEAST_CONNECTIONS,
    RANDOM,
    PRIORITY;

    /** The name in files and on the wire. */
    public String wire() {
      return name().toLowerCase(Locale.ROOT);
    }

    /** The strategy of that name. */
    public static Optional<Strategy> of(String name) {
      return Arrays.stream(values()).filter(s -> s.wire().equals(name)).findFirst();
    }
  }

  /**
   * One server of the group.
   *
   * @param server its id
   * @param weight its share of calls, 1 to 100
   * @param priority lower is preferred, 1 to 100
   */
  public record Member(ServerId server, int weight, int priority) {}
}
