package dev.sluice.it;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.awaitility.Awaitility.await;

import com.sun.tools.attach.VirtualMachine;
import jakarta.json.Json;
import jakarta.json.JsonObject;
import java.io.StringReader;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpRequest.BodyPublishers;
import java.net.http.HttpResponse;
import java.net.http.HttpResponse.BodyHandlers;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;
import java.util.stream.Collectors;
import javax.management.JMException;
import javax.management.MBeanServerConnection;
import javax.management.ObjectName;
import javax.management.remote.JMXConnector;
import javax.management.remote.JMXConnectorFactory;
import javax.management.remote.JMXServiceURL;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;

/** The hub in JMX, as a console on the same machine sees it, on a server of its own. */
class JmxIT {

  private static final Path WORK = Path.of(System.getProperty("sluice.test.dir"), "jmx");
  private static final HttpClient HTTP = HttpClient.newHttpClient();
  private static final Set<String> ALWAYS =
      Set.of(
          "type=Hub",
          "type=Stream",
          "type=Journal",
          "type=Servers",
          "type=Upstream",
          "type=Relay",
          "type=Threads");

  private static HubProcess hub;
  private static JMXConnector connector;
  private static MBeanServerConnection beans;

  @BeforeAll
  static void start() throws Exception {
    Files.createDirectories(WORK);
    Path file = WORK.resolve("mcp.json");
    Files.writeString(file, "{\"mcpServers\":{\"jmx-file\":" + sample() + "}}");
    hub = HubProcess.start(WORK, Map.of("sluice.servers.file", file.toString()));
    connector = connect(hub);
    beans = connector.getMBeanServerConnection();
  }

  @AfterAll
  static void stop() throws Exception {
    connector.close();
    hub.close();
  }

  private static JsonObject sample() {
    return RestTest.sample("").remove("mcp_server_id").build();
  }

  private static JMXConnector connect(HubProcess hub) throws Exception {
    VirtualMachine machine = VirtualMachine.attach(Long.toString(hub.pid()));
    try {
      return JMXConnectorFactory.connect(new JMXServiceURL(machine.startLocalManagementAgent()));
    } finally {
      machine.detach();
    }
  }

  /** What follows the domain in the names of all beans of the hub. */
  private static Set<String> names(MBeanServerConnection beans) throws Exception {
    return beans.queryNames(new ObjectName("dev.sluice:*"), null).stream()
        .map(name -> name.getCanonicalKeyPropertyListString())
        .collect(Collectors.toCollection(TreeSet::new));
  }

  private static ObjectName bean(String server) throws JMException {
    return new ObjectName("dev.sluice:type=McpServer,name=" + server);
  }

  private static Object operation(String server, String name, String reason) throws Exception {
    return beans.invoke(
        bean(server), name, new Object[] {reason}, new String[] {String.class.getName()});
  }

  private static JsonObject send(String method, String path, String body) throws Exception {
    HttpRequest.Builder request =
        HttpRequest.newBuilder(hub.base().resolve("/api/" + path))
            .header("Content-Type", "application/json")
            .timeout(Duration.ofSeconds(60));
    HttpResponse<String> answer =
        HTTP.send(
            request
                .method(
                    method,
                    body.isEmpty() ? BodyPublishers.noBody() : BodyPublishers.ofString(body))
                .build(),
            BodyHandlers.ofString());
    assertThat(answer.statusCode()).as(answer.body()).isBetween(200, 299);
    try (var in = Json.createReader(new StringReader(answer.body()))) {
      return in.readObject();
    }
  }

  private static void create(JsonObject definition) throws Exception {
    send("POST", "mcp_servers", definition.toString());
    ObjectName name = bean(definition.getString("mcp_server_id"));
    await().until(() -> beans.isRegistered(name));
  }

  @Test
  void eachReadModelAndEachServerOfTheFileHasABean() throws Exception {
    assertThat(names(beans)).containsAll(ALWAYS).contains("name=jmx-file,type=McpServer");
    assertThat((double) beans.getAttribute(new ObjectName("dev.sluice:type=Servers"), "Total"))
        .isPositive();
    assertThat(beans.getAttribute(bean("jmx-file"), "Source")).isEqualTo("config");
    assertThat(beans.getAttribute(bean("jmx-file"), "Mode")).isEqualTo("stdio");
  }

  @Test
  void aServersBeanStartsAndStopsItWithAReasonAndGoesWithIt() throws Exception {
    create(RestTest.sample("jmx-life").build());
    ObjectName name = bean("jmx-life");
    assertThat(beans.getAttribute(name, "State")).isEqualTo("cold");
    assertThat(beans.getAttribute(name, "Tools")).isEqualTo(0);

    assertThat(operation("jmx-life", "start", "by hand")).isEqualTo("ready");
    assertThat(beans.getAttribute(name, "State")).isEqualTo("ready");
    assertThat((int) beans.getAttribute(name, "Tools")).isPositive();
    assertThat(beans.getAttribute(name, "Restarts")).isEqualTo(0L);
    assertThat(beans.getAttribute(name, "CallsInFlight")).isEqualTo(0);
    assertThat(beans.getAttribute(name, "QueuedMessages")).isEqualTo(0);
    await().until(() -> (double) beans.getAttribute(name, "UptimeSeconds") > 0);
    send("POST", "mcp_servers/jmx-life/tools/echo/call", RestTest.HELLO);
    assertThat(beans.getAttribute(name, "Calls")).isEqualTo(1L);

    assertThat(operation("jmx-life", "stop", "maintenance")).isEqualTo(true);
    assertThat(beans.getAttribute(name, "Reason")).isEqualTo("maintenance");
    assertThat(beans.getAttribute(name, "UptimeSeconds")).isEqualTo(0.0);
    assertThat(operation("jmx-life", "stop", "")).isEqualTo(false);
    operation("jmx-life", "start", "");
    assertThat(beans.getAttribute(name, "Restarts")).isEqualTo(1L);
    assertThat(
            send("GET", "events/history?limit=1000&mcp_server_ids=jmx-life", "")
                .getJsonArray("events")
                .toString())
        .contains("\"reason\":\"by hand\"", "\"reason\":\"start requested over JMX\"");

    send("DELETE", "mcp_servers/jmx-life", "");
    await().until(() -> !beans.isRegistered(name));
  }

  @Test
  void whatIsRefusedIsSaidInWordsAndInAClassThatEveryConsoleHas() throws Exception {
    create(
        Json.createObjectBuilder()
            .add("mcp_server_id", "jmx-bad")
            .add("command", "sh")
            .add("args", Json.createArrayBuilder().add("-c").add("exit 3"))
            .build());
    assertThatThrownBy(() -> operation("jmx-bad", "start", ""))
        .rootCause()
        .isInstanceOf(IllegalStateException.class)
        .hasMessageContaining("could not be started");
    send("POST", "mcp_servers/jmx-bad/block", "{\"reason\":\"broken\"}");
    assertThat(beans.getAttribute(bean("jmx-bad"), "Blocked")).isEqualTo(true);
    assertThatThrownBy(() -> operation("jmx-bad", "start", ""))
        .rootCause()
        .isInstanceOf(IllegalStateException.class)
        .hasMessageContaining("is blocked: broken");
  }

  /** The registration of the file's server is among the first things that happen at a start. */
  @Test
  void theUptimeBeginsWithTheApplicationAndNotWithTheFirstLook() throws Exception {
    Instant first =
        Instant.parse(
            send("GET", "events/history?limit=1&since=earliest", "")
                .getJsonArray("events")
                .getJsonObject(0)
                .getString("timestamp"));
    Instant before = Instant.now();
    double uptime =
        send("GET", "system", "")
            .getJsonObject("system")
            .getJsonNumber("uptime_seconds")
            .doubleValue();
    assertThat(uptime).isGreaterThan(Duration.between(first, before).toMillis() / 1000.0);
  }

  @Test
  void noNameSurvivesTheUndeployment() throws Exception {
    Path file = WORK.resolve("mcp.json");
    try (HubProcess empty =
            HubProcess.startAndUndeploy(
                WORK.resolve("undeployed"), Map.of("sluice.servers.file", file.toString()));
        JMXConnector console = connect(empty)) {
      assertThat(names(console.getMBeanServerConnection())).isEmpty();
      assertThat(empty.log()).doesNotContain("SLUICE-0411", "SLUICE-0412");
    }
  }
}
