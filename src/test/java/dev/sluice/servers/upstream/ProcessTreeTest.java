package dev.sluice.servers.upstream;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.awaitility.Awaitility.await;

import dev.sluice.servers.ServerDefinition.Transport;
import dev.sluice.servers.ServerId;
import java.io.BufferedReader;
import java.io.InputStreamReader;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.stream.Collectors;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** Whole trees of real processes. */
@Timeout(60)
class ProcessTreeTest {

  private static final ChildProcess.Patience SHORT =
      new ChildProcess.Patience(
          Duration.ofMillis(300), Duration.ofMillis(500), Duration.ofSeconds(3));

  private static final class Quiet implements ChildProcess.Output {
    final List<String> out = new CopyOnWriteArrayList<>();
    final List<Exit> exits = new CopyOnWriteArrayList<>();

    @Override
    public void stdout(byte[] line) {
      out.add(new String(line, StandardCharsets.UTF_8));
    }

    @Override
    public void skipped(String head, long length) {}

    @Override
    public void stderr(String line) {}

    @Override
    public void exited(Exit exit) {
      exits.add(exit);
    }
  }

  private final Quiet output = new Quiet();
  private final Supervisor supervisor = new Supervisor(Thread::new, SHORT);

  private ChildProcess shell(String script) {
    return supervisor.start(
        new ServerId("tree"),
        new Transport.Stdio("sh", List.of("-c", script), Map.of(), Optional.empty()),
        output);
  }

  private Set<Long> pids(int count) {
    await().atMost(Rig.SOON).until(() -> output.out.size() >= count);
    return output.out.stream().map(Long::valueOf).collect(Collectors.toSet());
  }

  private static boolean alive(long pid) {
    return ProcessHandle.of(pid).filter(ProcessTable::living).isPresent();
  }

  @Test
  void endsBackgroundProcessesWithTheirChild() {
    ChildProcess child = shell("sleep 300 & echo $!; sleep 300 & echo $!; cat");
    Set<Long> sleepers = pids(2);
    child.stop();
    assertThat(sleepers).noneMatch(ProcessTreeTest::alive);
    assertThat(child.gone()).isDone();
    assertThat(output.exits).hasSize(1);
    assertThat(supervisor.children()).isEmpty();
  }

  @Test
  void endsAGrandchildThatMadeASessionOfItsOwnAndLostItsParent() {
    ChildProcess child =
        shell("(setsid sh -c 'echo $$; trap \"\" TERM; while :; do sleep 1; done' &) ; cat");
    Set<Long> escaped = pids(1);
    child.stop();
    assertThat(escaped).noneMatch(ProcessTreeTest::alive);
  }

  @Test
  void killsAChildThatIgnoresTheEndOfItsInputAndTerm() {
    ChildProcess child = shell("trap '' TERM; echo $$; while :; do sleep 1; done");
    Set<Long> itself = pids(1);
    assertThat(itself).containsExactly(child.pid());
    child.stop();
    assertThat(alive(child.pid())).isFalse();
    assertThat(output.exits).containsExactly(new Exit(137));
  }

  @Test
  void letsAChildEndByItselfWhenItsInputEnds() {
    ChildProcess child = shell("cat >/dev/null; exit 7");
    child.stop();
    assertThat(output.exits).containsExactly(new Exit(7));
  }

  @Test
  void sweepsWhatACrashedChildLeftBehindAndTellsTheExitBefore() {
    ChildProcess child = shell("sleep 300 & echo $!; kill -9 $$");
    Set<Long> left = pids(1);
    await().atMost(Duration.ofSeconds(2)).until(() -> !output.exits.isEmpty());
    assertThat(output.exits.get(0).text()).isEqualTo("ended by SIGKILL (exit code 137)");
    await().atMost(Rig.SOON).until(() -> child.gone().isDone());
    assertThat(left).noneMatch(ProcessTreeTest::alive);
    await().atMost(Rig.SOON).until(() -> supervisor.readersHeld() == 0);
  }

  @Test
  void countsAReaderThatSomebodyOutsideOfTheTreeHoldsUp() {
    ChildProcess child = shell("(env -i setsid sh -c 'echo $$; exec sleep 300' &) ; cat");
    long stranger = pids(1).iterator().next();
    try {
      child.stop();
      assertThat(supervisor.children()).isEmpty();
      await().atMost(Rig.SOON).until(() -> supervisor.readersHeld() == 1);
    } finally {
      ProcessHandle.of(stranger).ifPresent(ProcessHandle::destroyForcibly);
    }
    await().atMost(Rig.SOON).until(() -> supervisor.readersHeld() == 0);
  }

  @Test
  void tellsTheTreesSizeFromTheProcessTable() {
    ChildProcess child = shell("sleep 300 & echo $!; (setsid sleep 300 &) ; echo 1; cat");
    pids(2);
    await().atMost(Rig.SOON).until(() -> child.tree(ProcessTable.read()).size() >= 4);
    child.stop();
    assertThat(child.tree(ProcessTable.read())).isEmpty();
  }

  @Test
  void endsTheOrphansOfAKilledHubAndNothingElse(@TempDir Path directory) throws Exception {
    Process bystander = new ProcessBuilder(command("stubborn")).start();
    Path errors = directory.resolve("hub.log");
    List<String> hub = new java.util.ArrayList<>();
    hub.add(Rig.JAVA);
    hub.add("-cp");
    hub.add(System.getProperty("java.class.path"));
    hub.add(HubToKill.class.getName());
    Process killed = new ProcessBuilder(hub).redirectError(errors.toFile()).start();
    try (BufferedReader reader =
        new BufferedReader(
            new InputStreamReader(killed.getInputStream(), StandardCharsets.UTF_8))) {
      String line = reader.readLine();
      assertThat(line).as("hub said: %s", Files.readString(errors)).isNotNull();
      long orphan = Long.parseLong(line);
      String marker = ProcessTable.marker(orphan).orElseThrow();
      assertThat(supervisor.endOrphans()).as("its hub lives").isZero();
      assertThat(alive(orphan)).isTrue();

      killed.destroyForcibly().waitFor();
      assertThat(alive(orphan)).isTrue();
      assertThat(supervisor.endOrphans()).isGreaterThanOrEqualTo(2);
      assertThat(alive(orphan)).isFalse();
      for (ProcessTable.Entry entry : ProcessTable.read().all()) {
        assertThat(ProcessTable.marker(entry.pid())).isNotEqualTo(Optional.of(marker));
      }
      assertThat(bystander.isAlive()).isTrue();
    } finally {
      killed.destroyForcibly();
      bystander.destroyForcibly();
    }
  }

  private static List<String> command(String flag) {
    List<String> command = new java.util.ArrayList<>();
    command.add(Rig.JAVA);
    command.addAll(StdioTestServer.args(flag));
    return command;
  }

  @Test
  void tellsSignalsFromExitCodes() {
    assertThat(new Exit(137).text()).isEqualTo("ended by SIGKILL (exit code 137)");
    assertThat(new Exit(143).text()).contains("SIGTERM");
    assertThat(new Exit(3).text()).isEqualTo("exited with code 3");
    assertThat(new Exit(255).text()).isEqualTo("exited with code 255");
  }

  @Test
  void takesNoStrangerForItsOwnWhoHasTheNumberOfAnEndedChild() throws Exception {
    // In a session of its own, so that its number is also that of a session.
    Process stranger = new ProcessBuilder("setsid", "sleep", "300").start();
    try {
      long pid = stranger.pid();
      await()
          .atMost(Rig.SOON)
          .until(
              () ->
                  ProcessTable.entry(Long.toString(pid))
                      .filter(entry -> entry.session() == pid)
                      .isPresent());
      ProcessTable table = ProcessTable.read();
      long ticks = ProcessTable.entry(Long.toString(pid)).orElseThrow().startTicks();
      assertThat(table.tree(pid, ticks, true, "m")).containsExactly(pid);
      assertThat(table.tree(pid, ticks - 1, true, "m")).isEmpty();
      assertThat(table.tree(pid, -1, true, "m")).isEmpty();
      assertThat(table.handle(pid)).isPresent();
    } finally {
      stranger.destroyForcibly();
    }
  }

  @Test
  void leavesNoChildWhoseThreadsCannotBeStarted() {
    Supervisor without =
        new Supervisor(
            task -> {
              throw new IllegalStateException("no more threads");
            },
            SHORT);
    String marker = "sluice-left-" + System.nanoTime();
    assertThatThrownBy(
            () ->
                without.start(
                    new ServerId("tree"),
                    new Transport.Stdio(
                        "sh", List.of("-c", "sleep 300; : " + marker), Map.of(), Optional.empty()),
                    output))
        .hasMessage("no more threads");
    assertThat(without.children()).isEmpty();
    await()
        .atMost(Rig.SOON)
        .until(
            () ->
                ProcessHandle.allProcesses()
                    .filter(ProcessTable::living)
                    .noneMatch(
                        p -> p.info().commandLine().filter(c -> c.contains(marker)).isPresent()));
  }
}
