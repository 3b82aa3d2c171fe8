package dev.sluice.relay;

import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;

/**
 * Which sessions of a {@link SharedChild} are subscribed to which resources. One counts from the
 * moment its request is sent, so that nobody's leaving takes away what another has just asked for.
 * Any thread may call; nothing blocks.
 */
final class Subscriptions {

  /** What became of an attempt to subscribe. */
  enum Added {
    /** It was not subscribed before. */
    NEW,
    /** It was. */
    ALREADY,
    /** Refused: there are as many resources as there may be. */
    FULL
  }

  private final int max;
  private final Map<String, Set<SharedMember>> members = new HashMap<>();

  /**
   * Makes it.
   *
   * @param max resources that may be subscribed to
   */
  Subscriptions(int max) {
    this.max = max;
  }

  synchronized Added add(String uri, SharedMember member) {
    Set<SharedMember> who = members.get(uri);
    if (who == null) {
      if (members.size() >= max) {
        return Added.FULL;
      }
      who = new HashSet<>();
      members.put(uri, who);
    }
    return who.add(member) ? Added.NEW : Added.ALREADY;
  }

  /** Takes one away; whether the server is to be told: it was the last one, or was none. */
  synchronized boolean remove(String uri, SharedMember member) {
    Set<SharedMember> who = members.get(uri);
    if (who == null) {
      return true;
    }
    boolean was = who.remove(member);
    if (who.isEmpty()) {
      members.remove(uri);
      return true;
    }
    return !was;
  }

  /** Takes all of one away; the resources that nobody is subscribed to any more. */
  synchronized List<String> removeAll(SharedMember member) {
    List<String> last = new ArrayList<>();
    members
        .entrySet()
        .removeIf(
            entry -> {
              if (entry.getValue().remove(member) && entry.getValue().isEmpty()) {
                last.add(entry.getKey());
                return true;
              }
              return false;
            });
    return last;
  }

  synchronized boolean isWanted(String uri) {
    return members.containsKey(uri);
  }

  /** Those of that resource, or of one that it is a part of. */
  synchronized List<SharedMember> of(String uri) {
    Set<SharedMember> exact = members.get(uri);
    if (exact != null) {
      return List.copyOf(exact);
    }
    Set<SharedMember> above = new HashSet<>();
    members.forEach(
        (subscribed, who) -> {
          if (uri.startsWith(subscribed)) {
            above.addAll(who);
          }
        });
    return List.copyOf(above);
  }

  synchronized int size() {
    return members.size();
  }
}
