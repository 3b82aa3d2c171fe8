package dev.sluice.servers;

import dev.sluice.servers.ServerDefinition.Budget;
import dev.sluice.servers.ServerDefinition.Era;
import dev.sluice.servers.ServerDefinition.Limits;
import dev.sluice.servers.ServerDefinition.Sharing;
import dev.sluice.servers.ServerDefinition.Transport;
import java.net.URI;
import java.net.URISyntaxException;
import java.nio.file.InvalidPathException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeSet;

/**
 * Makes a {@link ServerDefinition} of one JSON object; the same rules for the servers file,
 * discovery fragments and REST bodies.
 *
 * @param variables what {@code ${…}} means
 * @param directory where a relative or missing {@code cwd} is; empty leaves a missing one to the
 *     server's own working directory
 */
record DefinitionReader(Variables variables, Optional<Path> directory) {

  private static final int DAY = 86_400;

  /**
   * What was read.
   *
   * @param definition the definition; texts with a missing variable are left as they stand
   * @param problem why it cannot be started, for example a variable that is not set
   * @param warnings keys that mean nothing
   */
  record Read(ServerDefinition definition, Optional<String> problem, List<String> warnings) {
    /** Whether what was made of the other, be it running or not, serves this one as well. */
    boolean sameRun(Read other) {
      return usable() && other.usable() && definition.sameProcess(other.definition);
    }

    /** Whether it can be started. */
    boolean usable() {
      return definition.enabled() && problem.isEmpty();
    }
  }

  /**
   * Reads one server.
   *
   * @throws InvalidDefinition naming the field, the value and what is legal
   */
  Read read(ServerId id, Fields in) throws InvalidDefinition {
    Set<String> missing = new TreeSet<>();
    List<String> warnings = new ArrayList<>();
    Transport transport = transport(in, missing);
    Sharing sharing = oneOf(in, "sharing", Sharing.values());
    boolean enabled = in.flag(true, "enabled") && !in.flag(false, "disabled");
    ServerDefinition definition =
        new ServerDefinition(
            id,
            transport,
            in.text("description").orElse(""),
            enabled,
            in.flag(false, "autoStart", "auto_start"),
            sharing,
            Duration.ofSeconds(in.number(300, 0, DAY, "idleTtlSeconds", "idle_ttl_s")),
            Duration.ofSeconds(
                in.number(60, 1, 3600, "healthCheckIntervalSeconds", "health_check_interval_s")),
            in.number(3, 1, 100, "maxConsecutiveFailures", "max_consecutive_failures"),
            Duration.ofSeconds(in.number(30, 1, 600, "startTimeoutSeconds", "start_timeout_s")),
            Duration.ofSeconds(in.number(30, 1, 3600, "callTimeoutSeconds", "call_timeout_s")),
            budget(in, warnings),
            limits(in, warnings),
            oneOf(in, "era", Era.values()));
    warnings.addAll(in.unknown());
    Optional<String> problem =
        missing.isEmpty()
            ? Optional.empty()
            : Optional.of(
                "variable "
                    + String.join(", ", missing)
                    + " is not set: set it in the hub's environment or write ${NAME:-default}");
    return new Read(definition, problem, warnings);
  }

  private Transport transport(Fields in, Set<String> missing) throws InvalidDefinition {
    Optional<String> command = command(in);
    Optional<String> url = in.text("url", "endpoint").map(t -> variables.expand(t, missing));
    List<String> args = expand(in.texts("args"), missing);
    Map<String, String> env = expand(in.textMap("env"), missing);
    Optional<String> cwd = in.text("cwd").map(t -> variables.expand(t, missing));
    Map<String, String> headers = expand(in.textMap("headers"), missing);
    Optional<String> type =
        in.text("type", "transport", "mode").map(t -> t.toLowerCase(Locale.ROOT));
    if (command.isPresent() == url.isPresent()) {
      throw in.invalid(
          command.isPresent() ? "url" : "command",
          command.isPresent()
              ? "cannot stand beside \"command\": give one of the two"
              : "is missing: give \"command\" for a child process or \"url\" for a remote server");
    }
    if (command.isPresent()) {
      if (type.isPresent() && !Set.of("stdio", "subprocess").contains(type.get())) {
        throw in.invalid("type", "must be stdio beside \"command\", was \"" + type.get() + "\"");
      }
      if (command.get().isBlank()) {
        throw in.invalid("command", "must not be empty");
      }
      List<String> all = new ArrayList<>();
      if (in.isArray("command")) {
        List<String> words = in.texts("command");
        all.addAll(expand(words.subList(1, words.size()), missing));
      }
      all.addAll(args);
      for (String name : env.keySet()) {
        if (name.indexOf('=') >= 0) {
          // what stands behind it may be a secret that was meant as the value
          throw in.invalid(
              "env", "has a name with \"=\": " + name.substring(0, name.indexOf('=') + 1) + "…");
        }
      }
      return new Transport.Stdio(
          variables.expand(command.get(), missing), List.copyOf(all), env, directory(in, cwd));
    }
    return remote(in, uri(in, url.orElse(""), missing), type, headers);
  }

  private static Optional<String> command(Fields in) throws InvalidDefinition {
    if (in.isArray("command")) {
      List<String> words = in.texts("command");
      return Optional.of(words.isEmpty() ? "" : words.get(0));
    }
    return in.text("command");
  }

  private Optional<String> directory(Fields in, Optional<String> cwd) throws InvalidDefinition {
    try {
      if (cwd.isEmpty()) {
        return directory.map(Path::toString);
      }
      Path path = Path.of(cwd.get());
      return Optional.of(directory.map(d -> d.resolve(path)).orElse(path).normalize().toString());
    } catch (InvalidPathException notPath) {
      throw in.invalid("cwd", "is not a path: " + notPath.getReason());
    }
  }

  private static URI uri(Fields in, String text, Set<String> missing) throws InvalidDefinition {
    if (!missing.isEmpty() && text.contains("${")) {
      // not usable before the variable is set; the server carries the problem
      return URI.create("http://unset.invalid/");
    }
    try {
      URI uri = new URI(text);
      String scheme = uri.getScheme() == null ? "" : uri.getScheme().toLowerCase(Locale.ROOT);
      if (!Set.of("http", "https", "ws", "wss").contains(scheme) || uri.getHost() == null) {
        throw in.invalid("url", "must be an absolute http, https, ws or wss address");
      }
      return uri;
    } catch (URISyntaxException broken) {
      throw in.invalid("url", "is not an address: " + broken.getReason());
    }
  }

  private static Transport remote(
      Fields in, URI url, Optional<String> type, Map<String, String> headers)
      throws InvalidDefinition {
    boolean socket = url.getScheme().toLowerCase(Locale.ROOT).startsWith("ws");
    String path = url.getPath() == null ? "" : url.getPath();
    String kind = type.orElse(socket ? "ws" : path.endsWith("/sse") ? "sse" : "http");
    return switch (kind) {
      case "http", "streamable-http", "streamablehttp", "streamable_http", "remote" -> {
        if (socket) {
          throw in.invalid("type", "must be ws for a ws:// address, was \"" + kind + "\"");
        }
        yield new Transport.Http(url, headers);
      }
      case "sse" -> {
        if (socket) {
          throw in.invalid("type", "must be ws for a ws:// address, was \"sse\"");
        }
        yield new Transport.Sse(url, headers);
      }
      case "ws", "websocket" -> new Transport.Ws(url, headers);
      default -> throw in.invalid("type", "must be stdio, http, sse or ws, was \"" + kind + "\"");
    };
  }

  /** One of the names, in any case; the first if there is none. */
  private static <E extends Enum<E>> E oneOf(Fields in, String field, E[] values)
      throws InvalidDefinition {
    Optional<String> name = in.text(field);
    for (E value : values) {
      if (value.name().equalsIgnoreCase(name.orElse(values[0].name()))) {
        return value;
      }
    }
    throw in.invalid(
        field,
        "must be one of "
            + Arrays.toString(values).toLowerCase(Locale.ROOT)
            + ", was \""
            + name.orElse("")
            + "\"");
  }

  private static Budget budget(Fields in, List<String> warnings) throws InvalidDefinition {
    Optional<Fields> inner = in.object("budget");
    if (inner.isEmpty()) {
      return Budget.UNLIMITED;
    }
    Budget budget =
        new Budget(
            inner.get().number(0, 0, 1_048_576, "maxMemoryMb") * 1024L * 1024L,
            inner.get().number(0, 0, 10_000, "maxProcesses"),
            Duration.ofSeconds(inner.get().number(0, 0, 365 * DAY, "maxAgeSeconds")));
    warnings.addAll(inner.get().unknown());
    return budget;
  }

  private static Limits limits(Fields in, List<String> warnings) throws InvalidDefinition {
    int calls =
        in.number(
            Limits.DEFAULT.maxConcurrentCalls(), 1, 1024, "maxConcurrentCalls", "max_concurrency");
    Optional<Fields> inner = in.object("circuitBreaker", "circuit_breaker");
    if (inner.isEmpty()) {
      return new Limits(calls, Limits.DEFAULT.breakerThreshold(), Limits.DEFAULT.breakerReset());
    }
    Limits limits =
        new Limits(
            calls,
            inner
                .get()
                .number(
                    Limits.DEFAULT.breakerThreshold(),
                    1,
                    100,
                    "failureThreshold",
                    "failure_threshold"),
            Duration.ofSeconds(
                inner
                    .get()
                    .number(
                        Math.toIntExact(Limits.DEFAULT.breakerReset().toSeconds()),
                        1,
                        3600,
                        "resetTimeoutSeconds",
                        "reset_timeout_s")));
    warnings.addAll(inner.get().unknown());
    return limits;
  }

  private List<String> expand(List<String> texts, Set<String> missing) {
    return texts.stream().map(t -> variables.expand(t, missing)).toList();
  }

  private Map<String, String> expand(Map<String, String> texts, Set<String> missing) {
    Map<String, String> out = new LinkedHashMap<>();
    texts.forEach((k, v) -> out.put(k, variables.expand(v, missing)));
    return java.util.Collections.unmodifiableMap(out);
  }
}
