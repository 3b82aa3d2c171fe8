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

  /** A name with one of these words names a secret. */
  private static final Set<String> WORDS =
      Set.of(
          "apikey",
          "auth",
          "authorization",
          "bearer",
          "cookie",
          "cookies",
          "credential",
          "credentials",
          "jwt",
          "pass",
          "pat",
          "secrets",
          "signature");

  /** A name with a word that ends so names a secret: {@code db_password}, {@code HFTOKEN}. */
  private static final List<String> ENDS =
      List.of("token", "password", "passwd", "passphrase", "pwd", "secret");

  /** A name that has one of these, without regard to its separators, names a secret. */
  private static final List<String> PARTS =
      List.of(
          "password",
          "passwd",
          "passphrase",
          "secret",
          "apikey",
          "accesskey",
          "privatekey",
          "authtoken",
          "accesstoken",
          "refreshtoken",
          "credential",
          "authorization",
          "sessionid");

  /** Before a last word {@code key} these say that it identifies something: no secret. */
  private static final Set<String> IDENTIFYING =
      Set.of(
          "public",
          "primary",
          "foreign",
          "sort",
          "partition",
          "row",
          "cache",
          "object",
          "issue",
          "project",
          "message",
          "group",
          "idempotency");

  private static final Pattern BOUNDARY = Pattern.compile("(?<=[a-z0-9])(?=[A-Z])|[^A-Za-z0-9]+");
  private static final Pattern NO_LETTER = Pattern.compile("[^a-z0-9]");

  private final List<String> values;

  private Secrets(Set<String> values) {
    this.values = new ArrayList<>(values);
    this.values.sort(Comparator.comparingInt(String::length).reversed());
  }

  /**
   * Whether a variable, header, option, URL parameter or argument of this name looks like a secret:
   * {@code api_key}, {@code accessToken}, {@code GITHUB_PAT}; not {@code max_tokens}, {@code
   * author}, {@code key} or {@code primary_key}. The one rule for events, answers and logs.
   */
  public static boolean named(String name) {
    String before = "";
    boolean key = false;
    for (String part : BOUNDARY.split(name, -1)) {
      String word = part.toLowerCase(Locale.ROOT);
      if (word.isEmpty()) {
        continue;
      }
      if (WORDS.contains(word) || ENDS.stream().anyMatch(word::endsWith)) {
        return true;
      }
      key = word.equals("key") && !before.isEmpty() && !IDENTIFYING.contains(before);
      before = word;
    }
    String plain = NO_LETTER.matcher(name.toLowerCase(Locale.ROOT)).replaceAll("");
    return key || PARTS.stream().anyMatch(plain::contains);
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
        String name = equals < 0 ? "" : parameter.substring(0, equals);
        if (named(name) || name.equals("key")) { // in an address a bare key is a credential
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
