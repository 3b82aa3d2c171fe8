package dev.sluice.settings;

import java.util.Collection;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.TreeMap;
import java.util.stream.Stream;

/** Finds {@code sluice.*} keys that nothing reads, so that a typing error is told. */
final class UnknownKeys {

  private static final String PREFIX = "sluice.";
  private static final String ENV_PREFIX = "SLUICE_";

  private UnknownKeys() {}

  /**
   * One sentence for each key that is not a {@link Setting}, with the nearest known name; sorted.
   *
   * @param properties the names of all configuration properties
   * @param environment the names of all environment variables
   */
  static List<String> sentences(Collection<String> properties, Collection<String> environment) {
    List<String> keys = Stream.of(Setting.values()).map(Setting::key).toList();
    List<String> variables = Stream.of(Setting.values()).map(Setting::variable).toList();
    Map<String, String> found = new TreeMap<>();
    for (String name : environment) {
      if (name.toUpperCase(Locale.ROOT).startsWith(ENV_PREFIX) && !variables.contains(name)) {
        found.put(name, NearestName.hint(name, variables));
      }
    }
    for (String name : properties) {
      // configurations also list environment variables, some of them respelled as a key
      boolean variable = environment.contains(name) || variables.contains(Setting.variable(name));
      if (name.startsWith(PREFIX)
          && !keys.contains(name)
          && !variable
          && !environment.contains(Setting.variable(name))) {
        found.put(name, NearestName.hint(name, keys));
      }
    }
    return found.entrySet().stream().map(e -> "\"" + e.getKey() + "\"" + e.getValue()).toList();
  }
}
