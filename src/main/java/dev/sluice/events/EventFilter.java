package dev.sluice.events;

import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.function.Predicate;
import org.jspecify.annotations.Nullable;

/**
 * The filter of a {@link SubscribeRequest}: both axes must agree, any name of an axis suffices.
 * Decides by topic only. Immutable.
 */
public final class EventFilter implements Predicate<Topic> {

  /** Each discovery event has two spellings; both select the same events. */
  private static final Map<String, String> OTHER_SPELLING =
      Map.of(
          "ProviderDiscovered", "McpServerDiscovered",
          "ProviderRegistered", "McpServerRegistered",
          "ProviderDeregistered", "McpServerDeregistered");

  private final @Nullable Set<String> types;
  private final List<String> patterns;
  private final @Nullable Set<String> subjects;

  /** Compiles the filters of a request; its place, policy and sizes do not matter. */
  public EventFilter(SubscribeRequest request) {
    List<String> wild = new ArrayList<>();
    List<String> wantedTypes = request.eventTypes();
    if (wantedTypes == null) {
      types = null;
    } else {
      types = Set.copyOf(wantedTypes);
      types.stream().filter(name -> name.indexOf('*') >= 0).forEach(wild::add);
    }
    patterns = List.copyOf(wild);
    List<String> wantedSubjects = request.mcpServerIds();
    subjects = wantedSubjects == null ? null : Set.copyOf(wantedSubjects);
  }

  /** Whether nothing is filtered. */
  boolean everything() {
    return types == null && subjects == null;
  }

  @Override
  public boolean test(Topic topic) {
    return (subjects == null || subjects.contains(topic.subject())) && testType(topic.type());
  }

  private boolean testType(String type) {
    if (types == null) {
      return true;
    }
    String other = OTHER_SPELLING.getOrDefault(type, type);
    if (types.contains(type) || types.contains(other)) {
      return true;
    }
    for (String pattern : patterns) {
      if (matches(pattern, type) || matches(pattern, other)) {
        return true;
      }
    }
    return false;
  }

  /** Glob with {@code *} only; time is at most the product of both lengths. */
  static boolean matches(String pattern, String name) {
    int p = 0;
    int n = 0;
    int star = -1;
    int resume = 0;
    while (n < name.length()) {
      if (p < pattern.length() && pattern.charAt(p) == '*') {
        star = p++;
        resume = n;
      } else if (p < pattern.length() && pattern.charAt(p) == name.charAt(n)) {
        p++;
        n++;
      } else if (star >= 0) {
        p = star + 1;
        n = ++resume;
      } else {
        return false;
      }
    }
    while (p < pattern.length() && pattern.charAt(p) == '*') {
      p++;
    }
    return p == pattern.length();
  }
}
