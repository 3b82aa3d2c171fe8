package dev.sluice.servers.upstream;

import dev.sluice.servers.ServerDefinition.Transport;
import java.util.List;
import java.util.Locale;

/** What to do about a server that did not start, as far as its last words tell. */
final class StartHint {

  private StartHint() {}

  /**
   * A suggestion for any transport, or an empty text.
   *
   * @param exitCode of the child; -1 if there is none, or it still runs
   * @param stderr its last lines
   * @param late whether it just did not answer in time
   */
  static String of(Transport transport, int exitCode, List<String> stderr, boolean late) {
    if (transport instanceof Transport.Stdio stdio) {
      String hint = of(stdio.command(), exitCode, stderr);
      return hint.isEmpty() && late
          ? "it runs, but does not answer MCP on its standard output: check \"args\", or raise"
              + " \"startTimeoutSeconds\" if it needs longer"
          : hint;
    }
    return late
        ? "check that \"url\" is an MCP endpoint of this \"type\", or raise"
            + " \"startTimeoutSeconds\""
        : "";
  }

  /**
   * A suggestion, or an empty text.
   *
   * @param command as the definition names it
   * @param exitCode of the child; -1 if it did not run or still runs
   * @param stderr its last lines
   */
  static String of(String command, int exitCode, List<String> stderr) {
    String text = String.join("\n", stderr).toLowerCase(Locale.ROOT);
    if (has(text, "eaddrinuse", "address already in use", "port is already allocated")) {
      return "a port it needs is in use: end the program that holds it, or give the server another";
    }
    if (has(text, "npm error code e404", "npm err! code e404", "e404 not found")) {
      return "the npm package does not exist: check its name and version in \"args\"";
    }
    if (has(
        text, "getaddrinfo", "eai_again", "could not resolve host", "temporary failure in name")) {
      return "a host name could not be resolved: check the network and proxy settings of the hub";
    }
    if (has(
        text,
        "no matching distribution",
        "no solution found",
        "was not found in the package registry",
        "because there are no versions of")) {
      return "the Python package does not exist: check its name and version in \"args\"";
    }
    if (has(text, "unable to access jarfile", "could not find or load main class")) {
      return "the Java program is not there: check the path in \"args\"; it starts at \"cwd\"";
    }
    if (has(
        text,
        "cannot find module",
        "err_module_not_found",
        "modulenotfounderror",
        "no module named")) {
      return "a module is missing: install the server's dependencies, or correct the path in"
          + " \"args\" or \"cwd\"";
    }
    if (has(text, "can't open file", "enoent", "no such file or directory", "file not found")) {
      return "a file it needs is not there: check the paths in \"args\"; relative ones start at"
          + " \"cwd\"";
    }
    if (has(text, "permission denied", "eacces")) {
      return "it lacks a permission: check the owner and mode of the files it uses";
    }
    if (has(text, "unsupportedclassversionerror", "unsupported engine", "requires python")) {
      return "it needs another version of its run-time: install that, or name it in \"command\"";
    }
    if (has(
        text,
        "api key",
        "api_key",
        "unauthorized",
        "authentication",
        "token is required",
        "environment variable")) {
      return "it seems to miss a credential or a variable: set it in \"env\"";
    }
    if (exitCode == 137) {
      return "it was killed from outside, most often because memory ran out";
    }
    if (exitCode == 127) {
      return notFound(command);
    }
    if (exitCode == 126) {
      return "it is not executable: chmod +x, or run it by its interpreter";
    }
    if (exitCode == 0) {
      return "it ended by itself: it may not be an MCP server on standard streams, or need other"
          + " \"args\"";
    }
    return "";
  }

  /** For a command that is nowhere. */
  static String notFound(String command) {
    return switch (command) {
      case "npx", "npm", "node" -> "install Node.js, or set PATH in \"env\"";
      case "uvx", "uv" -> "install uv, or set PATH in \"env\"";
      case "docker", "podman" -> "install " + command + ", or set PATH in \"env\"";
      case "python", "python3" -> "install Python 3, or set PATH in \"env\"";
      default -> "install it, give its full path, or set PATH in \"env\"";
    };
  }

  private static boolean has(String text, String... words) {
    for (String word : words) {
      if (text.contains(word)) {
        return true;
      }
    }
    return false;
  }
}
