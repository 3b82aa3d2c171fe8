package dev.sluice.servers;

import java.util.Optional;
import java.util.Set;
import java.util.function.Function;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * Expands {@code ${NAME}} and {@code ${NAME:-default}} as desktop MCP clients do. A default may not
 * itself contain a variable. {@code $$} is not special; any other use of {@code $} stays as it is.
 */
final class Variables {

  private static final Pattern VARIABLE =
      Pattern.compile("\\$\\{([A-Za-z_][A-Za-z0-9_.]*)(?::-([^}]*))?\\}");

  /** Leaves every text as it stands, for sources that may not read the hub's environment. */
  static final Variables NONE = new Variables(null);

  private final @org.jspecify.annotations.Nullable Function<String, Optional<String>> source;

  private Variables(@org.jspecify.annotations.Nullable Function<String, Optional<String>> source) {
    this.source = source;
  }

  /**
   * Reads the values from {@code source}; an empty value counts as set, except before a default.
   */
  static Variables from(Function<String, Optional<String>> source) {
    return new Variables(source);
  }

  /**
   * Expands all variables; the name of one that has neither value nor default is added to {@code
   * missing} and its text stays.
   */
  String expand(String text, Set<String> missing) {
    Function<String, Optional<String>> values = source;
    if (values == null || text.indexOf('$') < 0) {
      return text;
    }
    Matcher matcher = VARIABLE.matcher(text);
    StringBuilder out = new StringBuilder();
    while (matcher.find()) {
      String name = matcher.group(1);
      String fallback = matcher.group(2);
      Optional<String> value = values.apply(name);
      if (fallback != null) {
        value = Optional.of(value.filter(v -> !v.isEmpty()).orElse(fallback));
      }
      if (value.isEmpty()) {
        missing.add(name);
      }
      matcher.appendReplacement(out, Matcher.quoteReplacement(value.orElse(matcher.group())));
    }
    return matcher.appendTail(out).toString();
  }
}
