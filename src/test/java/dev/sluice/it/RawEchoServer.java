package dev.sluice.it;

import static java.nio.charset.StandardCharsets.UTF_8;

import dev.sluice.jsonrpc.Envelope;
import dev.sluice.jsonrpc.Envelope.Part;
import dev.sluice.jsonrpc.MalformedMessageException;
import jakarta.json.Json;
import jakarta.json.JsonArrayBuilder;
import java.io.BufferedOutputStream;
import java.io.BufferedReader;
import java.io.FileDescriptor;
import java.io.FileOutputStream;
import java.io.IOException;
import java.io.InputStreamReader;
import java.io.OutputStream;
import java.nio.file.Path;
import java.util.Map;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicLong;

/**
 * One session of an MCP server of either era that gives back whole messages as they came, in a
 * member {@code got}; only line ends between tokens are left out. Run as a child process it speaks
 * over its standard streams; {@link RawEchoSockets} offers it over everything else.
 *
 * <p>A request or tool {@code ask} makes it send the oldest notification that came, then ask the
 * client, then answer with what the client answered. {@code hang} is never answered, {@code count}
 * tells how many requests were echoed.
 */
final class RawEchoServer {

  /** Where messages to the client go. */
  interface Out {
    void send(String message) throws IOException;
  }

  private record Asked(String id, Out out) {}

  private final BlockingQueue<String> notes = new LinkedBlockingQueue<>();
  private final Map<String, Asked> asked = new ConcurrentHashMap<>();
  private final AtomicInteger asks = new AtomicInteger();
  private final AtomicLong calls = new AtomicLong();

  /** The arguments of a Java that runs it as a child. */
  static JsonArrayBuilder args() {
    return Json.createArrayBuilder()
        .add("-XX:TieredStopAtLevel=1")
        .add("-XX:+UseSerialGC")
        .add("-Xmx128m")
        .add("-cp")
        .add(
            Path.of("target/classes").toAbsolutePath()
                + java.io.File.pathSeparator
                + Path.of("target/test-classes").toAbsolutePath())
        .add(RawEchoServer.class.getName());
  }

  public static void main(String[] args) throws Exception {
    RawEchoServer server = new RawEchoServer();
    OutputStream stdout = new BufferedOutputStream(new FileOutputStream(FileDescriptor.out), 65536);
    BufferedReader in = new BufferedReader(new InputStreamReader(System.in, UTF_8));
    for (String line = in.readLine(); line != null; line = in.readLine()) {
      server.received(line, message -> stdout.write((message + "\n").getBytes(UTF_8)));
      if (!in.ready()) {
        stdout.flush();
      }
    }
  }

  /** The text without line ends, as a transport of lines carries it. */
  static String singleLine(String json) {
    return json.replace("\n", "").replace("\r", "");
  }

  void received(String text, Out out)
      throws IOException, MalformedMessageException, InterruptedException {
    Envelope message = Envelope.read(text.getBytes(UTF_8));
    String got = singleLine(text);
    switch (message.kind()) {
      case REQUEST -> request(message, got, out);
      case NOTIFICATION -> {
        if (message.method().equals("notifications/x")) {
          notes.add(got);
        }
      }
      case RESPONSE -> answered(message, "\"result\":{\"got\":" + got + "}");
      case ERROR ->
          answered(message, "\"error\":{\"code\":-7,\"message\":\"m\",\"data\":" + got + "}");
      case BATCH -> throw new IOException("nobody sends batches here");
    }
  }

  private void answered(Envelope answer, String what) throws IOException {
    Asked waiting = asked.remove(answer.idText());
    if (waiting == null) {
      throw new IOException("an answer that was not asked for: " + answer.idText());
    }
    waiting.out.send("{\"jsonrpc\":\"2.0\",\"id\":" + waiting.id + "," + what + "}");
  }

  private void request(Envelope request, String got, Out out)
      throws IOException, InterruptedException {
    String what =
        request.method().equals("tools/call")
            ? String.valueOf(request.string(Part.NAME))
            : request.method();
    switch (what) {
      case "initialize" ->
          answer(
              request,
              "\"protocolVersion\":"
                  + request.json(Part.PROTOCOL_VERSION)
                  + ",\"capabilities\":{\"tools\":{}},"
                  + "\"serverInfo\":{\"name\":\"raw\",\"version\":\"1\"}",
              out);
      case "server/discover" ->
          answer(
              request,
              "\"supportedVersions\":[\"2026-07-28\"],\"capabilities\":{\"tools\":{}},"
                  + "\"ttlMs\":1000,\"cacheScope\":\"public\"",
              out);
      case "hang" -> {
        // for ever
      }
      case "crash" -> Runtime.getRuntime().halt(3);
      case "ask" -> ask(request, got, out);
      case "count" -> answer(request, "\"count\":" + calls, out);
      default -> {
        calls.incrementAndGet();
        answer(request, "\"tools\":[],\"content\":[],\"got\":" + got, out);
      }
    }
  }

  private static void answer(Envelope request, String members, Out out) throws IOException {
    out.send(
        "{\"jsonrpc\":\"2.0\",\"id\":"
            + request.idText()
            + ",\"result\":{\"resultType\":\"complete\","
            + members
            + "}}");
  }

  private void ask(Envelope request, String got, Out out) throws IOException, InterruptedException {
    // Over HTTP the notification may be on its way on another connection.
    String note = notes.poll(20, TimeUnit.SECONDS);
    out.send(
        "{\"jsonrpc\":\"2.0\",\"method\":\"notifications/y\",\"params\":{\"got\":" + note + "}}");
    String id = "\"ask-" + asks.incrementAndGet() + "\"";
    asked.put(id, new Asked(request.idText(), out));
    out.send(
        "{\"jsonrpc\":\"2.0\",\"id\":"
            + id
            + ",\"method\":\"sampling/createMessage\",\"params\":{\"got\":"
            + got
            + "}}");
  }
}
