package dev.sluice.it;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import java.net.http.HttpResponse;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;

/** Calls that a group spreads over its members. */
class GroupsIT extends RestTest {

  private static final String GROUP = "groups/it-pair";

  /** Who answered each of so many calls. */
  private static List<String> picks(int calls) throws Exception {
    List<String> members = new ArrayList<>();
    for (int i = 0; i < calls; i++) {
      HttpResponse<String> answer = send("POST", GROUP + "/tools/echo/call", HELLO);
      assertThat(answer.statusCode()).as(answer.body()).isEqualTo(200);
      members.add(answer.headers().firstValue("Sluice-Member").orElseThrow());
    }
    return members;
  }

  private static void awaitHealthy(int count) {
    await().until(() -> json(send("GET", GROUP, "")).getInt("healthy_count") == count);
  }

  @Test
  void callsFollowWeightsOrPrioritiesOfTheMembersInRotation() throws Exception {
    create(sample("it-heavy"));
    create(sample("it-light"));
    send("POST", "mcp_servers/it-heavy/start", "");
    send("POST", "mcp_servers/it-light/start", "");
    createGroup(
        "it-pair",
        "{\"group_id\":\"it-pair\",\"strategy\":\"weighted_round_robin\",\"members\":["
            + "{\"id\":\"it-heavy\",\"weight\":3,\"priority\":2},"
            + "{\"id\":\"it-light\",\"weight\":1,\"priority\":1}]}");
    awaitHealthy(2);
    List<String> weighted = picks(8);
    for (List<String> half : List.of(weighted.subList(0, 4), weighted.subList(4, 8))) {
      assertThat(half).containsOnlyOnce("it-light").hasSize(4).contains("it-heavy");
      assertThat(half.get(3)).isEqualTo("it-heavy"); // interleaved, not three and then one
    }

    send("PUT", GROUP, "{\"strategy\":\"priority\"}");
    assertThat(picks(3)).containsOnly("it-light");
    send("POST", "mcp_servers/it-light/stop", "{\"reason\":\"maintenance\"}");
    awaitHealthy(1);
    assertThat(picks(3)).containsOnly("it-heavy");
    send("PUT", GROUP, "{\"strategy\":\"weighted_round_robin\"}");
    assertThat(picks(4)).containsOnly("it-heavy");
    assertThat(state("it-light")).isEqualTo("cold");
  }
}
