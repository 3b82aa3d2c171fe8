package dev.sluice.servers;

import dev.sluice.events.DomainEvent;
import dev.sluice.events.DomainEvent.ConfigurationReloadFailed;
import dev.sluice.events.DomainEvent.ConfigurationReloaded;
import dev.sluice.rest.ApiException;
import dev.sluice.servers.LocatedJson.Position;
import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.attribute.BasicFileAttributes;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.atomic.AtomicInteger;

/**
 * The servers file: read as a whole and applied by difference. Servers whose entry did not change
 * keep running; a file that cannot be used changes nothing.
 *
 * <p>Reloads run one after another on the work executor. The file wins over servers of the same
 * name from discovery or the REST interface; it removes only what it brought.
 */
public final class ServersFile {

  private static final System.Logger LOG = System.getLogger(ServersFile.class.getName());

  /** The source of what comes from the file. */
  static final String SOURCE = "config";

  /** How a reload ended; the events say the same. */
  sealed interface Outcome {
    /** Applied; {@code warnings} are keys that mean nothing. */
    record Applied(ConfigurationReloaded event, List<String> warnings) implements Outcome {}

    /** Not applied. */
    record Refused(ConfigurationReloadFailed event) implements Outcome {}
  }

  private final Path file;
  private final Servers servers;
  private final Groups groups;
  private final Supervision supervision;
  private final DefinitionReader reader;
  private final Gate oneAtATime;

  // touched by reloads only, which run one at a time; volatile for the next one's thread
  private volatile ServersDocument applied = ServersDocument.EMPTY;
  private volatile byte[] lastBytes = new byte[0];
  private volatile boolean loaded;
  private final AtomicInteger incomplete = new AtomicInteger();
  private volatile Optional<Outcome> lastOutcome = Optional.empty();

  ServersFile(
      Path file, Servers servers, Groups groups, Supervision supervision, Variables variables) {
    this.file = file;
    this.servers = servers;
    this.groups = groups;
    this.supervision = supervision;
    this.reader =
        new DefinitionReader(variables, Optional.ofNullable(file.toAbsolutePath().getParent()));
    this.oneAtATime = new Gate(supervision.work(), 1);
  }

  Path path() {
    return file;
  }

  Optional<Outcome> lastOutcome() {
    return lastOutcome;
  }

  ServersDocument applied() {
    return applied;
  }

  /** What changes when the file does, and when it was applied in part and is to be tried again. */
  String fingerprint() {
    return fingerprint(file) + ":" + incomplete.get();
  }

  static String fingerprint(Path path) {
    try {
      BasicFileAttributes now = Files.readAttributes(path, BasicFileAttributes.class);
      return now.size()
          + ":"
          + now.lastModifiedTime().to(java.util.concurrent.TimeUnit.NANOSECONDS)
          + ":"
          + now.fileKey();
    } catch (IOException absent) {
      return "absent";
    }
  }

  /** Reads and applies the file after reloads that wait already. */
  CompletableFuture<Outcome> reload(String requestedBy) {
    CompletableFuture<Outcome> done = new CompletableFuture<>();
    oneAtATime.execute(
        () -> {
          try {
            done.complete(load(requestedBy));
          } catch (RuntimeException defect) {
            done.completeExceptionally(defect);
          }
        });
    return done;
  }

  /** Like {@link #reload}, and nothing happens if the content is the one that was read last. */
  void reloadIfChanged(String requestedBy) {
    oneAtATime.execute(
        () -> {
          if (!sameContent()) {
            load(requestedBy);
          }
        });
  }

  private boolean sameContent() {
    try {
      return loaded && Arrays.equals(read(), lastBytes);
    } catch (InvalidDefinition unreadable) {
      return false;
    }
  }

  /** Reads and applies now, on the calling thread; for the start of the hub. */
  Outcome load(String requestedBy) {
    long begin = System.nanoTime();
    Outcome outcome;
    try {
      byte[] bytes = read();
      lastBytes = bytes;
      loaded = true;
      ServersDocument document = ServersDocument.parse(bytes, reader);
      refuseUnlessItFits(document);
      outcome = apply(document, begin, requestedBy);
      document
          .warnings()
          .forEach(w -> LOG.log(System.Logger.Level.WARNING, "SLUICE-0203: " + file + ": " + w));
      document
          .servers()
          .forEach(
              (id, read) ->
                  read.problem()
                      .ifPresent(
                          p ->
                              LOG.log(
                                  System.Logger.Level.WARNING,
                                  "SLUICE-0205: Server " + id + " cannot be started: " + p)));
    } catch (InvalidDefinition invalid) {
      LOG.log(
          System.Logger.Level.WARNING,
          "SLUICE-0206: " + file + " was not applied, nothing changed: " + invalid.described());
      outcome = refused(invalid, requestedBy);
    } catch (ApiException between) {
      // somebody else registered servers or groups at the same time
      LOG.log(
          System.Logger.Level.WARNING,
          "SLUICE-0211: " + file + " was applied in part, it is tried again: {0}",
          between.getMessage());
      loaded = false;
      incomplete.incrementAndGet();
      outcome =
          refused(
              new InvalidDefinition(
                  "conflict",
                  "applied in part, tried again: " + between.getMessage(),
                  Position.UNKNOWN),
              requestedBy);
    }
    lastOutcome = Optional.of(outcome);
    return outcome;
  }

  private Outcome refused(InvalidDefinition invalid, String requestedBy) {
    Position at = invalid.position();
    ConfigurationReloadFailed event =
        new ConfigurationReloadFailed(
            file.toString(),
            invalid.problem(),
            invalid.errorType(),
            requestedBy,
            at.line(),
            at.column());
    supervision.events().publish(event);
    return new Outcome.Refused(event);
  }

  private byte[] read() throws InvalidDefinition {
    return read(file);
  }

  static byte[] read(Path path) throws InvalidDefinition {
    try (InputStream in = Files.newInputStream(path)) {
      byte[] bytes = in.readNBytes(ServersDocument.MAX_BYTES + 1);
      if (bytes.length > ServersDocument.MAX_BYTES) {
        throw new InvalidDefinition(
            "size",
            "the file has more than " + ServersDocument.MAX_BYTES + " bytes",
            Position.UNKNOWN);
      }
      return bytes;
    } catch (NoSuchFileException absent) {
      throw new InvalidDefinition(
          "unreadable", "there is no file " + path + " (sluice.servers.file)", Position.UNKNOWN);
    } catch (IOException unreadable) {
      throw new InvalidDefinition(
          "unreadable", "the file cannot be read: " + unreadable.getMessage(), Position.UNKNOWN);
    }
  }

  /** The limits hold for all sources together; checked first, so that nothing is half applied. */
  private void refuseUnlessItFits(ServersDocument next) throws InvalidDefinition {
    long others =
        servers.list().stream()
            .filter(s -> !s.source().equals(SOURCE) && !next.servers().containsKey(s.id()))
            .count();
    fits("mcpServers", others, next.servers().size(), ServersDocument.MAX_SERVERS);
    long otherGroups =
        groups.list().stream()
            .map(Group::id)
            .filter(id -> !applied.groups().containsKey(id) && !next.groups().containsKey(id))
            .count();
    fits("groups", otherGroups, next.groups().size(), ServersDocument.MAX_GROUPS);
  }

  private static void fits(String field, long others, int own, int most) throws InvalidDefinition {
    if (others + own > most) {
      throw new InvalidDefinition(
          "limit",
          "\""
              + field
              + "\" has "
              + own
              + " entries, beside "
              + others
              + " from elsewhere: at most "
              + most
              + " together",
          Position.UNKNOWN);
    }
  }

  private Outcome apply(ServersDocument next, long begin, String requestedBy) {
    List<String> added = new ArrayList<>();
    List<String> removed = new ArrayList<>();
    List<String> updated = new ArrayList<>();
    List<String> unchanged = new ArrayList<>();
    for (McpServer server : servers.list()) {
      if (server.source().equals(SOURCE) && !next.servers().containsKey(server.id())) {
        var unused = servers.remove(server, SOURCE, server.definition().callTimeout());
        removed.add(server.id().value());
      }
    }
    for (Map.Entry<ServerId, DefinitionReader.Read> entry : next.servers().entrySet()) {
      String id = entry.getKey().value();
      Optional<McpServer> present = servers.find(entry.getKey());
      if (present.isEmpty()) {
        servers.add(entry.getValue(), SOURCE);
        added.add(id);
      } else if (present.get().source().equals(SOURCE)
          && sameRead(entry.getValue(), present.get().view().read())) {
        unchanged.add(id);
      } else {
        servers.replace(present.get(), entry.getValue(), SOURCE);
        updated.add(id);
      }
    }
    groups.apply(applied.groups(), next.groups());
    applied = next;
    ConfigurationReloaded event =
        new DomainEvent.ConfigurationReloaded(
            file.toString(),
            added,
            removed,
            updated,
            unchanged,
            Duration.ofNanos(System.nanoTime() - begin).toNanos() / 1e6,
            requestedBy);
    supervision.events().publish(event);
    return new Outcome.Applied(event, next.warnings());
  }

  private static boolean sameRead(DefinitionReader.Read next, DefinitionReader.Read former) {
    return next.definition().equals(former.definition()) && next.problem().equals(former.problem());
  }
}
