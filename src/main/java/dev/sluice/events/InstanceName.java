package dev.sluice.events;

import java.net.InetAddress;
import java.net.UnknownHostException;
import java.util.concurrent.ThreadLocalRandom;

/** The name that {@code produced_by} carries: the host and eight random hex digits. */
public final class InstanceName {

  private InstanceName() {}

  /** Makes a name for this process; asks the system for the host's name, so call it once. */
  public static String create() {
    String host;
    try {
      host = InetAddress.getLocalHost().getHostName();
    } catch (UnknownHostException unresolvable) {
      // A host that cannot resolve its own name still has one: the message begins with it.
      host = String.valueOf(unresolvable.getMessage()).replaceFirst(":.*", "");
    }
    String safe = host.replaceAll("[^A-Za-z0-9._-]", "_");
    return safe.substring(0, Math.min(64, safe.length()))
        + '-'
        + String.format("%08x", ThreadLocalRandom.current().nextInt());
  }
}
