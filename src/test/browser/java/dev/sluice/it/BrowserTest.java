package dev.sluice.it;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import com.microsoft.playwright.Browser;
import com.microsoft.playwright.BrowserContext;
import com.microsoft.playwright.BrowserType;
import com.microsoft.playwright.Locator;
import com.microsoft.playwright.Page;
import com.microsoft.playwright.Playwright;
import com.microsoft.playwright.assertions.PlaywrightAssertions;
import jakarta.json.Json;
import jakarta.json.JsonObject;
import jakarta.json.JsonObjectBuilder;
import java.io.StringReader;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpRequest.BodyPublishers;
import java.net.http.HttpResponse;
import java.net.http.HttpResponse.BodyHandlers;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CopyOnWriteArrayList;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.TestInstance;
import org.junit.jupiter.api.io.TempDir;

/**
 * A test of the console in a real Chromium against a real hub in a process of its own, one hub and
 * one browser per class, one fresh page per test.
 *
 * <p>After each test the page must have had no console error, no violation of the content security
 * policy and no request to a foreign host.
 */
@TestInstance(TestInstance.Lifecycle.PER_CLASS)
abstract class BrowserTest {

  static final String JAVA = Path.of(System.getProperty("java.home"), "bin", "java").toString();
  static final String SAMPLE =
      Path.of("server-config", "samples", "SampleServer.java").toAbsolutePath().toString();

  private static final HttpClient HTTP = HttpClient.newHttpClient();

  @TempDir static Path directory;

  HubProcess hub;
  Page page;

  /** Requests that the page has sent, addresses only. */
  final List<String> requests = new CopyOnWriteArrayList<>();

  private final List<String> complaints = new CopyOnWriteArrayList<>();
  private final List<String> created = new ArrayList<>();
  private Playwright playwright;
  private Browser browser;
  private BrowserContext context;

  /** What the hub is started with, beside its port. */
  Map<String, String> settings() {
    return Map.of();
  }

  @BeforeAll
  void startHubAndBrowser() {
    hub = HubProcess.start(directory.resolve("hub"), settings());
    playwright =
        Playwright.create(
            new Playwright.CreateOptions().setEnv(Map.of("PLAYWRIGHT_SKIP_BROWSER_DOWNLOAD", "1")));
    browser =
        playwright
            .chromium()
            .launch(
                new BrowserType.LaunchOptions()
                    .setExecutablePath(Path.of(System.getProperty("sluice.browser")))
                    .setArgs(
                        List.of(
                            "--no-sandbox",
                            "--disable-gpu",
                            "--disable-quic",
                            "--no-first-run",
                            "--disable-background-networking",
                            "--disable-component-update",
                            "--disable-sync")));
    PlaywrightAssertions.setDefaultAssertionTimeout(20_000);
  }

  @AfterAll
  void stopBrowserAndHub() {
    if (playwright != null) {
      playwright.close();
    }
    if (hub != null) {
      hub.close();
    }
  }

  @BeforeEach
  void freshPage() {
    requests.clear();
    complaints.clear();
    open(new Browser.NewContextOptions().setViewportSize(1280, 900));
  }

  /** Opens a page that is watched; what was open before is closed. */
  void open(Browser.NewContextOptions options) {
    if (context != null) {
      context.close();
    }
    context = browser.newContext(options);
    page = context.newPage();
    page.setDefaultTimeout(20_000);
    page.onConsoleMessage(
        message -> {
          if (message.type().equals("error") && !expected(message.text())) {
            complaints.add("console: " + message.text());
          }
        });
    page.onPageError(error -> complaints.add("exception: " + error));
    page.onRequest(
        request -> {
          requests.add(request.url());
          if (!request.url().startsWith("data:")
              && !URI.create(request.url()).getAuthority().equals(hub.base().getAuthority())) {
            complaints.add("foreign host: " + request.url());
          }
        });
  }

  /** What a test makes the browser report; everything else fails it. */
  boolean expected(String consoleError) {
    return false;
  }

  @AfterEach
  void nothingToComplainAbout() throws Exception {
    context.close();
    context = null;
    for (String id : created) {
      send("DELETE", "mcp_servers/" + id, "");
    }
    created.clear();
    assertThat(complaints).isEmpty();
  }

  void go(String hash) {
    page.navigate(hub.base() + "#/" + hash);
  }

  Locator live() {
    return page.locator(".chip[data-state=live]");
  }

  HttpResponse<String> send(String method, String path, String body) throws Exception {
    HttpRequest.Builder request =
        HttpRequest.newBuilder(hub.base().resolve("api/" + path)).timeout(Duration.ofSeconds(90));
    if (!body.isEmpty()) {
      request.header("Content-Type", "application/json");
    }
    return HTTP.send(
        request.method(method, BodyPublishers.ofString(body)).build(), BodyHandlers.ofString());
  }

  JsonObject get(String path) throws Exception {
    try (var in = Json.createReader(new StringReader(send("GET", path, "").body()))) {
      return in.readObject();
    }
  }

  /** Adds the sample server under this id; it is deleted after the test. */
  void sample(String id) throws Exception {
    add(
        Json.createObjectBuilder()
            .add("mcp_server_id", id)
            .add("command", JAVA)
            .add("args", Json.createArrayBuilder().add("-XX:TieredStopAtLevel=1").add(SAMPLE)));
  }

  void add(JsonObjectBuilder definition) throws Exception {
    JsonObject body = definition.build();
    HttpResponse<String> answer = send("POST", "mcp_servers", body.toString());
    assertThat(answer.statusCode()).as(answer.body()).isEqualTo(201);
    created.add(body.getString("mcp_server_id"));
  }

  void start(String id) throws Exception {
    assertThat(send("POST", "mcp_servers/" + id + "/start", "{}").statusCode()).isEqualTo(200);
  }

  void forget(String id) {
    created.remove(id);
  }

  void created(String id) {
    created.add(id);
  }

  /** Publishes events: each replaces the definition of a cold server. */
  void publish(String id, int events) throws Exception {
    for (int i = 0; i < events; i++) {
      String definition =
          Json.createObjectBuilder()
              .add("command", JAVA)
              .add("args", Json.createArrayBuilder().add(SAMPLE))
              .add("description", "number " + i)
              .build()
              .toString();
      assertThat(send("PUT", "mcp_servers/" + id, definition).statusCode()).isEqualTo(200);
    }
  }

  /** Waits for a condition in Java; Playwright's events are delivered meanwhile. */
  void until(String what, java.util.concurrent.Callable<Boolean> condition) {
    await(what)
        .atMost(Duration.ofSeconds(30))
        .pollInSameThread()
        .until(
            () -> {
              page.evaluate("1");
              return condition.call();
            });
  }
}
