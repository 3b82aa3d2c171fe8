package dev.sluice.it;

import static com.microsoft.playwright.assertions.PlaywrightAssertions.assertThat;
import static org.assertj.core.api.Assertions.assertThat;

import com.microsoft.playwright.Browser;
import com.microsoft.playwright.Locator;
import com.microsoft.playwright.options.AriaRole;
import com.microsoft.playwright.options.ColorScheme;
import jakarta.json.Json;
import java.time.Duration;
import java.time.Instant;
import org.junit.jupiter.api.Test;

/** Servers, tools and logs in the console. */
class ConsoleBT extends BrowserTest {

  private Locator row(String id) {
    return page.locator("tr[data-id='" + id + "']");
  }

  private Locator button(String name) {
    return page.getByRole(
        AriaRole.BUTTON,
        new com.microsoft.playwright.Page.GetByRoleOptions().setName(name).setExact(true));
  }

  @Test
  void anEmptyHubShowsHowToGetTheFirstServer() {
    go("servers");
    assertThat(page.getByText("No servers yet")).isVisible();
    assertThat(page.locator(".snippet")).containsText("\"mcpServers\"");
  }

  @Test
  void aServerAppearsAndChangesStateWithoutReload() throws Exception {
    go("servers");
    assertThat(live()).isVisible();
    sample("bt-live");
    assertThat(row("bt-live").locator(".badge")).hasText("cold");
    button("Start bt-live").click();
    assertThat(row("bt-live").locator(".badge")).hasText("ready");
    assertThat(row("bt-live").locator("[data-label=Tools]")).hasText("6");
    button("Stop bt-live").click();
    page.getByLabel("Reason").fill("bt upgrade");
    page.locator("dialog").getByRole(AriaRole.BUTTON).last().click();
    assertThat(row("bt-live").locator(".badge")).hasText("cold");
    assertThat(row("bt-live").locator(".reason")).containsText("bt upgrade");
    send("DELETE", "mcp_servers/bt-live", "");
    forget("bt-live");
    assertThat(row("bt-live")).hasCount(0);
  }

  @Test
  void aServerThatCannotStartShowsTheErrorItsHintAndTheNextTry() throws Exception {
    add(
        Json.createObjectBuilder()
            .add("mcp_server_id", "bt-missing")
            .add("command", "no-such-command-anywhere")
            .add("maxConsecutiveFailures", 1));
    go("servers/bt-missing");
    assertThat(live()).isVisible();
    button("Start").first().click();
    assertThat(page.locator(".state-panel .badge")).hasText("degraded");
    assertThat(page.locator(".problem").first()).containsText("Hint:");
    assertThat(page.locator(".state-panel .retry")).containsText("Tries again");
  }

  @Test
  void aToolIsCalledByTheFormMadeOfItsSchema() throws Exception {
    sample("bt-tools");
    start("bt-tools");
    go("servers/bt-tools/tools/echo");
    button("Call").click();
    assertThat(page.locator("[data-field=text] .field-error")).containsText("Fill this in");
    page.locator("[data-field=text] textarea, [data-field=text] input").fill("grüße 🙂");
    page.keyboard().press("Control+Enter");
    assertThat(page.locator(".result")).containsText("grüße 🙂");

    go("servers/bt-tools/tools/fail");
    button("Call").click();
    assertThat(page.locator(".result.failed")).containsText("The tool reports an error");
  }

  @Test
  void numbersReachTheToolWithEveryDigit() throws Exception {
    sample("bt-digits");
    start("bt-digits");
    go("servers/bt-digits/tools/add");
    Locator fields = page.locator("form [data-field] input");
    fields.nth(0).fill("9007199254740993");
    fields.nth(1).fill("0");
    button("Call").click();
    assertThat(page.locator(".result pre").first()).containsText("9007199254740993");
  }

  @Test
  void aStderrLineAppearsWhileTheLogIsOpen() throws Exception {
    sample("bt-log");
    start("bt-log");
    go("servers/bt-log/log");
    assertThat(page.locator(".log")).containsText("sample server is up");
    send("POST", "mcp_servers/bt-log/tools/fail/call", "{\"arguments\":{}}");
    assertThat(page.locator(".log [data-level=error]")).containsText("the tool fail was called");
  }

  @Test
  void serversAreFilteredByTextAndState() throws Exception {
    sample("bt-alpha");
    sample("bt-beta");
    start("bt-beta");
    go("servers");
    page.getByLabel("Filter servers by text").fill("bt-");
    assertThat(page.locator("tbody tr")).hasCount(2);
    page.locator(".segments [data-state=ready]").click();
    assertThat(page.locator("tbody tr")).hasCount(1);
    assertThat(row("bt-beta")).isVisible();
    page.getByLabel("Filter servers by text").fill("alpha");
    assertThat(page.getByText("No server matches")).isVisible();
  }

  @Test
  void aServerIsAddedByPasteAndDeleted() {
    go("servers");
    button("Add server").first().click();
    button("JSON").click();
    page.getByLabel("Definition")
        .fill(
            "{\"mcpServers\":{\"bt-pasted\":{\"command\":\"java\",\"args\":[\"x\"],"
                + "\"description\":\"from a paste\"}}}");
    page.locator("dialog button[type=submit]").click();
    created("bt-pasted");
    assertThat(page.locator("h1")).hasText("bt-pasted");
    assertThat(page.locator(".state-panel")).containsText("from a paste");
    button("Delete").click();
    page.locator("dialog button[type=submit]").click();
    forget("bt-pasted");
    assertThat(page.locator("h1")).hasText("Servers");
    assertThat(row("bt-pasted")).hasCount(0);
  }

  @Test
  void aRefusalShowsTheHubsOwnWords() {
    go("servers");
    button("Add server").first().click();
    page.getByLabel("Name").fill("bt-wrong");
    button("JSON").click();
    page.getByLabel("Definition").fill("{\"command\":\"java\",\"url\":\"http://localhost/\"}");
    page.locator("dialog button[type=submit]").click();
    assertThat(page.locator("dialog .problem")).containsText("validation_failed");
  }

  @Override
  boolean expected(String consoleError) {
    // Chromium itself reports every answer above 399, also the ones that a test asks for.
    return consoleError.startsWith("Failed to load resource: the server responded with a status");
  }

  @Test
  void anIdleConsoleSendsNoRequests() throws Exception {
    sample("bt-idle");
    start("bt-idle");
    go("overview");
    assertThat(live()).isVisible();
    page.waitForLoadState(com.microsoft.playwright.options.LoadState.NETWORKIDLE);
    quietFor(Duration.ofSeconds(6));
    go("servers/bt-idle/log");
    assertThat(page.locator(".log")).containsText("sample server is up");
    quietFor(Duration.ofSeconds(6));
  }

  /** Six seconds is longer than any interval that would still deserve the name live. */
  private void quietFor(Duration time) {
    Instant[] since = {Instant.now()};
    int[] seen = {requests.size()};
    int before = requests.size();
    until(
        "no request for " + time,
        () -> {
          if (requests.size() != seen[0]) {
            seen[0] = requests.size();
            since[0] = Instant.now();
          }
          return Duration.between(since[0], Instant.now()).compareTo(time) >= 0;
        });
    // What the view itself read at first may still have been under way.
    assertThat(requests.size() - before).isLessThanOrEqualTo(2);
  }

  @Test
  void everythingIsReachedByKeyboardAlone() throws Exception {
    sample("bt-keys");
    start("bt-keys");
    go("servers");
    assertThat(row("bt-keys")).isVisible();
    page.keyboard().press("Tab");
    assertThat(page.locator(".skip")).isFocused();
    page.keyboard().press("Enter");
    tabTo("a", "bt-keys");
    page.keyboard().press("Enter");
    assertThat(page.locator("h1")).hasText("bt-keys");
    tabTo("a", "echo");
    page.keyboard().press("Enter");
    assertThat(page.locator("[data-tool=echo]")).isFocused();
    assertThat(page.locator("[data-tool=echo]")).hasAttribute("aria-current", "true");
    tabTo("textarea,input", "");
    page.keyboard().type("by hand");
    tabTo("button", "Call");
    page.keyboard().press("Enter");
    assertThat(page.locator(".result")).containsText("by hand");
    tabBackTo("button", "Stop");
    page.keyboard().press("Enter");
    assertThat(page.locator("dialog")).isVisible();
    page.keyboard().press("Escape");
    assertThat(page.locator("dialog")).hasCount(0);
    assertThat(button("Stop")).isFocused();
  }

  private void tabTo(String selector, String text) {
    press("Tab", selector, text);
  }

  private void tabBackTo(String selector, String text) {
    press("Shift+Tab", selector, text);
  }

  private void press(String key, String selector, String text) {
    // A view fills itself with what it reads; the keyboard waits for it as a person does.
    Locator.FilterOptions begins =
        new Locator.FilterOptions().setHasText(java.util.regex.Pattern.compile("^\\s*" + text));
    assertThat(page.locator(selector).filter(begins).locator("visible=true").first()).isVisible();
    for (int i = 0; i < 60; i++) {
      page.keyboard().press(key);
      Object there =
          page.evaluate(
              "([selector, text]) => { const at = document.activeElement;"
                  + " return at.matches(selector) && at.textContent.trim().startsWith(text)"
                  + " && getComputedStyle(at).outlineStyle !== 'none'; }",
              java.util.List.of(selector, text));
      if (Boolean.TRUE.equals(there)) {
        return;
      }
    }
    throw new AssertionError("no focus, or none visible, on " + selector + " " + text);
  }

  @Test
  void theThemeFollowsTheSystemAndCanBeChosen() {
    open(new Browser.NewContextOptions().setColorScheme(ColorScheme.DARK));
    go("overview");
    assertThat(page.locator("html")).hasCSS("background-color", "rgb(16, 22, 26)");
    button("Theme: as the system").click();
    assertThat(page.locator("html")).hasCSS("background-color", "rgb(244, 246, 247)");
    page.reload();
    assertThat(page.locator("html")).hasCSS("background-color", "rgb(244, 246, 247)");
  }

  @Test
  void aNarrowPageDoesNotScrollSideways() throws Exception {
    sample("bt-a-server-with-quite-a-long-name-that-has-to-break-somewhere");
    open(new Browser.NewContextOptions().setViewportSize(375, 800));
    for (String view : new String[] {"overview", "servers", "events", "connect"}) {
      go(view);
      assertThat(live()).isVisible();
      assertThat(
              (int)
                  page.evaluate(
                      "document.documentElement.scrollWidth - document.documentElement.clientWidth"))
          .as(view)
          .isZero();
    }
  }
}
