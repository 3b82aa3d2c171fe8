package dev.sluice.servers.upstream;

import dev.sluice.jsonrpc.Envelope;
import java.util.Optional;

/** Hands everything on, and does something more at the end. */
record Watched(UpstreamListener to, Runnable atEnd) implements UpstreamListener {

  @Override
  public void catalogueChanged(Catalogue catalogue) {
    to.catalogueChanged(catalogue);
  }

  @Override
  public void logLine(LogLine line) {
    to.logLine(line);
  }

  @Override
  public boolean message(Envelope message) {
    return to.message(message);
  }

  @Override
  public void ended(String reason, Optional<Integer> exitCode) {
    atEnd.run();
    to.ended(reason, exitCode);
  }
}
