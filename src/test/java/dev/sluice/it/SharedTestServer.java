package dev.sluice.it;

import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * An MCP server over standard streams that tells what reaches it. Run as a single file; with the
 * argument {@code logs} it says that it sends log messages, with {@code refuses} it answers {@code
 * initialize} by an error, with {@code silent} not at all.
 */
final class SharedTestServer {

  private static final Pattern ID = Pattern.compile("\"id\":(\"[^\"]*\"|[-0-9.]+)");
  private static final Pattern TOKEN = Pattern.compile("\"progressToken\":(\"[^\"]*\"|[-0-9.]+)");
  private static final Pattern TOOL = Pattern.compile("\"name\":\"([a-z]+)\"");
  private static final Pattern TEXT = Pattern.compile("\"text\":\"([^\"]*)\"");
  private static final Pattern URI = Pattern.compile("\"uri\":\"([^\"]*)\"");
  private static final Set<String> SUBSCRIBED = new HashSet<>();
  private static final StringBuilder SEEN = new StringBuilder();
  private static String level = "";
  private static PrintStream out = System.out;
  private static String asker = "";
  private static int hanging;
  private static String offered = "";

  private SharedTestServer() {}

  public static void main(String[] args) throws IOException {
    List<String> how = List.of(args);
    boolean logs = how.contains("logs");
    out = new PrintStream(System.out, true, StandardCharsets.UTF_8);
    BufferedReader in =
        new BufferedReader(new InputStreamReader(System.in, StandardCharsets.UTF_8));
    for (String line = in.readLine(); line != null; line = in.readLine()) {
      String id = find(ID, line);
      if (id.equals("\"asked\"")) {
        text(asker, line.replaceAll(".*\"code\":(-?[0-9]+).*", "$1").replace('"', ' '));
      } else if (line.contains("\"method\":\"initialize\"")) {
        offered = line.contains("\"roots\"") ? "roots" : "nothing";
        saw("initialize");
        if (how.contains("silent")) {
          continue;
        }
        if (how.contains("refuses")) {
          out.println(
              "{\"jsonrpc\":\"2.0\",\"id\":"
                  + id
                  + ",\"error\":{\"code\":-32602,\"message\":\"not today\"}}");
          continue;
        }
        answer(
            id,
            "{\"protocolVersion\":\"2025-11-25\",\"capabilities\":{\"tools\":{}"
                + (logs ? ",\"logging\":{}" : "")
                + "},\"serverInfo\":{\"name\":\"shared\",\"version\":\"1.00\"}}");
      } else if (line.contains("\"method\":\"tools/call\"")) {
        call(id, line);
      } else if (line.contains("\"method\":\"tools/list\"")) {
        answer(id, "{\"tools\":[]}");
      } else if (line.contains("\"method\":\"resources/")) {
        boolean leaves = line.contains("unsubscribe");
        saw(leaves ? "unsubscribe" : "subscribe");
        String uri = find(URI, line);
        if (leaves) {
          SUBSCRIBED.remove(uri);
        } else {
          SUBSCRIBED.add(uri);
        }
        answer(id, "{}");
      } else if (line.contains("\"method\":\"logging/setLevel\"")) {
        level = line.replaceAll(".*\"level\":\"([a-z]+)\".*", "$1");
        saw(level);
        answer(id, "{}");
      } else if (line.contains("notifications/cancelled")) {
        saw("cancelled");
      } else if (!id.isEmpty()) {
        answer(id, "{}");
      }
    }
  }

  private static void call(String id, String line) throws IOException {
    String text = find(TEXT, line);
    switch (find(TOOL, line)) {
      case "echo" -> text(id, text);
      case "pid" -> text(id, Long.toString(ProcessHandle.current().pid()));
      case "seen" -> text(id, SEEN.toString());
      case "progress" -> {
        for (int i = 1; i <= 3; i++) {
          say(
              "notifications/progress",
              "{\"progressToken\":" + find(TOKEN, line) + ",\"progress\":" + i + ".0}");
        }
        text(id, text);
      }
      case "level" -> text(id, level);
      case "subscribed" -> text(id, Boolean.toString(SUBSCRIBED.contains(text)));
      case "touch" -> {
        say("notifications/resources/updated", "{\"uri\":\"" + text + "\"}");
        text(id, "touched");
      }
      case "change" -> {
        say("notifications/tools/list_changed", "{}");
        text(id, "changed");
      }
      case "log" -> {
        say("notifications/message", "{\"level\":\"info\",\"data\":\"" + text + "\"}");
        text(id, "logged");
      }
      case "offered" -> text(id, offered);
      case "asks" -> {
        asker = id;
        out.println("{\"jsonrpc\":\"2.0\",\"id\":\"asked\",\"method\":\"roots/list\"}");
      }
      case "ask" ->
          out.println(
              "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"sampling/createMessage\",\"params\":{}}");
      case "fork" -> text(id, Long.toString(new ProcessBuilder("sleep", "300").start().pid()));
      case "crash" -> Runtime.getRuntime().halt(3);
      case "hanging" -> text(id, Integer.toString(hanging));
      default -> hanging++;
    }
  }

  private static void saw(String what) {
    SEEN.append(SEEN.length() == 0 ? "" : ",").append(what);
  }

  private static String find(Pattern pattern, String line) {
    Matcher found = pattern.matcher(line);
    return found.find() ? found.group(1) : "";
  }

  private static void text(String id, String text) {
    answer(id, "{\"content\":[{\"type\":\"text\",\"text\":\"" + text + "\"}]}");
  }

  private static void answer(String id, String result) {
    out.println("{\"jsonrpc\":\"2.0\",\"id\":" + id + ",\"result\":" + result + "}");
  }

  private static void say(String method, String params) {
    out.println("{\"jsonrpc\":\"2.0\",\"method\":\"" + method + "\",\"params\":" + params + "}");
  }
}
