package dev.sluice.bench;

import java.io.File;
import java.io.IOException;
import java.net.ServerSocket;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.file.FileVisitResult;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.SimpleFileVisitor;
import java.nio.file.StandardCopyOption;
import java.nio.file.attribute.BasicFileAttributes;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.concurrent.TimeUnit;

/** A Payara Micro or a WildFly with the bench WAR, on loopback, from start to stop. */
final class ServerProcess implements AutoCloseable {

  private static final List<String> SETTINGS =
      List.of(
          "-Dsluice.events.lane.count=65536",
          "-Dsluice.events.lane.bytes=16777216",
          "-Dsluice.events.stall.seconds=60");

  private final Process process;
  private final int port;
  private final boolean script;
  private final HttpClient http = HttpClient.newHttpClient();

  private ServerProcess(Process process, int port, boolean script) {
    this.process = process;
    this.port = port;
    this.script = script;
  }

  /** Starts the server named payara or wildfly and waits until the WAR answers. */
  static ServerProcess start(
      String server, Path war, Path home, Path preboot, Path work, String jvm)
      throws IOException, InterruptedException {
    Files.createDirectories(work);
    int port = freePort();
    List<String> options = new ArrayList<>(List.of("-Xmx1g"));
    options.addAll(SETTINGS);
    if (!jvm.isBlank()) {
      options.addAll(List.of(jvm.trim().split("\\s+")));
    }
    ProcessBuilder builder =
        server.equals("payara")
            ? payara(war, home, preboot, port, options)
            : wildfly(war, home, work, port, options);
    builder.directory(work.toFile());
    builder.redirectErrorStream(true);
    builder.redirectOutput(work.resolve(server + ".log").toFile());
    ServerProcess started = new ServerProcess(builder.start(), port, server.equals("wildfly"));
    try {
      started.awaitReady();
    } catch (IOException | InterruptedException failure) {
      started.close();
      throw failure;
    }
    return started;
  }

  private static ProcessBuilder payara(
      Path war, Path jar, Path preboot, int port, List<String> options) {
    List<String> command = new ArrayList<>(List.of(java()));
    command.addAll(options);
    command.addAll(
        List.of(
            "-jar",
            jar.toString(),
            "--prebootcommandfile",
            preboot.toString(),
            "--port",
            Integer.toString(port),
            "--nocluster",
            "--contextroot",
            "/",
            "--deploy",
            war.toString()));
    return new ProcessBuilder(command);
  }

  private static ProcessBuilder wildfly(
      Path war, Path home, Path work, int port, List<String> options) throws IOException {
    Path base = work.resolve("standalone");
    copy(home.resolve("standalone"), base);
    Path deployed = base.resolve("deployments/sluice.war");
    Files.copy(war, deployed, StandardCopyOption.REPLACE_EXISTING);
    ProcessBuilder builder =
        new ProcessBuilder(
            home.resolve("bin/standalone.sh").toString(),
            "-b=127.0.0.1",
            "-Djboss.server.base.dir=" + base,
            "-Djboss.http.port=" + port,
            "-Djboss.https.port=0",
            "-Djboss.management.http.port=" + freePort());
    Map<String, String> environment = builder.environment();
    environment.put("JAVA", java());
    environment.put("LAUNCH_JBOSS_IN_BACKGROUND", "true");
    environment.put(
        "JAVA_OPTS",
        String.join(" ", options)
            + " -Djava.net.preferIPv4Stack=true -Djboss.modules.system.pkgs=org.jboss.byteman"
            + " -Djava.awt.headless=true");
    return builder;
  }

  private static String java() {
    return System.getProperty("java.home") + File.separator + "bin" + File.separator + "java";
  }

  private static int freePort() throws IOException {
    try (ServerSocket socket = new ServerSocket(0)) {
      return socket.getLocalPort();
    }
  }

  private static void copy(Path from, Path to) throws IOException {
    Files.walkFileTree(
        from,
        new SimpleFileVisitor<>() {
          @Override
          public FileVisitResult preVisitDirectory(Path dir, BasicFileAttributes attributes)
              throws IOException {
            Files.createDirectories(to.resolve(from.relativize(dir)));
            return FileVisitResult.CONTINUE;
          }

          @Override
          public FileVisitResult visitFile(Path file, BasicFileAttributes attributes)
              throws IOException {
            Path target = to.resolve(from.relativize(file));
            Files.copy(file, target, StandardCopyOption.REPLACE_EXISTING);
            return FileVisitResult.CONTINUE;
          }
        });
  }

  int port() {
    return port;
  }

  /** The server's own process; WildFly's is a child of its script. */
  long pid() {
    return script
        ? process.children().findFirst().map(ProcessHandle::pid).orElse(process.pid())
        : process.pid();
  }

  /** Calls the bench servlet; lines of name=value. */
  Map<String, String> call(String path) throws IOException, InterruptedException {
    HttpResponse<String> response = get(path);
    if (response.statusCode() != 200) {
      throw new IOException(path + " answered " + response.statusCode() + " " + response.body());
    }
    Map<String, String> values = new TreeMap<>();
    for (String line : response.body().split("\n")) {
      int equals = line.indexOf('=');
      if (equals > 0) {
        values.put(line.substring(0, equals), line.substring(equals + 1));
      }
    }
    return values;
  }

  private HttpResponse<String> get(String path) throws IOException, InterruptedException {
    HttpRequest request =
        HttpRequest.newBuilder(URI.create("http://127.0.0.1:" + port + path))
            .timeout(Duration.ofMinutes(3))
            .build();
    return http.send(request, HttpResponse.BodyHandlers.ofString());
  }

  private void awaitReady() throws IOException, InterruptedException {
    long deadline = System.nanoTime() + TimeUnit.SECONDS.toNanos(120);
    while (System.nanoTime() < deadline) {
      if (process.waitFor(250, TimeUnit.MILLISECONDS)) {
        throw new IOException("the server ended with " + process.exitValue());
      }
      try {
        if (get("/bench/length").statusCode() == 200) {
          return;
        }
      } catch (IOException notYet) {
        // Refused until the server listens; the deadline ends the wait.
        continue;
      }
    }
    throw new IOException("the server did not answer within 120 s; see its log in target/bench");
  }

  @Override
  public void close() {
    List<ProcessHandle> tree = new ArrayList<>(process.descendants().toList());
    process.destroy();
    try {
      if (!process.waitFor(20, TimeUnit.SECONDS)) {
        process.destroyForcibly();
      }
    } catch (InterruptedException stopped) {
      process.destroyForcibly();
      Thread.currentThread().interrupt();
    }
    tree.forEach(ProcessHandle::destroyForcibly);
  }
}
