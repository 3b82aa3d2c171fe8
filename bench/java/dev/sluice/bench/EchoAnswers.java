package dev.sluice.bench;

import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.concurrent.Executors;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.TimeUnit;

/**
 * What the echo server says to one message. Tools: {@code echo} gives {@code text} back, {@code
 * sleep} does so after 500 ms, {@code large} after it 1 MiB. Ids stay as they were spelled. One
 * pass over the bytes; nothing is decoded but what is looked for.
 */
final class EchoAnswers {

  /** Where answers go; any thread. */
  interface Line {
    void answer(byte[] message);
  }

  static final int SLEEP_MILLIS = 500;
  static final int LARGE_BYTES = 1 << 20;

  private static final byte[] LARGE = large();

  private final ScheduledExecutorService timer =
      Executors.newSingleThreadScheduledExecutor(
          run -> {
            Thread thread = new Thread(run, "sleep");
            thread.setDaemon(true);
            return thread;
          });

  private static byte[] large() {
    byte[] text = new byte[LARGE_BYTES];
    Arrays.fill(text, (byte) 'x');
    return text;
  }

  /** Answers what is a request; all else is read and forgotten. */
  void take(byte[] buffer, int from, int to, Line line) {
    Found found = new Found(buffer, from, to);
    if (found.method.isEmpty() || found.idEnd == 0) {
      return;
    }
    switch (found.method) {
      case "tools/call" -> {
        byte[] echo = result(found, found.name.equals("large") ? LARGE : new byte[0]);
        if (found.name.equals("sleep")) {
          timer.schedule(() -> line.answer(echo), SLEEP_MILLIS, TimeUnit.MILLISECONDS);
        } else {
          line.answer(echo);
        }
      }
      case "initialize" ->
          line.answer(
              message(
                  found,
                  "\"result\":{\"protocolVersion\":\""
                      + found.version
                      + "\",\"capabilities\":{\"tools\":{}},"
                      + "\"serverInfo\":{\"name\":\"echo\",\"version\":\"1\"}}"));
      case "tools/list" -> line.answer(message(found, "\"result\":{\"tools\":[" + tools() + "]}"));
      case "ping" -> line.answer(message(found, "\"result\":{}"));
      default ->
          line.answer(
              message(found, "\"error\":{\"code\":-32601,\"message\":\"Method not found\"}"));
    }
  }

  private static String tools() {
    StringBuilder tools = new StringBuilder();
    for (String name : new String[] {"echo", "sleep", "large"}) {
      tools
          .append(tools.length() == 0 ? "" : ",")
          .append("{\"name\":\"")
          .append(name)
          .append("\",\"inputSchema\":{\"type\":\"object\",\"properties\":")
          .append("{\"text\":{\"type\":\"string\"}}}}");
    }
    return tools.toString();
  }

  private static byte[] message(Found found, String rest) {
    String id =
        new String(
            found.buffer, found.idStart, found.idEnd - found.idStart, StandardCharsets.UTF_8);
    return ("{\"jsonrpc\":\"2.0\",\"id\":" + id + "," + rest + "}")
        .getBytes(StandardCharsets.UTF_8);
  }

  private static final byte[] HEAD = ascii("{\"jsonrpc\":\"2.0\",\"id\":");
  private static final byte[] MIDDLE =
      ascii(",\"result\":{\"content\":[{\"type\":\"text\",\"text\":\"");
  private static final byte[] TAIL = ascii("\"}]}}");

  private static byte[] result(Found found, byte[] more) {
    int id = found.idEnd - found.idStart;
    int text = found.textEnd - found.textStart;
    byte[] all = new byte[HEAD.length + id + MIDDLE.length + text + more.length + TAIL.length];
    int at = put(all, 0, HEAD, 0, HEAD.length);
    at = put(all, at, found.buffer, found.idStart, id);
    at = put(all, at, MIDDLE, 0, MIDDLE.length);
    at = put(all, at, found.buffer, found.textStart, text);
    at = put(all, at, more, 0, more.length);
    put(all, at, TAIL, 0, TAIL.length);
    return all;
  }

  private static int put(byte[] to, int at, byte[] from, int start, int length) {
    System.arraycopy(from, start, to, at, length);
    return at + length;
  }

  private static byte[] ascii(String text) {
    return text.getBytes(StandardCharsets.US_ASCII);
  }

  /** The members that matter: {@code id} and {@code method} of the message, what a call names. */
  private static final class Found {
    final byte[] buffer;
    int idStart;
    int idEnd;
    int textStart;
    int textEnd;
    String method = "";
    String name = "";
    String version = "";

    Found(byte[] buffer, int from, int to) {
      this.buffer = buffer;
      int depth = 0;
      int at = from;
      while (at < to) {
        byte one = buffer[at];
        if (one == '{' || one == '[') {
          depth++;
        } else if (one == '}' || one == ']') {
          depth--;
        } else if (one == '"') {
          int end = string(at, to);
          if (end < to && buffer[end] == ':') {
            at = member(depth, at + 1, end - 1, end + 1, to);
            continue;
          }
          at = end;
          continue;
        }
        at++;
      }
    }

    /** Behind the closing quote of the string that begins here. */
    private int string(int at, int to) {
      int end = at + 1;
      while (end < to && buffer[end] != '"') {
        end += buffer[end] == '\\' ? 2 : 1;
      }
      return end + 1;
    }

    /** Notes a member's value if it matters; behind it if it was a scalar, else where it begins. */
    private int member(int depth, int key, int keyEnd, int value, int to) {
      byte one = buffer[value];
      if (one == '{' || one == '[') {
        return value;
      }
      int end = value;
      if (one == '"') {
        end = string(value, to);
      } else {
        while (end < to && buffer[end] != ',' && buffer[end] != '}') {
          end++;
        }
      }
      if (depth == 1 && is(key, keyEnd, "id")) {
        idStart = value;
        idEnd = end;
      } else if (depth == 1 && is(key, keyEnd, "method")) {
        method = text(value, end);
      } else if (depth == 2 && is(key, keyEnd, "name")) {
        name = text(value, end);
      } else if (depth == 2 && is(key, keyEnd, "protocolVersion")) {
        version = text(value, end);
      } else if (depth == 3 && is(key, keyEnd, "text")) {
        textStart = value + 1;
        textEnd = end - 1;
      }
      return end;
    }

    private String text(int value, int end) {
      return new String(buffer, value + 1, end - value - 2, StandardCharsets.UTF_8);
    }

    private boolean is(int key, int keyEnd, String name) {
      if (keyEnd - key != name.length()) {
        return false;
      }
      for (int i = 0; i < name.length(); i++) {
        if (buffer[key + i] != name.charAt(i)) {
          return false;
        }
      }
      return true;
    }
  }
}
