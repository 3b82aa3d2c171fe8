package dev.sluice.servers;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.awaitility.Awaitility.await;

import dev.sluice.events.DomainEvent.GroupMemberHealthChanged;
import dev.sluice.events.DomainEvent.GroupStateChanged;
import dev.sluice.rest.ApiException;
import dev.sluice.servers.GroupDefinition.Member;
import dev.sluice.servers.GroupDefinition.Strategy;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.concurrent.TimeUnit;
import java.util.stream.IntStream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

@Timeout(90)
class GroupsTest {

  private final ServersRig rig = new ServersRig();

  @AfterEach
  void close() {
    rig.close();
  }

  private static Member member(String id) {
    return new Member(new ServerId(id), 1, 1);
  }

  private Group group(String... members) {
    return rig.groups.add(
        new GroupDefinition(
            "g",
            "",
            Strategy.ROUND_ROBIN,
            1,
            2,
            1,
            true,
            java.util.Arrays.stream(members).map(GroupsTest::member).toList()));
  }

  private static boolean inRotation(Group group) {
    return group.view().members().get(0).inRotation();
  }

  @Test
  void aMemberEntersRotationWithItsServerAndLeavesWithIt() throws Exception {
    McpServer server = rig.add("a", ServersRig.sample());
    Group group = group("a");
    server.start("test").get(40, TimeUnit.SECONDS);
    await().until(() -> group.view().state() == Group.State.HEALTHY);
    server.stop("over", Duration.ZERO).get(20, TimeUnit.SECONDS);
    await().until(() -> group.view().state() == Group.State.INACTIVE);
    assertThat(rig.of(GroupMemberHealthChanged.class))
        .extracting(GroupMemberHealthChanged::inRotation)
        .containsExactly(true, false);
    assertThat(rig.of(GroupStateChanged.class)).hasSize(2);
  }

  @Test
  void aMemberThatWasUnblockedOrEnabledAgainCanBeStartedByTheGroup() throws Exception {
    McpServer server = rig.add("a", ServersRig.shell("exit 1"));
    Group group = group("a");
    var unused = server.block("suspicious");
    rig.groups.look(server.id(), "blocked");
    assertThat(group.pickCold(java.util.Set.of())).isEmpty();
    server.unblock();
    rig.groups.look(server.id(), "unblocked");
    assertThat(group.pickCold(java.util.Set.of())).isPresent();
    rig.servers.replace(
        server, ServersRig.read("a", ServersRig.shell("exit 1", "\"enabled\":false")), "api");
    await().until(() -> group.pickCold(java.util.Set.of()).isEmpty());
    rig.servers.replace(server, ServersRig.read("a", ServersRig.shell("exit 1")), "api");
    await().until(() -> group.pickCold(java.util.Set.of()).isPresent());
  }

  @Test
  void membersAddedAtOnceAreAllKept() {
    Group group = group();
    List<CompletableFuture<Void>> adding = new ArrayList<>();
    for (int i = 0; i < 60; i++) {
      String id = "m" + i;
      adding.add(
          CompletableFuture.runAsync(() -> rig.groups.addMember(group, member(id)), rig.work));
    }
    adding.forEach(CompletableFuture::join);
    assertThat(group.definition().members())
        .extracting(m -> m.server().value())
        .containsExactlyInAnyOrderElementsOf(
            IntStream.range(0, 60).mapToObj(i -> "m" + i).toList());
  }

  @Test
  void newSettingsKeepTheMembersThereAreThen() {
    Group group = group("a");
    GroupDefinition settings = group.definition().with(List.of());
    group.addMember(member("b"));
    rig.groups.replaceSettings(group, settings);
    assertThat(group.definition().members()).containsExactly(member("a"), member("b"));
    group.removeMember("a");
    assertThat(group.definition().members()).containsExactly(member("b"));
    assertThatThrownBy(() -> group.removeMember("a")).hasMessageContaining("no such member");
    assertThatThrownBy(() -> group.addMember(member("b"))).hasMessageContaining("already");
  }

  @Test
  void aMemberThatFailsItsProbesLeavesRotationAndReturnsAfterGoodOnes() {
    Group group = new Group(group("a").definition(), rig.supervision.events());
    group.open();
    group.look(
        new ServerId("a"),
        () -> new Group.Standing(true, ServerState.READY, CircuitBreaker.State.CLOSED),
        "started");
    assertThat(inRotation(group)).isTrue();
    group.probed(new ServerId("a"), false);
    assertThat(inRotation(group)).isTrue();
    group.probed(new ServerId("a"), false);
    assertThat(inRotation(group)).isFalse();
    group.probed(new ServerId("a"), true);
    assertThat(inRotation(group)).isTrue();
  }

  @Test
  void aCallThatAMemberDidNotTakeGoesToTheNext() throws Exception {
    rig.add("bad", ServersRig.shell("exit 1"));
    rig.add("good", ServersRig.sample());
    Group group = group("bad", "good");
    for (int i = 0; i < 2; i++) {
      ToolCalls.Result answer =
          rig.groups
              .call(group, "echo", ServersRig.json("{\"message\":\"m\",\"text\":\"m\"}"))
              .get(40, TimeUnit.SECONDS);
      assertThat(answer.server().value()).isEqualTo("good");
    }
  }

  @Test
  void onlyCallsThatNeverWentOutAreGivenToAnotherMember() {
    for (String code : List.of("too_many_calls", "server_restarting", "server_stopped")) {
      assertThat(
              Groups.neverSent(
                  new CompletionException(
                      ApiException.unavailable(code, "not sent", Duration.ofSeconds(1)))))
          .as(code)
          .isPresent();
    }
    for (String code : List.of("call_timeout", "server_disconnected", "upstream_error")) {
      assertThat(Groups.neverSent(ApiException.of(503, code, "sent"))).as(code).isEmpty();
    }
  }
}
