package dev.sluice.it;

import static org.assertj.core.api.Assertions.assertThat;

import jakarta.json.Json;
import jakarta.json.JsonObject;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;

/**
 * The reference server of {@code src/test/node/reference} over HTTP, and a hub in front of it and
 * of its form over stdio. Needs npm; what it installs, a Node 22 among it, goes below {@code
 * target/conformance}.
 */
final class NodeReference {

  /** The sources, with {@code package.json}. */
  static final Path SOURCE = Path.of("src/test/node/reference");

  /** Where results go. */
  static final Path TARGET =
      Path.of(System.getProperty("sluice.test.build"), "conformance").toAbsolutePath();

  private static final Path REFERENCE = TARGET.resolve("reference");

  /** The Node that was installed. */
  static final Path NODE = REFERENCE.resolve("node_modules/node/bin/node");

  /** The servers of the hub by what stands between it and the reference server. */
  static final List<String> UPSTREAMS = List.of("http", "stdio");

  private final Process server;
  private final Path complaints;
  private final int port;
  private final HubProcess hub;

  /** Starts both; the hub's files go to that directory. */
  NodeReference(Path directory) throws Exception {
    install();
    delete(directory); // a hub that is started again keeps the WAR it had
    Files.createDirectories(directory);
    complaints = directory.resolve("reference.log");
    server =
        new ProcessBuilder(NODE.toString(), "http.js", "0")
            .directory(REFERENCE.toFile())
            .redirectError(complaints.toFile())
            .start();
    boolean started = false;
    try {
      BufferedReader said =
          new BufferedReader(
              new InputStreamReader(server.getInputStream(), StandardCharsets.UTF_8));
      String listening = said.readLine();
      assertThat(listening).startsWith("listening on ");
      port = Integer.parseInt(listening.substring("listening on ".length()));
      Path file = Files.writeString(directory.resolve("mcp.json"), servers().toString());
      hub = HubProcess.start(directory, Map.of("sluice.servers.file", file.toString()));
      started = true;
    } finally {
      if (!started) {
        server.destroyForcibly();
      }
    }
  }

  private JsonObject servers() {
    return Json.createObjectBuilder()
        .add(
            "mcpServers",
            Json.createObjectBuilder()
                .add("http", Json.createObjectBuilder().add("type", "http").add("url", url()))
                .add(
                    "stdio",
                    Json.createObjectBuilder()
                        .add("command", NODE.toString())
                        .add(
                            "args",
                            Json.createArrayBuilder()
                                .add(REFERENCE.resolve("stdio.js").toString()))))
        .build();
  }

  /** The reference server itself. */
  String url() {
    return "http://127.0.0.1:" + port + "/mcp";
  }

  /** The hub in front of it. */
  HubProcess hub() {
    return hub;
  }

  /** What it said on standard error, where it tells what went wrong. */
  String complaints() throws IOException {
    return Files.readString(complaints);
  }

  /** Installs what package.json pins, unless the last run has done so. */
  private static void install() throws Exception {
    Files.createDirectories(REFERENCE);
    String wanted = Files.readString(SOURCE.resolve("package.json"));
    Path installed = REFERENCE.resolve("installed.json");
    boolean done = Files.exists(installed) && Files.readString(installed).equals(wanted);
    try (Stream<Path> sources = Files.list(SOURCE)) {
      for (Path source : sources.toList()) {
        Files.writeString(REFERENCE.resolve(source.getFileName()), Files.readString(source));
      }
    }
    if (done) {
      return;
    }
    Path log = TARGET.resolve("npm.log");
    int exit =
        run(log, List.of("npm", "install", "--no-package-lock", "--no-audit", "--no-fund"), 300);
    assertThat(exit).as("npm install, see " + log).isZero();
    Files.writeString(installed, wanted);
  }

  /** Runs it beside the reference server until it ends; what it says goes to the log. */
  static int run(Path log, List<String> command, int seconds) throws Exception {
    Process process =
        new ProcessBuilder(command)
            .directory(REFERENCE.toFile())
            .redirectErrorStream(true)
            .redirectOutput(log.toFile())
            .start();
    try {
      process.getOutputStream().close();
      if (!process.waitFor(seconds, TimeUnit.SECONDS)) {
        throw new AssertionError(command + " did not end within " + seconds + " s, see " + log);
      }
      return process.exitValue();
    } finally {
      process.descendants().forEach(ProcessHandle::destroyForcibly);
      process.destroyForcibly();
    }
  }

  /** Deletes it with all that is in it. */
  static void delete(Path directory) throws IOException {
    if (Files.exists(directory)) {
      try (Stream<Path> old = Files.walk(directory)) {
        for (Path path : old.sorted((one, other) -> other.compareTo(one)).toList()) {
          Files.delete(path);
        }
      }
    }
  }

  /** Ends both. */
  void stop() throws Exception {
    try {
      hub.close();
    } finally {
      server.getOutputStream().close(); // it ends with its input
      if (!server.waitFor(10, TimeUnit.SECONDS)) {
        server.destroyForcibly();
      }
    }
  }
}
