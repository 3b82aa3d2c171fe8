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

  public static void main(String[] args) throws IOException {
    Journal journal =
        Journal.durable(
            JournalSettings.defaults("child-00000001"),
            new MvEventLog(Path.of(args[0])),
            work -> {
              Thread thread = new Thread(work);
              thread.setDaemon(true);
              return thread;
            });
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
