package dev.sluice.servers;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import dev.sluice.events.DomainEvent.ConfigurationReloadFailed;
import dev.sluice.events.DomainEvent.ConfigurationReloaded;
import dev.sluice.events.DomainEvent.ProviderDeregistered;
import dev.sluice.events.DomainEvent.ProviderRegistered;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Optional;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** The servers file, the directory of fragments, and the watch on both. */
@Timeout(60)
class SourcesTest {

  private static final String BRIEF = "{\"command\":\"true\"}";

  private final ServersRig rig = new ServersRig();

  @AfterEach
  void close() {
    rig.close();
  }

  private static void servers(Path file, String... ids) throws IOException {
    StringBuilder all = new StringBuilder();
    for (String id : ids) {
      all.append(all.isEmpty() ? "" : ",").append('"').append(id).append("\":").append(BRIEF);
    }
    Files.writeString(file, "{\"mcpServers\":{" + all + "}}");
  }

  private Optional<String> source(String id) {
    return rig.servers.find(new ServerId(id)).map(McpServer::source);
  }

  @Test
  void aFileThatDoesNotFitBesideOtherServersChangesNothing(@TempDir Path dir) throws Exception {
    Path file = dir.resolve("servers.json");
    ServersFile source =
        new ServersFile(file, rig.servers, rig.groups, rig.supervision, Variables.NONE);
    servers(file, "first");
    assertThat(source.load("test")).isInstanceOf(ServersFile.Outcome.Applied.class);
    for (int i = 0; i < ServersDocument.MAX_SERVERS - 1; i++) {
      rig.servers.add(ServersRig.read("other" + i, BRIEF), "api");
    }
    servers(file, "second", "third");
    assertThat(source.load("test")).isInstanceOf(ServersFile.Outcome.Refused.class);
    assertThat(source("first")).contains("config");
    assertThat(source("second")).isEmpty();
    assertThat(rig.of(ConfigurationReloadFailed.class))
        .singleElement()
        .satisfies(
            e -> {
              assertThat(e.errorType()).isEqualTo("limit");
              assertThat(e.reason()).contains("mcpServers", "at most");
            });
  }

  @Test
  void aFileOfFourMebibytesIsReadAndALargerOneChangesNothing(@TempDir Path dir) throws Exception {
    Path file = dir.resolve("servers.json");
    ServersFile source =
        new ServersFile(file, rig.servers, rig.groups, rig.supervision, Variables.NONE);
    servers(file, "first");
    String text = Files.readString(file);
    Files.writeString(file, text + " ".repeat((4 << 20) - text.length()));
    assertThat(source.load("test")).isInstanceOf(ServersFile.Outcome.Applied.class);
    servers(file, "second");
    Files.writeString(file, Files.readString(file) + " ".repeat(4 << 20));
    assertThat(source.load("test")).isInstanceOf(ServersFile.Outcome.Refused.class);
    assertThat(source("first")).contains("config");
    assertThat(source("second")).isEmpty();
    assertThat(rig.of(ConfigurationReloadFailed.class))
        .singleElement()
        .satisfies(
            e -> {
              assertThat(e.errorType()).isEqualTo("size");
              assertThat(e.reason()).contains("4194304 bytes");
            });
  }

  @Test
  void aFileThatOthersOutranWhileItWasAppliedIsToldAndTriedAgain(@TempDir Path dir)
      throws Exception {
    Path file = dir.resolve("servers.json");
    ServersFile source =
        new ServersFile(file, rig.servers, rig.groups, rig.supervision, Variables.NONE);
    servers(file, "first", "second");
    for (int i = 0; i < ServersDocument.MAX_SERVERS - 2; i++) {
      rig.servers.add(ServersRig.read("other" + i, BRIEF), "api");
    }
    DefinitionReader.Read late = ServersRig.read("late", BRIEF);
    rig.onPublish =
        e -> {
          if (e instanceof ProviderRegistered registered
              && registered.mcpServerId().equals("first")) {
            rig.servers.add(late, "api");
          }
        };
    String before = source.fingerprint();
    assertThat(source.load("test")).isInstanceOf(ServersFile.Outcome.Refused.class);
    assertThat(rig.of(ConfigurationReloadFailed.class))
        .singleElement()
        .satisfies(e -> assertThat(e.reason()).contains("in part", "1000"));
    assertThat(source.fingerprint()).isNotEqualTo(before);
    rig.servers.remove(rig.servers.get("late"), "api", Duration.ZERO).get(5, TimeUnit.SECONDS);
    source.reloadIfChanged("watch");
    await().until(() -> rig.of(ConfigurationReloaded.class).size() == 1);
    assertThat(rig.of(ConfigurationReloaded.class).get(0).mcpServersAdded())
        .containsExactly("second");
    assertThat(source("first")).contains("config");
  }

  @Test
  void aServerOfAFragmentReturnsWhenTheServersFileGivesItsNameUp(@TempDir Path dir)
      throws Exception {
    Path file = dir.resolve("servers.json");
    Path fragments = Files.createDirectory(dir.resolve("fragments"));
    servers(file, "both");
    servers(fragments.resolve("a.json"), "both");
    ServersFile config =
        new ServersFile(file, rig.servers, rig.groups, rig.supervision, Variables.NONE);
    Discovery discovery = new Discovery(fragments, rig.servers, rig.supervision, Variables.NONE);
    config.load("test");
    discovery.scan();
    assertThat(source("both")).contains("config");
    servers(file);
    config.load("test");
    rig.of(ProviderDeregistered.class).forEach(discovery::on);
    await().until(() -> source("both").equals(Optional.of("discovery:directory")));
  }

  @Test
  void aDirectoryThatCannotBeListedTakesNoServerAway(@TempDir Path dir) throws Exception {
    Path fragments = Files.createDirectory(dir.resolve("fragments"));
    servers(fragments.resolve("a.json"), "found");
    Discovery discovery = new Discovery(fragments, rig.servers, rig.supervision, Variables.NONE);
    discovery.scan();
    Files.move(fragments, dir.resolve("aside"));
    Files.writeString(fragments, "not a directory");
    assertThat(discovery.scan().problems().toString()).contains("cannot be read");
    assertThat(discovery.fingerprint()).isEqualTo("unreadable");
    assertThat(source("found")).isPresent();
    Files.delete(fragments);
    assertThat(discovery.scan().servers()).isZero();
    assertThat(source("found")).isEmpty();
  }

  @Test
  void aChangeBetweenTheFirstReadingAndTheWatchIsSeen(@TempDir Path dir) {
    AtomicInteger changes = new AtomicInteger();
    try (DirectoryWatch watch =
        new DirectoryWatch(dir, "before", () -> "after", changes::incrementAndGet, Thread::new)) {
      assertThat(watch).isNotNull();
      await().until(() -> changes.get() == 1);
    }
  }

  @Test
  void aFailedLookDoesNotEndTheWatch(@TempDir Path dir) {
    AtomicInteger looks = new AtomicInteger();
    AtomicInteger changes = new AtomicInteger();
    try (DirectoryWatch watch =
        new DirectoryWatch(
            dir,
            "before",
            () -> {
              if (looks.incrementAndGet() == 1) {
                throw new IllegalStateException("cannot look");
              }
              return "after";
            },
            changes::incrementAndGet,
            Thread::new)) {
      assertThat(watch).isNotNull();
      await().until(() -> changes.get() == 1);
    }
  }
}
