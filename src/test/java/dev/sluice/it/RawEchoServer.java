package dev.sluice.it;

import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;

/**
 * An MCP server over standard streams that gives the params of every request back as they were
 * written, untouched by any parser. Run as a single file. Expects members in the order jsonrpc, id,
 * method, params.
 */
final class RawEchoServer {

  private RawEchoServer() {}

  public static void main(String[] args) throws IOException {
    BufferedReader in =
        new BufferedReader(new InputStreamReader(System.in, StandardCharsets.UTF_8));
    PrintStream out = new PrintStream(System.out, true, StandardCharsets.UTF_8);
    for (String line = in.readLine(); line != null; line = in.readLine()) {
      int id = line.indexOf("\"id\":");
      int method = line.indexOf(",\"method\":");
      int params = line.indexOf(",\"params\":");
      if (id < 0 || method < 0) {
        continue;
      }
      String idText = line.substring(id + 5, method);
      if (line.startsWith(",\"method\":\"initialize\"", method)) {
        out.println(
            "{\"jsonrpc\":\"2.0\",\"id\":"
                + idText
                + ",\"result\":{\"protocolVersion\":\"2025-11-25\",\"capabilities\":{\"tools\":{}},"
                + "\"serverInfo\":{\"name\":\"raw\",\"version\":\"1\"}}}");
      } else {
        String given = params < 0 ? "null" : line.substring(params + 10, line.length() - 1);
        out.println(
            "{\"jsonrpc\":\"2.0\",\"id\":"
                + idText
                + ",\"result\":{\"tools\":[],\"echo\":"
                + given
                + "}}");
      }
    }
  }
}
