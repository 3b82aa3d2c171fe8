package dev.sluice.servers;

import dev.sluice.events.DomainEvent;
import dev.sluice.events.EventSink;
import dev.sluice.rest.ApiException;
import dev.sluice.servers.GroupDefinition.Member;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.ThreadLocalRandom;
import java.util.function.Supplier;
import java.util.function.ToIntFunction;

/**
 * One group: created inactive, its members enter and leave rotation as their servers come and go,
 * and its state follows the number in rotation; gone when deleted.
 *
 * <p>All its state is behind one short lock, under which nothing waits. Any thread may call.
 */
final class Group {

  /** The states; the wire name is the lower-case name. */
  enum State {
    /** No member in rotation. */
    INACTIVE,
    /** Some in rotation, fewer than wanted. */
    PARTIAL,
    /** Enough in rotation, and none is out because it failed. */
    HEALTHY,
    /** Enough in rotation, and at least one is out because it failed. */
    DEGRADED;

    String wire() {
      return name().toLowerCase(Locale.ROOT);
    }
  }

  /**
   * What is known of a member's server.
   *
   * @param present whether it is registered
   * @param state its state
   * @param circuit of its calls
   */
  record Standing(boolean present, ServerState state, CircuitBreaker.State circuit) {
    static final Standing ABSENT =
        new Standing(false, ServerState.COLD, CircuitBreaker.State.CLOSED);

    /** Ready and with a circuit that lets calls through; cold and dead are not healthy. */
    boolean usable() {
      return present && state == ServerState.READY && circuit != CircuitBreaker.State.OPEN;
    }

    boolean failed() {
      return state == ServerState.DEAD
          || state == ServerState.DEGRADED
          || circuit == CircuitBreaker.State.OPEN;
    }
  }

  /** A member with its health as the group sees it. */
  private static final class Seat {
    private Standing standing = Standing.ABSENT;
    private boolean inRotation;
    private boolean outByProbes;
    private int badProbes;
    private int goodProbes;
  }

  /**
   * A member as lists show it.
   *
   * @param failures failed probes in a row
   */
  record MemberView(Member member, Standing standing, boolean inRotation, int failures) {}

  /** The group at one moment. */
  record View(GroupDefinition definition, State state, List<MemberView> members) {
    long inRotation() {
      return members.stream().filter(MemberView::inRotation).count();
    }
  }

  private final EventSink events;
  private final Object lock = new Object();

  // guarded by the lock
  private GroupDefinition definition;
  private Balancer balancer;
  private final Map<ServerId, Seat> seats = new LinkedHashMap<>();
  private State state = State.INACTIVE;

  Group(GroupDefinition definition, EventSink events) {
    this.events = events;
    this.definition = definition;
    this.balancer = balancer(definition);
  }

  private static Balancer balancer(GroupDefinition definition) {
    return new Balancer(definition.strategy(), () -> ThreadLocalRandom.current().nextDouble());
  }

  String id() {
    return definition().id();
  }

  GroupDefinition definition() {
    synchronized (lock) {
      return definition;
    }
  }

  /** Says that it exists and seats its members. */
  void open() {
    synchronized (lock) {
      events.publish(
          new DomainEvent.GroupCreated(
              definition.id(), definition.strategy().wire(), definition.minHealthy()));
      definition.members().forEach(this::seat);
    }
  }

  private void seat(Member member) {
    seats.put(member.server(), new Seat());
    events.publish(
        new DomainEvent.GroupMemberAdded(
            definition.id(), member.server().value(), member.weight(), member.priority()));
  }

  private void unseat(ServerId server) {
    if (seats.remove(server) != null) {
      balancer.forget(server);
      events.publish(new DomainEvent.GroupMemberRemoved(definition.id(), server.value()));
    }
  }

  /** Another definition; members that stay keep their place, another strategy starts anew. */
  void redefine(GroupDefinition next) {
    synchronized (lock) {
      GroupDefinition before = definition;
      if (before.equals(next)) {
        return;
      }
      definition = next;
      if (before.strategy() != next.strategy()) {
        balancer = balancer(next);
      }
      events.publish(new DomainEvent.GroupUpdated(next.id()));
      Set<ServerId> kept =
          next.members().stream().map(Member::server).collect(java.util.stream.Collectors.toSet());
      for (Member old : before.members()) {
        if (!kept.contains(old.server())) {
          unseat(old.server());
        }
      }
      for (Member member : next.members()) {
        if (!seats.containsKey(member.server())) {
          seat(member);
        }
      }
      settle();
    }
  }

  /** Like {@link #redefine}, with the members it has. */
  void redefineSettings(GroupDefinition next) {
    synchronized (lock) {
      redefine(next.with(definition.members()));
    }
  }

  /**
   * Adds a member.
   *
   * @throws ApiException 409 if it is one already or there are too many
   */
  void addMember(Member member) {
    synchronized (lock) {
      if (seats.containsKey(member.server())) {
        throw ApiException.conflict(
            "member_exists",
            member.server() + " is a member of group " + definition.id() + " already.");
      }
      List<Member> members = new ArrayList<>(definition.members());
      if (members.size() >= GroupDefinition.MAX_MEMBERS) {
        throw ApiException.conflict(
            "too_many_members", "A group has at most " + GroupDefinition.MAX_MEMBERS + " members.");
      }
      members.add(member);
      redefine(definition.with(members));
    }
  }

  /**
   * Takes a member out.
   *
   * @throws ApiException 404 if it is none
   */
  void removeMember(String server) {
    synchronized (lock) {
      List<Member> members = new ArrayList<>(definition.members());
      if (!members.removeIf(m -> m.server().value().equals(server))) {
        throw ApiException.notFound(
            "member_not_found", "Group " + definition.id() + " has no such member.");
      }
      redefine(definition.with(members));
    }
  }

  /**
   * A member's server changed; the group decides by what is true now, not by the event. What is
   * true is read under the group's lock, so that of two looks at once the later one stays.
   */
  void look(ServerId server, Supplier<Standing> now, String reason) {
    synchronized (lock) {
      Seat seat = seats.get(server);
      if (seat == null) {
        return;
      }
      Standing standing = now.get();
      if (seat.standing.state() != standing.state()) {
        seat.badProbes = 0;
        seat.goodProbes = 0;
        seat.outByProbes = false;
      }
      seat.standing = standing;
      rotate(server, seat, reason);
      settle();
    }
  }

  /** A probe of a member's server. */
  void probed(ServerId server, boolean good) {
    synchronized (lock) {
      Seat seat = seats.get(server);
      if (seat == null) {
        return;
      }
      seat.badProbes = good ? 0 : seat.badProbes + 1;
      seat.goodProbes = good ? seat.goodProbes + 1 : 0;
      if (seat.badProbes >= definition.unhealthyThreshold()) {
        seat.outByProbes = true;
        rotate(server, seat, "unhealthy_threshold_reached");
      } else if (seat.outByProbes && seat.goodProbes >= definition.healthyThreshold()) {
        seat.outByProbes = false;
        rotate(server, seat, "healthy_threshold_reached");
      }
      settle();
    }
  }

  /** Forgets probe counts and puts every usable member into rotation. */
  void rebalance() {
    synchronized (lock) {
      balancer = balancer(definition);
      seats.forEach(
          (server, seat) -> {
            seat.badProbes = 0;
            seat.goodProbes = 0;
            seat.outByProbes = false;
            rotate(server, seat, "rebalance");
          });
      settle();
    }
  }

  private void rotate(ServerId server, Seat seat, String reason) {
    boolean in = seat.standing.usable() && !seat.outByProbes;
    if (in != seat.inRotation) {
      seat.inRotation = in;
      events.publish(
          new DomainEvent.GroupMemberHealthChanged(definition.id(), server.value(), in, reason));
    }
  }

  private void settle() {
    int healthy = (int) seats.values().stream().filter(s -> s.inRotation).count();
    boolean failed = seats.values().stream().anyMatch(s -> s.standing.failed() || s.outByProbes);
    State next =
        healthy == 0
            ? State.INACTIVE
            : healthy < definition.minHealthy()
                ? State.PARTIAL
                : failed ? State.DEGRADED : State.HEALTHY;
    if (next != state) {
      String from = state.wire();
      state = next;
      events.publish(
          new DomainEvent.GroupStateChanged(
              definition.id(), from, next.wire(), healthy, seats.size()));
    }
  }

  /** The member for the next call among those in rotation, without the ones tried already. */
  Optional<Member> pick(Set<ServerId> tried, ToIntFunction<ServerId> inFlight) {
    synchronized (lock) {
      return balancer.pick(
          candidates(
              m ->
                  seats.getOrDefault(m.server(), new Seat()).inRotation
                      && !tried.contains(m.server())),
          inFlight);
    }
  }

  /** A member that could be started, when none is in rotation and the group may start one. */
  Optional<Member> pickCold(Set<ServerId> tried) {
    synchronized (lock) {
      if (!definition.autoStart()) {
        return Optional.empty();
      }
      return balancer.pick(
          candidates(
              m -> {
                Seat seat = seats.getOrDefault(m.server(), new Seat());
                return seat.standing.present()
                    && (seat.standing.state() == ServerState.COLD
                        || seat.standing.state() == ServerState.INITIALIZING)
                    && !tried.contains(m.server());
              }),
          server -> 0);
    }
  }

  private List<Member> candidates(java.util.function.Predicate<Member> which) {
    List<Member> out = new ArrayList<>();
    for (Member member : definition.members()) {
      if (which.test(member)) {
        out.add(member);
      }
    }
    return out;
  }

  View view() {
    synchronized (lock) {
      List<MemberView> members = new ArrayList<>();
      for (Member member : definition.members()) {
        Seat seat = seats.getOrDefault(member.server(), new Seat());
        members.add(new MemberView(member, seat.standing, seat.inRotation, seat.badProbes));
      }
      return new View(definition, state, members);
    }
  }
}
