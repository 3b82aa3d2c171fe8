package dev.sluice.it;

import static com.microsoft.playwright.assertions.PlaywrightAssertions.assertThat;
import static org.assertj.core.api.Assertions.assertThat;

import com.microsoft.playwright.Locator;
import com.microsoft.playwright.WebSocketRoute;
import com.microsoft.playwright.options.AriaRole;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicReference;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** The event feed as a client of the stream contract. */
class FeedBT extends BrowserTest {

  @Override
  Map<String, String> settings() {
    return Map.of("sluice.data.dir", directory.resolve("data").toString());
  }

  /** Whether this test takes the hub away from the page. */
  private boolean hubTaken;

  @BeforeEach
  void hubIsThere() {
    hubTaken = false;
  }

  @Override
  boolean expected(String consoleError) {
    // What Chromium reports of a hub that is away: connections that are refused, or, when one was
    // kept alive and the hub is killed while it is being used again, ERR_SOCKET_NOT_CONNECTED.
    return hubTaken
        && (consoleError.contains("WebSocket connection to")
            || consoleError.contains("net::ERR_CONNECTION_")
            || consoleError.contains("net::ERR_SOCKET_NOT_CONNECTED"));
  }

  private Locator rows(String id) {
    return page.locator("tr[data-row=event]").filter(new Locator.FilterOptions().setHasText(id));
  }

  private Locator status() {
    return page.locator(".feed-status");
  }

  private Locator button(String name) {
    return page.getByRole(
        AriaRole.BUTTON,
        new com.microsoft.playwright.Page.GetByRoleOptions().setName(name).setExact(true));
  }

  /** The ids on the page from the oldest to the newest. */
  private List<String> ids() {
    List<String> ids = new ArrayList<>();
    Object found =
        page.evaluate(
            "[...document.querySelectorAll('tr[data-row=event]')].map((r) => r.dataset.id)");
    ((List<?>) found).forEach(id -> ids.add(0, (String) id));
    return ids;
  }

  private static long seq(String id) {
    return Long.parseLong(id.substring(id.indexOf(':') + 1));
  }

  private void inOrderAndOnce() {
    List<Long> seqs = ids().stream().map(FeedBT::seq).toList();
    assertThat(seqs).isSorted().doesNotHaveDuplicates();
  }

  @Test
  void afterACutTheFeedGoesOnWhereItWasWithoutDuplicates() throws Exception {
    AtomicReference<WebSocketRoute> socket = new AtomicReference<>();
    AtomicBoolean away = new AtomicBoolean();
    page.routeWebSocket(
        "**/api/ws/events*",
        route -> {
          socket.set(route);
          if (away.get()) {
            route.close();
          } else {
            route.connectToServer();
          }
        });
    sample("bt-cut");
    go("events");
    assertThat(rows("bt-cut")).hasCount(1);
    hubTaken = true;
    away.set(true);
    socket.get().close();
    assertThat(page.locator(".chip")).containsText("Reconnecting");
    publish("bt-cut", 20);
    assertThat(rows("bt-cut")).hasCount(1);
    away.set(false);
    assertThat(rows("bt-cut")).hasCount(21);
    assertThat(page.locator("tr[data-row=gap]")).hasCount(0);
    inOrderAndOnce();
  }

  @Test
  void aReloadKeepsTheRowsAndTheCursor() throws Exception {
    sample("bt-reload");
    go("events");
    assertThat(rows("bt-reload")).hasCount(1);
    publish("bt-reload", 5);
    assertThat(rows("bt-reload")).hasCount(6);
    List<String> before = ids().subList(ids().size() - 6, ids().size());
    page.navigate("about:blank");
    publish("bt-reload", 3);
    go("events");
    assertThat(rows("bt-reload")).hasCount(9);
    assertThat(ids()).containsSubsequence(before);
    inOrderAndOnce();
  }

  @Test
  void afterAHubThatWasKilledAndCameBackTheFeedIsWhole() throws Exception {
    sample("bt-kill");
    go("events");
    publish("bt-kill", 3);
    assertThat(rows("bt-kill")).hasCount(4);
    int port = hub.base().getPort();
    hubTaken = true;
    hub.kill();
    forget("bt-kill");
    assertThat(page.locator(".chip")).containsText("Reconnecting");
    hub = HubProcess.start(directory.resolve("hub"), settings(), port);
    sample("bt-kill");
    publish("bt-kill", 3);
    assertThat(live()).isVisible();
    assertThat(rows("bt-kill").filter(new Locator.FilterOptions().setHasText("McpServerUpdated")))
        .hasCount(6);
    inOrderAndOnce();
  }

  @Test
  void aPauseKeepsThePlaceAndCountsWhatWaits() throws Exception {
    sample("bt-pause");
    go("events");
    assertThat(rows("bt-pause")).hasCount(1);
    button("Pause").click();
    publish("bt-pause", 7);
    assertThat(status()).containsText("7 events waiting");
    assertThat(rows("bt-pause")).hasCount(1);
    button("Resume").click();
    assertThat(rows("bt-pause")).hasCount(8);
    inOrderAndOnce();
  }

  @Test
  void whatALongPausePushedOutIsAGapThatHistoryFills() throws Exception {
    sample("bt-long");
    go("events");
    assertThat(rows("bt-long")).hasCount(1);
    page.getByLabel("Filter by server").selectOption("bt-long");
    button("Pause").click();
    publish("bt-long", 1030);
    assertThat(status()).containsText("1,030 events waiting");
    button("Resume").click();
    // Newest first and 300 at once: the gap is where the pause began.
    button("Show older").click();
    Locator gap = page.locator("tr[data-row=gap]");
    assertThat(gap).hasAttribute("data-dropped", "530");
    assertThat(gap).containsText("530 events missing");
    gap.getByRole(AriaRole.BUTTON).click();
    assertThat(gap).hasCount(0);
    inOrderAndOnce();
  }

  @Test
  void filtersAreAppliedByTheHubAndTheBadgesStayTrue() throws Exception {
    sample("bt-one");
    sample("bt-two");
    go("events");
    assertThat(rows("bt-one")).hasCount(1);
    page.getByLabel("Filter by server").selectOption("bt-two");
    assertThat(rows("bt-one")).hasCount(0);
    publish("bt-one", 3);
    publish("bt-two", 3);
    assertThat(rows("bt-two")).hasCount(4);
    assertThat(rows("bt-one")).hasCount(0);
    page.locator(".types summary").click();
    page.getByLabel("ProviderRegistered").check();
    assertThat(rows("bt-two")).hasCount(1);
    start("bt-one");
    page.locator("#nav [data-path=servers]").click();
    assertThat(page.locator("tr[data-id=bt-one] .badge")).hasText("ready");
  }

  @Test
  void anEventOpensToItsFieldsAndItsIdCanBeCopied() throws Exception {
    sample("bt-detail");
    go("events");
    rows("bt-detail").first().getByRole(AriaRole.BUTTON).click();
    Locator detail = page.locator("tr.event-detail:not([hidden])");
    assertThat(detail).containsText("\"mcp_server_id\": \"bt-detail\"");
    assertThat(detail).containsText(ids().get(ids().size() - 1));
    detail.getByText("Copy id").click();
    assertThat(detail).containsText("Copied");
  }
}
