package dev.sluice.servers.upstream;

import java.util.HashMap;
import java.util.Locale;
import java.util.Map;
import java.util.Set;

/**
 * The environment of a child: of the hub's own only what programs need to run, then what the
 * definition says, then the marker. The hub's environment may hold the database password of every
 * application of the server it runs in, so it is not handed on.
 */
final class ChildEnvironment {

  private static final Set<String> KEPT =
      Set.of(
          "HOME",
          "LOGNAME",
          "PATH",
          "SHELL",
          "TERM",
          "USER",
          "LANG",
          "LANGUAGE",
          "TZ",
          "TMPDIR",
          "TMP",
          "TEMP",
          "JAVA_HOME",
          "SSL_CERT_FILE",
          "SSL_CERT_DIR",
          "NODE_EXTRA_CA_CERTS",
          "REQUESTS_CA_BUNDLE",
          "CURL_CA_BUNDLE",
          "HTTP_PROXY",
          "HTTPS_PROXY",
          "NO_PROXY",
          "ALL_PROXY",
          "APPDATA",
          "LOCALAPPDATA",
          "PROGRAMDATA",
          "PROGRAMFILES",
          "SYSTEMROOT",
          "SYSTEMDRIVE",
          "USERPROFILE",
          "USERNAME",
          "HOMEDRIVE",
          "HOMEPATH",
          "PATHEXT",
          "COMSPEC",
          "PROCESSOR_ARCHITECTURE");

  private static final String[] KEPT_PREFIXES = {"LC_", "XDG_", "NPM_CONFIG_", "UV_", "PIP_"};

  private ChildEnvironment() {}

  /** Puts it together; {@code own} wins over {@code hub}, the marker over both. */
  static Map<String, String> of(Map<String, String> hub, Map<String, String> own, String marker) {
    Map<String, String> environment = new HashMap<>();
    hub.forEach(
        (name, value) -> {
          if (kept(name)) {
            environment.put(name, value);
          }
        });
    environment.putAll(own);
    environment.put(ProcessTable.MARKER, marker);
    return environment;
  }

  private static boolean kept(String name) {
    String upper = name.toUpperCase(Locale.ROOT);
    if (KEPT.contains(upper)) {
      return true;
    }
    for (String prefix : KEPT_PREFIXES) {
      if (upper.startsWith(prefix)) {
        return !Secrets.named(name);
      }
    }
    return false;
  }
}
