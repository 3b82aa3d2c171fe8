package dev.sluice.management;

import jakarta.enterprise.context.ApplicationScoped;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.util.Properties;

/** What the build wrote into the WAR about itself. */
@ApplicationScoped
class Build {

  private final Properties written = new Properties();

  Build() {
    try (InputStream in = Build.class.getResourceAsStream("build.properties")) {
      if (in != null) {
        written.load(in);
      }
    } catch (IOException unreadable) {
      throw new UncheckedIOException(unreadable);
    }
  }

  /** The version of the project. */
  String version() {
    return written.getProperty("version", "unknown");
  }
}
