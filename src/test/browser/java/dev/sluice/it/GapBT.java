package dev.sluice.it;

import static com.microsoft.playwright.assertions.PlaywrightAssertions.assertThat;
import static org.assertj.core.api.Assertions.assertThat;

import com.microsoft.playwright.Locator;
import com.microsoft.playwright.WebSocketRoute;
import java.util.Map;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicReference;
import org.junit.jupiter.api.Test;

/** What the console shows of events that the hub no longer has. */
class GapBT extends BrowserTest {

  private static final int KEPT = 200;

  @Override
  Map<String, String> settings() {
    return Map.of("sluice.events.retention.count", Integer.toString(KEPT));
  }

  private static long seq(String id) {
    return Long.parseLong(id.substring(id.indexOf(':') + 1));
  }

  private long cursor() {
    return seq(page.locator(".cursor").textContent());
  }

  @Test
  void whatRetentionTookIsAGapInItsPlaceWithItsTrueCount() throws Exception {
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
    sample("bt-gap");
    go("events");
    Locator rows = page.locator("tr[data-row=event]");
    assertThat(rows).hasCount(1);
    long seen = cursor();
    away.set(true);
    socket.get().close();
    assertThat(page.locator(".chip")).containsText("Reconnecting");
    publish("bt-gap", KEPT + 50);
    away.set(false);
    Locator gap = page.locator("tr[data-row=gap]");
    assertThat(gap).containsText("50 events missing");
    assertThat(gap).hasAttribute("data-reason", "retention");
    assertThat(rows).hasCount(1 + KEPT);
    // Published = delivered + reported lost.
    assertThat(cursor() - seen).isEqualTo(KEPT + 50);
    assertThat(
            (int)
                page.evaluate(
                    "[...document.querySelectorAll('tbody tr[data-row]')].findIndex(r => r.dataset.row === 'gap')"))
        .as("the place of the gap, newest first")
        .isEqualTo(KEPT);
  }
}
