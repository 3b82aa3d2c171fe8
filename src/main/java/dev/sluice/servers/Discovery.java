package dev.sluice.servers;

import dev.sluice.events.DomainEvent;
import dev.sluice.rest.ApiException;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.time.Instant;
import java.util.HexFormat;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeMap;
import java.util.concurrent.CompletableFuture;
import java.util.stream.Collectors;
import java.util.stream.Stream;

/**
 * Discovery's first source: a directory of {@code *.json} fragments in the servers file's format.
 * What it brings is registered at once; what the servers file or the REST interface brought wins; a
 * server goes when its fragment does. A fragment that cannot be used keeps what it brought before.
 *
 * <p>Scans run one after another on the work executor.
 */
public final class Discovery {

  private static final System.Logger LOG = System.getLogger(Discovery.class.getName());

  /** The source's type in events. */
  static final String TYPE = "directory";

  /** The source of servers it brought. */
  static final String SOURCE = "discovery:" + TYPE;

  /** Fragments that are read at most, in the order of their names. */
  static final int MAX_FRAGMENTS = 1000;

  /**
   * What a scan found.
   *
   * @param at when
   * @param fragments files read
   * @param servers servers they name
   * @param problems by file name, for people
   */
  record Scan(Instant at, int fragments, int servers, Map<String, String> problems) {}

  /** One server of a fragment. */
  private record Found(String fragment, DefinitionReader.Read read) {}

  private final Path directory;
  private final Servers servers;
  private final Supervision supervision;
  private final Variables variables;
  private final Gate oneAtATime;

  // touched by scans only, which run one at a time; replaced as a whole
  private volatile Map<String, Map<ServerId, DefinitionReader.Read>> known = Map.of();
  private volatile Map<ServerId, String> fingerprints = Map.of();
  private volatile Scan last = new Scan(Instant.EPOCH, 0, 0, Map.of());

  Discovery(Path directory, Servers servers, Supervision supervision, Variables variables) {
    this.directory = directory;
    this.servers = servers;
    this.supervision = supervision;
    this.variables = variables;
    this.oneAtATime = new Gate(supervision.work(), 1);
  }

  Path directory() {
    return directory;
  }

  Scan last() {
    return last;
  }

  /** Scans after scans that wait already. */
  CompletableFuture<Scan> rescan() {
    CompletableFuture<Scan> done = new CompletableFuture<>();
    oneAtATime.execute(
        () -> {
          try {
            done.complete(scan());
          } catch (RuntimeException defect) {
            done.completeExceptionally(defect);
          }
        });
    return done;
  }

  /** What changes when a fragment does. */
  String fingerprint() {
    try {
      return fragments().stream()
          .map(f -> f.getFileName() + "=" + ServersFile.fingerprint(f))
          .collect(Collectors.joining("\n"));
    } catch (IOException unreadable) {
      return "unreadable";
    }
  }

  /** The servers file gave up a name that a fragment has as well: the fragment's turn. */
  void on(DomainEvent event) {
    if (event instanceof DomainEvent.ProviderDeregistered gone
        && gone.source().equals(ServersFile.SOURCE)
        && names().contains(new ServerId(gone.mcpServerId()))) {
      LOG.log(System.Logger.Level.DEBUG, "scan {0}", rescan());
    }
  }

  /** The fragments; none if there is no such directory. */
  private List<Path> fragments() throws IOException {
    try (Stream<Path> files = Files.list(directory)) {
      return files
          .filter(f -> f.getFileName().toString().endsWith(".json"))
          .filter(f -> !f.getFileName().toString().startsWith("."))
          .filter(Files::isRegularFile)
          .sorted()
          .limit(MAX_FRAGMENTS)
          .toList();
    } catch (NoSuchFileException absent) {
      return List.of();
    } catch (UncheckedIOException whileListing) {
      throw whileListing.getCause();
    }
  }

  /** Scans now, on the calling thread; for the start of the hub. */
  Scan scan() {
    List<Path> fragments;
    try {
      fragments = fragments();
    } catch (IOException unreadable) {
      Scan scan =
          new Scan(
              Instant.now(),
              last.fragments(),
              last.servers(),
              Map.of(".", "the directory cannot be read, nothing changed: " + unreadable));
      LOG.log(
          System.Logger.Level.WARNING,
          "SLUICE-0210: " + directory + " cannot be read, its servers stay",
          unreadable);
      last = scan;
      return scan;
    }
    DefinitionReader reader =
        new DefinitionReader(variables, Optional.of(directory.toAbsolutePath()));
    Map<String, String> problems = new TreeMap<>();
    Map<String, Map<ServerId, DefinitionReader.Read>> next = new LinkedHashMap<>();
    for (Path fragment : fragments) {
      String name = fragment.getFileName().toString();
      try {
        ServersDocument document = ServersDocument.parse(ServersFile.read(fragment), reader);
        if (!document.groups().isEmpty()) {
          problems.put(name, "\"groups\" are read from the servers file only");
        }
        next.put(name, document.servers());
      } catch (InvalidDefinition invalid) {
        problems.put(name, invalid.described());
        LOG.log(
            System.Logger.Level.WARNING,
            "SLUICE-0207: Fragment " + fragment + " was not applied: " + invalid.described());
        Map<ServerId, DefinitionReader.Read> before = known.get(name);
        if (before != null) {
          next.put(name, before);
        }
      }
    }
    known = next;
    Map<ServerId, Found> found = new LinkedHashMap<>();
    next.forEach(
        (name, reads) ->
            reads.forEach(
                (id, read) -> {
                  Found first = found.putIfAbsent(id, new Found(name, read));
                  if (first != null) {
                    problems.put(name, id + " comes from " + first.fragment() + " already");
                  }
                }));
    apply(found, problems);
    Scan scan = new Scan(Instant.now(), next.size(), found.size(), Map.copyOf(problems));
    last = scan;
    return scan;
  }

  private void apply(Map<ServerId, Found> found, Map<String, String> problems) {
    Map<ServerId, String> before = fingerprints;
    Map<ServerId, String> now = new LinkedHashMap<>();
    for (McpServer server : servers.list()) {
      if (server.source().equals(SOURCE) && !found.containsKey(server.id())) {
        var unused = servers.remove(server, SOURCE, server.definition().callTimeout());
      }
    }
    found.forEach(
        (id, entry) -> {
          DefinitionReader.Read read = entry.read();
          String fingerprint = fingerprint(read);
          now.put(id, fingerprint);
          if (!before.containsKey(id)) {
            supervision
                .events()
                .publish(
                    new DomainEvent.ProviderDiscovered(
                        id.value(), TYPE, read.definition().transport().mode(), fingerprint));
          }
          try {
            register(id, read, fingerprint.equals(before.get(id)));
          } catch (ApiException refused) {
            problems.put(entry.fragment(), String.valueOf(refused.getMessage()));
          }
        });
    fingerprints = Map.copyOf(now);
  }

  private void register(ServerId id, DefinitionReader.Read read, boolean unchanged) {
    Optional<McpServer> present = servers.find(id);
    if (present.isEmpty()) {
      servers.add(read, SOURCE);
    } else if (present.get().source().equals(SOURCE) && !unchanged) {
      servers.replace(present.get(), read, SOURCE);
    }
  }

  /** The first 16 hex digits of the SHA-256 of the definition. */
  private static String fingerprint(DefinitionReader.Read read) {
    try {
      byte[] digest =
          MessageDigest.getInstance("SHA-256")
              .digest((read.definition() + "|" + read.problem()).getBytes(StandardCharsets.UTF_8));
      return HexFormat.of().formatHex(digest, 0, 8);
    } catch (NoSuchAlgorithmException everyJdkHasIt) {
      throw new IllegalStateException(everyJdkHasIt);
    }
  }

  /** Names that discovery brought. */
  Set<ServerId> names() {
    return fingerprints.keySet();
  }
}
