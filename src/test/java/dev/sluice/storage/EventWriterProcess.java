package dev.sluice.storage;

import dev.sluice.events.DomainEvent;
import dev.sluice.events.Journal;
import dev.sluice.events.JournalSettings;
import java.io.IOException;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;

/**
 * A process that appends until it is killed and prints each id after it was given, behind the last
 * seq that the journal called durable before.
 */
final class EventWriterProcess {

  private EventWriterProcess() {}

  /** Starts it on a store; {@code output} takes what it prints. */
  static Process start(Path directory, Path output) throws IOException {
    return new ProcessBuilder(
            Path.of(System.getProperty("java.home"), "bin", "java").toString(),
            "-Xmx128m",
            "-cp",
            System.getProperty("java.class.path"),
            EventWriterProcess.class.getName(),
            directory.toString())
        .redirectOutput(output.toFile())
        .redirectError(ProcessBuilder.Redirect.INHERIT)
        .start();
  }

  public static void main(String[] args) throws IOException {
    Journal journal =
        StoreTest.open(
            new MvEventLog(Path.of(args[0])), JournalSettings.defaults("child-00000001"));
    PrintStream out = new PrintStream(System.out, false, StandardCharsets.UTF_8);
    for (int n = 0; !Thread.interrupted(); n++) {
      long durable = journal.head().seq() - journal.stats().undurable();
      out.println(
          durable + " " + journal.append(new DomainEvent.McpServerStopped("math", "n" + n)));
      if (n % 10 == 0) {
        out.flush();
      }
    }
  }
}
