package dev.sluice.bench;

import java.io.BufferedReader;
import java.io.File;
import java.io.IOException;
import java.io.InputStream;
import java.io.InputStreamReader;
import java.io.OutputStream;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.concurrent.TimeUnit;

/** An echo server that the load program runs and speaks to itself. */
final class EchoProcess implements AutoCloseable {

  private final Process process;

  private EchoProcess(Process process) {
    this.process = process;
  }

  /** How an echo server is started, {@code stdio} or {@code http}. */
  static List<String> command(String mode) {
    List<String> command = new ArrayList<>();
    command.add(System.getProperty("java.home") + File.separator + "bin" + File.separator + "java");
    // Small and quickly up: some of the peers start one for each session.
    command.addAll(List.of("-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1", "-Xmx128m", "-cp"));
    command.add(System.getProperty("java.class.path"));
    command.addAll(List.of(EchoServer.class.getName(), mode));
    return command;
  }

  static EchoProcess start(String mode) throws IOException {
    return new EchoProcess(
        new ProcessBuilder(command(mode)).redirectError(ProcessBuilder.Redirect.INHERIT).start());
  }

  /** The port of one that speaks HTTP. */
  int port() throws IOException {
    String said =
        new BufferedReader(
                new InputStreamReader(process.getInputStream(), StandardCharsets.US_ASCII))
            .readLine();
    if (said == null || !said.startsWith("listening on ")) {
      throw new IOException("the echo server said " + said);
    }
    return Integer.parseInt(said.substring("listening on ".length()));
  }

  /** Calls of one that speaks on its standard streams, so many in flight at once. */
  CallTally run(String tool, int atOnce, double seconds) throws IOException {
    long begin = System.nanoTime();
    CallTally tally = new CallTally(tool, begin, begin + (long) (seconds * 1e9));
    OutputStream to = process.getOutputStream();
    InputStream from = process.getInputStream();
    long[] sent = new long[atOnce];
    StringBuilder out = new StringBuilder();
    int next = 0;
    for (; next < atOnce; next++) {
      sent[next] = System.nanoTime();
      out.append(request(tool, next));
    }
    int waiting = atOnce;
    byte[] in = new byte[4 * EchoAnswers.LARGE_BYTES];
    int have = 0;
    while (true) {
      to.write(out.toString().getBytes(StandardCharsets.US_ASCII));
      to.flush();
      out.setLength(0);
      if (waiting == 0) {
        return tally;
      }
      int read = from.read(in, have, in.length - have);
      if (read < 0) {
        throw new IOException("the echo server ended");
      }
      long now = System.nanoTime();
      have += read;
      int start = 0;
      for (int i = have - read; i < have; i++) {
        if (in[i] != '\n') {
          continue;
        }
        int id = id(in, start);
        waiting--;
        byte[] text = ("\"text\":\"call " + id + ".").getBytes(StandardCharsets.US_ASCII);
        int at = i;
        for (int look = start; look < Math.min(i, start + 128); look++) {
          if (in[look] == '"'
              && in[look + 1] == 't'
              && in[look + 5] == '"'
              && in[look + 6] == ':') {
            at = look;
          }
        }
        if (Arrays.equals(in, at, Math.min(i, at + text.length), text, 0, text.length)) {
          tally.answered(now, now - sent[id % atOnce]);
        } else {
          tally.wrong(new String(in, start, i - start, StandardCharsets.US_ASCII));
        }
        if (now < tally.stopAt) {
          // The slot of the one that was answered: there is never another of it in flight.
          int same = id + atOnce;
          sent[same % atOnce] = now;
          out.append(request(tool, same));
          waiting++;
        }
        start = i + 1;
      }
      System.arraycopy(in, start, in, 0, have - start);
      have -= start;
    }
  }

  private static String request(String tool, int id) {
    return "{\"jsonrpc\":\"2.0\",\"id\":"
        + id
        + ",\"method\":\"tools/call\",\"params\":{\"name\":\""
        + tool
        + "\",\"arguments\":{\"text\":\"call "
        + id
        + ".\"}}}\n";
  }

  private static int id(byte[] in, int start) {
    int id = 0;
    for (int at = start + "{\"jsonrpc\":\"2.0\",\"id\":".length();
        in[at] >= '0' && in[at] <= '9';
        at++) {
      id = id * 10 + in[at] - '0';
    }
    return id;
  }

  @Override
  public void close() throws IOException {
    process.getOutputStream().close(); // it ends with its input
    try {
      if (!process.waitFor(5, TimeUnit.SECONDS)) {
        process.destroyForcibly();
      }
    } catch (InterruptedException stopped) {
      process.destroyForcibly();
      Thread.currentThread().interrupt();
    }
  }
}
