package dev.sluice.servers.upstream;

import dev.sluice.jsonrpc.Envelope;
import dev.sluice.jsonrpc.MalformedMessageException;
import dev.sluice.servers.ServerDefinition.Transport.Stdio;
import dev.sluice.servers.ServerId;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.concurrent.CompletableFuture;
import org.jspecify.annotations.Nullable;

/** MCP over the standard streams of a child process: one message a line. */
final class StdioConnection implements Connection {

  private static final int NOISE_LIMIT = LogRing.MAX_LINE_BYTES;

  private final ServerId server;
  private final Stdio how;
  private final Supervisor supervisor;
  private volatile @Nullable ChildProcess child;

  StdioConnection(ServerId server, Stdio how, Supervisor supervisor) {
    this.server = server;
    this.how = how;
    this.supervisor = supervisor;
  }

  @Override
  public void open(Inbound inbound) {
    child =
        supervisor.start(
            server,
            how,
            new ChildProcess.Output() {
              @Override
              public void stdout(byte[] line) {
                message(inbound, line);
              }

              @Override
              public void skipped(String head, long length) {
                inbound.noise("stdout", "skipped a line of " + length + " bytes: " + head + " …");
              }

              @Override
              public void stderr(String line) {
                inbound.stderr(line);
              }

              @Override
              public void exited(Exit exit) {
                inbound.ended(exit.text(), Optional.of(exit.code()));
              }
            });
  }

  private static void message(Inbound inbound, byte[] line) {
    if (blank(line)) {
      return;
    }
    Envelope message;
    try {
      message = Envelope.read(line);
    } catch (MalformedMessageException noMessage) {
      String text = new String(line, 0, Math.min(line.length, NOISE_LIMIT), StandardCharsets.UTF_8);
      inbound.noise(
          "stdout",
          line[0] == '{' || line[0] == '['
              ? "not a message: " + noMessage.getMessage() + ": " + text
              : text);
      return;
    }
    if (message.kind() == Envelope.Kind.BATCH) {
      message.members().forEach(inbound::received);
    } else {
      inbound.received(message);
    }
  }

  private static boolean blank(byte[] line) {
    for (byte c : line) {
      if (c != ' ' && c != '\t' && c != '\r') {
        return false;
      }
    }
    return true;
  }

  @Override
  public CompletableFuture<Void> send(Envelope message) {
    ChildProcess running = child;
    if (running == null) {
      return CompletableFuture.failedFuture(
          UpstreamException.of(UpstreamException.Kind.DISCONNECTED, "the server is not started"));
    }
    byte[] json = message.singleLine();
    byte[] line = Arrays.copyOf(json, json.length + 1);
    line[json.length] = '\n';
    return running.write(line);
  }

  @Override
  public OptionalLong pid() {
    ChildProcess running = child;
    return running == null ? OptionalLong.empty() : OptionalLong.of(running.pid());
  }

  @Override
  public Optional<ChildProcess> child() {
    return Optional.ofNullable(child);
  }

  @Override
  public void close() {
    ChildProcess running = child;
    if (running != null) {
      running.stop();
    }
  }
}
