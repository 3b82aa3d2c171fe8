package dev.sluice.servers.upstream;

import dev.sluice.servers.ServerDefinition;
import dev.sluice.servers.ServerDefinition.Transport;
import java.net.URI;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Set;
import java.util.regex.Pattern;

/**
 * What must not be shown of one server: the values of environment variables, headers, options and
 * URL parameters whose names look secret. Immutable; any thread may use it.
 */
public final class Secrets {

  /** What stands in a secret's place. */
  public static final String MASK = "***";

  /** Shorter values are not searched for in texts: they would mask half of every line. */
  private static final int MIN_LENGTH = 4;

  private static final Pattern NAME =
      Pattern.compile(
          "token|secret|passw|passphrase|pwd|api[-_]?key|private[-_]?key|access[-_]?key|(^|[-_])key"
              + "|authorization|(^|[-_])auth|credential|cookie|session[-_]?id|signature");

  private final List<String> values;

  private Secrets(Set<String> values) {
    this.values = new ArrayList<>(values);
    this.values.sort(Comparator.comparingInt(String::length).reversed());
  }

  /** Whether a variable, header, option or field of this name looks like a secret. */
  public static boolean named(String name) {
    return NAME.matcher(name.toLowerCase(Locale.ROOT)).find();
  }

  /** The secrets of a definition. */
  public static Secrets of(ServerDefinition definition) {
    Set<String> found = new LinkedHashSet<>();
    Transport transport = definition.transport();
    if (transport instanceof Transport.Stdio stdio) {
      collect(found, stdio.env());
      collectOptions(found, stdio.args());
    } else if (transport instanceof Transport.Http http) {
      collect(found, http.headers());
      collect(found, http.url());
    } else if (transport instanceof Transport.Sse sse) {
      collect(found, sse.headers());
      collect(found, sse.url());
    } else if (transport instanceof Transport.Ws ws) {
      collect(found, ws.headers());
      collect(found, ws.url());
    }
    return new Secrets(found);
  }

  private static void collect(Set<String> found, Map<String, String> entries) {
    entries.forEach(
        (name, value) -> {
          if (named(name)) {
            add(found, value);
          }
        });
  }

  private static void collectOptions(Set<String> found, List<String> args) {
    for (int i = 0; i < args.size(); i++) {
      String arg = args.get(i);
      int equals = arg.indexOf('=');
      if (equals > 0 && named(arg.substring(0, equals))) {
        add(found, arg.substring(equals + 1));
      } else if (equals < 0 && arg.startsWith("-") && named(arg) && i + 1 < args.size()) {
        add(found, args.get(i + 1));
      }
    }
  }

  private static void collect(Set<String> found, URI url) {
    String user = url.getRawUserInfo();
    if (user != null) {
      add(found, user);
    }
    String query = url.getRawQuery();
    if (query != null) {
      for (String parameter : query.split("&", -1)) {
        int equals = parameter.indexOf('=');
        if (equals > 0 && named(parameter.substring(0, equals))) {
          add(found, parameter.substring(equals + 1));
        }
      }
    }
  }

  private static void add(Set<String> found, String value) {
    String bare = value.strip();
    int space = bare.indexOf(' ');
    if (space > 0 && space < 8) {
      // "Bearer xyz": a server may print the credential without its scheme.
      addLine(found, bare.substring(space + 1));
    }
    bare.lines().forEach(line -> addLine(found, line));
  }

  private static void addLine(Set<String> found, String line) {
    String bare = line.strip();
    if (bare.length() >= MIN_LENGTH) {
      found.add(bare);
    }
  }

  /** The text with every secret value of at least four characters masked. */
  public String mask(String text) {
    String masked = text;
    for (String value : values) {
      masked = masked.replace(value, MASK);
    }
    return masked;
  }
}
