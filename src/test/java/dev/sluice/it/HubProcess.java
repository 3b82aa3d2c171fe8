package dev.sluice.it;

import static org.awaitility.Awaitility.await;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse.BodyHandlers;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import org.jboss.shrinkwrap.api.exporter.ZipExporter;

/**
 * A hub in a process of its own, on the server that this run is about, for tests that kill or
 * restart it. The data stays in the directory given, so a second hub can be started on it.
 */
final class HubProcess implements AutoCloseable {

  private static final String SERVER = System.getProperty("sluice.test.server");
  private static final Path WAR = Path.of(System.getProperty("sluice.test.war"));

  private static final HttpClient CLIENT =
      HttpClient.newBuilder().connectTimeout(Duration.ofSeconds(2)).build();

  private final Process process;
  private final URI base;
  private final Path log;
  private final Path directory;

  private HubProcess(Process process, URI base, Path log, Path directory) {
    this.directory = directory;
    this.process = process;
    this.base = base;
    this.log = log;
  }

  /**
   * Starts a hub and waits until it is ready.
   *
   * @param directory where its log and server files go
   * @param settings {@code sluice.*} keys and values
   */
  static HubProcess start(Path directory, Map<String, String> settings) {
    return start(directory, settings, 0);
  }

  /** As above on a port that an earlier hub had, for clients that come back; 0 takes a free one. */
  static HubProcess start(Path directory, Map<String, String> settings, int wanted) {
    return launch(directory, settings, wanted, WAR, List.of()).whenReady();
  }

  /** A server that runs on without the hub, which was deployed, got ready and was undeployed. */
  static HubProcess startAndUndeploy(Path directory, Map<String, String> settings) {
    if (!SERVER.equals("payara")) {
      HubProcess hub = start(directory, settings);
      hub.undeploy();
      return hub;
    }
    try {
      Files.createDirectories(directory);
      Path undeploy = Files.writeString(directory.resolve("undeploy.asadmin"), "undeploy sluice\n");
      HubProcess hub =
          launch(
              directory, settings, 0, WAR, List.of("--postdeploycommandfile", undeploy.toString()));
      await("a hub that is undeployed, see " + hub.log)
          .atMost(Duration.ofSeconds(120))
          .failFast("the server ended", () -> !hub.process.isAlive())
          .until(() -> hub.log().contains("SLUICE-0001") && hub.log().contains("SLUICE-0003"));
      return hub;
    } catch (IOException failure) {
      throw new UncheckedIOException(failure);
    }
  }

  /** As above with the servlet by which {@link Publishing} publishes. */
  static HubProcess startPublishing(Path directory, Map<String, String> settings) {
    Path war = directory.resolve("publishing").resolve("sluice.war");
    try {
      Files.createDirectories(war.getParent());
    } catch (IOException failure) {
      throw new UncheckedIOException(failure);
    }
    HubTest.war().as(ZipExporter.class).exportTo(war.toFile(), true);
    return launch(directory, settings, 0, war, List.of()).whenReady();
  }

  /** Starts a hub that need not become ready. */
  static HubProcess launch(Path directory, Map<String, String> settings) {
    return launch(directory, settings, 0, WAR, List.of());
  }

  private static HubProcess launch(
      Path directory,
      Map<String, String> settings,
      int wanted,
      Path war,
      List<String> payaraArguments) {
    try {
      Files.createDirectories(directory);
      int port = wanted == 0 ? freePort() : wanted;
      List<String> command = new ArrayList<>();
      command.add(Path.of(System.getProperty("java.home"), "bin", "java").toString());
      command.add("-Xmx384m");
      settings.forEach((key, value) -> command.add("-D" + key + "=" + value));
      command.add("-Dsluice.http.port=" + port);
      if (SERVER.equals("payara")) {
        payara(command, port, war);
        command.addAll(payaraArguments);
      } else {
        wildfly(command, directory, port, war);
      }
      Path log = Files.createTempFile(directory, "server", ".log");
      Process process =
          new ProcessBuilder(command)
              .directory(directory.toFile())
              .redirectErrorStream(true)
              .redirectOutput(log.toFile())
              .start();
      return new HubProcess(process, URI.create("http://localhost:" + port + "/"), log, directory);
    } catch (IOException failure) {
      throw new UncheckedIOException(failure);
    }
  }

  private static void payara(List<String> command, int port, Path war) {
    command.addAll(
        List.of(
            "-jar",
            System.getProperty("sluice.test.payara.jar"),
            "--prebootcommandfile",
            System.getProperty("sluice.test.preboot"),
            "--port",
            Integer.toString(port),
            "--nocluster",
            "--contextroot",
            "/",
            "--deploy",
            war.toString()));
  }

  private static void wildfly(List<String> command, Path directory, int port, Path war)
      throws IOException {
    Path home = Path.of(System.getProperty("sluice.test.wildfly.home"));
    Path server = directory.resolve("wildfly");
    Path configuration = Files.createDirectories(server.resolve("configuration"));
    try (var files = Files.list(home.resolve("standalone/configuration"))) {
      for (Path file : files.filter(Files::isRegularFile).toList()) {
        Path copy = configuration.resolve(file.getFileName());
        if (!Files.exists(copy)) {
          Files.copy(file, copy);
          if (copy.endsWith("standalone.xml")) {
            // the suite's own server may have written its deployment into it
            Files.writeString(
                copy, Files.readString(copy).replaceAll("(?s)<deployments>.*?</deployments>", ""));
          }
        }
      }
    }
    Path deployments = Files.createDirectories(server.resolve("deployments"));
    if (!Files.exists(deployments.resolve("sluice.war"))) {
      Files.copy(war, deployments.resolve("sluice.war"));
    }
    Files.deleteIfExists(deployments.resolve("sluice.war.deployed"));
    Files.deleteIfExists(deployments.resolve("sluice.war.isdeploying"));
    Files.deleteIfExists(deployments.resolve("sluice.war.failed"));
    Files.writeString(deployments.resolve("sluice.war.dodeploy"), "");
    command.addAll(
        List.of(
            "--add-exports=java.desktop/sun.awt=ALL-UNNAMED",
            "--add-exports=java.naming/com.sun.jndi.ldap=ALL-UNNAMED",
            "--add-exports=java.naming/com.sun.jndi.url.ldap=ALL-UNNAMED",
            "--add-exports=java.naming/com.sun.jndi.url.ldaps=ALL-UNNAMED",
            "--add-exports=jdk.naming.dns/com.sun.jndi.dns=ALL-UNNAMED",
            "--add-opens=java.base/java.lang=ALL-UNNAMED",
            "--add-opens=java.base/java.lang.invoke=ALL-UNNAMED",
            "--add-opens=java.base/java.lang.reflect=ALL-UNNAMED",
            "--add-opens=java.base/java.io=ALL-UNNAMED",
            "--add-opens=java.base/java.net=ALL-UNNAMED",
            "--add-opens=java.base/java.security=ALL-UNNAMED",
            "--add-opens=java.base/java.util=ALL-UNNAMED",
            "--add-opens=java.base/java.util.concurrent=ALL-UNNAMED",
            "--add-opens=java.management/javax.management=ALL-UNNAMED",
            "--add-opens=java.naming/javax.naming=ALL-UNNAMED",
            "-Djboss.home.dir=" + home,
            "-Djboss.server.base.dir=" + server,
            "-Djboss.http.port=" + port,
            "-Djboss.https.port=" + freePort(),
            "-Djboss.management.http.port=" + freePort(),
            "-Djboss.management.https.port=" + freePort(),
            "-Djava.util.logging.manager=org.jboss.logmanager.LogManager",
            "-jar",
            home.resolve("jboss-modules.jar").toString(),
            "-mp",
            home.resolve("modules").toString(),
            "org.jboss.as.standalone",
            "-b=127.0.0.1"));
  }

  static int freePort() throws IOException {
    try (ServerSocket socket = new ServerSocket(0, 1, InetAddress.getLoopbackAddress())) {
      return socket.getLocalPort();
    }
  }

  private HubProcess whenReady() {
    boolean ready = false;
    try {
      awaitReady();
      ready = true;
    } finally {
      if (!ready) {
        kill(); // nobody else knows of it
      }
    }
    return this;
  }

  private void awaitReady() {
    await("a hub that is ready, see " + log)
        .atMost(Duration.ofSeconds(120))
        .pollInterval(Duration.ofMillis(200))
        .failFast("the server ended", () -> !process.isAlive())
        .until(this::isReady);
  }

  /** Whether the hub's readiness answers 200. */
  boolean isReady() {
    HttpRequest ready =
        HttpRequest.newBuilder(base.resolve("/health/ready"))
            .timeout(Duration.ofSeconds(5))
            .build();
    try {
      return CLIENT.send(ready, BodyHandlers.discarding()).statusCode() == 200;
    } catch (IOException notYet) {
      return false;
    } catch (InterruptedException interrupted) {
      Thread.currentThread().interrupt();
      return false;
    }
  }

  /** Whether the server itself runs. */
  boolean isAlive() {
    return process.isAlive();
  }

  /** The server's process. */
  ProcessHandle handle() {
    return process.toHandle();
  }

  /** Where it answers. */
  URI base() {
    return base;
  }

  /** Its process id. */
  long pid() {
    return process.pid();
  }

  /** What the server printed. */
  String log() {
    try {
      return Files.readString(log);
    } catch (IOException failure) {
      throw new UncheckedIOException(failure);
    }
  }

  /** SIGKILL, as the kernel's out-of-memory killer does. */
  void kill() {
    process.destroyForcibly();
    await().atMost(Duration.ofSeconds(20)).until(() -> !process.isAlive());
  }

  /** SIGTERM: the server undeploys and ends. */
  void stop() {
    process.destroy();
    try {
      if (!process.waitFor(60, TimeUnit.SECONDS)) {
        kill();
        throw new AssertionError("the server did not end within a minute, see " + log);
      }
    } catch (InterruptedException interrupted) {
      Thread.currentThread().interrupt();
      kill();
    }
  }

  /** Undeploys the hub. Payara Micro can only do that by stopping. */
  void undeploy() {
    if (SERVER.equals("payara")) {
      stop();
      return;
    }
    Path deployments = directory.resolve("wildfly/deployments");
    try {
      Files.delete(deployments.resolve("sluice.war.deployed"));
    } catch (IOException failure) {
      throw new UncheckedIOException(failure);
    }
    await()
        .atMost(Duration.ofSeconds(60))
        .until(() -> Files.exists(deployments.resolve("sluice.war.undeployed")));
  }

  @Override
  public void close() {
    if (process.isAlive()) {
      stop();
    }
  }
}
