package dev.sluice.bench;

import dev.sluice.bench.McpClient.Transport;
import java.io.IOException;
import java.lang.System.Logger.Level;
import java.net.InetSocketAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.TimeUnit;

/**
 * The gateways that are measured beside the hub, in front of the same stdio server: published npm
 * packages, pinned in {@code bench/peers} and installed under the work directory.
 */
final class Peers {

  /**
   * One of them in one of its modes.
   *
   * @param name of package, release and mode
   * @param path of its transport
   * @param sessions that it is measured with
   * @param childEach whether it starts a process for each session or request
   */
  record Mode(
      String name,
      Transport transport,
      String path,
      List<Integer> sessions,
      boolean childEach,
      List<String> arguments) {}

  private final Path directory;

  private Peers(Path directory) {
    this.directory = directory;
  }

  /** Installs them unless the last run has; empty when there is no Node to run them. */
  static Optional<Peers> install(Path source, Path work) throws IOException, InterruptedException {
    Path directory = work.resolve("peers").toAbsolutePath();
    Path wanted = source.resolve("package.json");
    Path installed = directory.resolve("package.json");
    Path done = directory.resolve("node_modules/.package-lock.json");
    Files.createDirectories(directory);
    boolean same = Files.exists(installed) && Files.mismatch(wanted, installed) < 0;
    Files.copy(wanted, installed, StandardCopyOption.REPLACE_EXISTING);
    Files.copy(
        source.resolve("loopback.cjs"),
        directory.resolve("loopback.cjs"),
        StandardCopyOption.REPLACE_EXISTING);
    try {
      if (run(directory, "node", "--version") == 0
          && (same && Files.exists(done)
              || run(directory, "npm", "install", "--ignore-scripts", "--no-audit", "--no-fund")
                  == 0)) {
        return Optional.of(new Peers(directory));
      }
    } catch (IOException absent) {
      Bench.LOG.log(Level.WARNING, "Node is not there: {0}", absent.getMessage());
    }
    return Optional.empty();
  }

  private static int run(Path directory, String... command)
      throws IOException, InterruptedException {
    Process process =
        new ProcessBuilder(command)
            .directory(directory.toFile())
            .redirectErrorStream(true)
            .redirectOutput(directory.resolve("install.log").toFile())
            .start();
    if (!process.waitFor(3, TimeUnit.MINUTES)) {
      process.destroyForcibly();
      throw new IOException(String.join(" ", command) + " took more than three minutes");
    }
    return process.exitValue();
  }

  /** All of them. A process for each request is no match at 8 and 128 sessions, and left out. */
  static List<Mode> modes(List<Integer> sessions) {
    List<Integer> few = sessions.stream().filter(count -> count == 1 || count == 32).toList();
    return List.of(
        supergateway("stateful", Transport.STREAMABLE, "/mcp", sessions, true, "streamableHttp"),
        supergateway("stateless", Transport.STREAMABLE, "/mcp", few, true, "streamableHttp"),
        supergateway("SSE", Transport.SSE, "/sse", sessions, false, "sse"),
        supergateway("WebSocket", Transport.WEBSOCKET, "/message", sessions, false, "ws"),
        proxy("stream", Transport.STREAMABLE, "/mcp", sessions),
        proxy("sse", Transport.SSE, "/sse", sessions));
  }

  private static Mode supergateway(
      String mode,
      Transport transport,
      String path,
      List<Integer> sessions,
      boolean childEach,
      String output) {
    List<String> arguments =
        new ArrayList<>(List.of("supergateway", "--logLevel", "none", "--outputTransport", output));
    if (mode.equals("stateful")) {
      arguments.add("--stateful");
    }
    arguments.addAll(List.of("--stdio", String.join(" ", EchoProcess.command("stdio"))));
    return new Mode("supergateway " + mode, transport, path, sessions, childEach, arguments);
  }

  private static Mode proxy(String mode, Transport transport, String path, List<Integer> sessions) {
    List<String> arguments =
        new ArrayList<>(List.of("mcp-proxy", "--host", "127.0.0.1", "--server", mode, "--"));
    arguments.addAll(EchoProcess.command("stdio"));
    return new Mode("mcp-proxy " + mode, transport, path, sessions, false, arguments);
  }

  /** Starts one and waits until it listens. */
  Running start(Mode mode) throws IOException, InterruptedException {
    int port;
    try (ServerSocket free = new ServerSocket(0)) {
      port = free.getLocalPort();
    }
    List<String> command = new ArrayList<>(List.of("node", "--require", "./loopback.cjs"));
    command.add("node_modules/.bin/" + mode.arguments().get(0));
    command.addAll(List.of("--port", Integer.toString(port)));
    command.addAll(mode.arguments().subList(1, mode.arguments().size()));
    ProcessBuilder builder = new ProcessBuilder(command).directory(directory.toFile());
    builder.environment().put("NODE_ENV", "production");
    Path log = directory.resolve(mode.name().replace(' ', '-') + ".log");
    Process process = builder.redirectErrorStream(true).redirectOutput(log.toFile()).start();
    Running running =
        new Running(process, new McpClient.Target(mode.transport(), port, mode.path()));
    long deadline = System.nanoTime() + TimeUnit.SECONDS.toNanos(30);
    while (System.nanoTime() < deadline) {
      try (Socket socket = new Socket()) {
        socket.connect(new InetSocketAddress("127.0.0.1", port), 500);
        return running;
      } catch (IOException notYet) {
        if (process.waitFor(100, TimeUnit.MILLISECONDS)) {
          throw new IOException(mode.name() + " ended; see " + log, notYet);
        }
      }
    }
    running.close();
    throw new IOException(mode.name() + " does not listen; see " + log);
  }

  /** One that runs. */
  record Running(Process process, McpClient.Target target) implements AutoCloseable {
    @Override
    public void close() {
      List<ProcessHandle> tree = process.descendants().toList();
      process.destroy();
      try {
        if (!process.waitFor(10, TimeUnit.SECONDS)) {
          process.destroyForcibly();
        }
      } catch (InterruptedException stopped) {
        process.destroyForcibly();
        Thread.currentThread().interrupt();
      }
      tree.forEach(ProcessHandle::destroyForcibly);
    }
  }
}
