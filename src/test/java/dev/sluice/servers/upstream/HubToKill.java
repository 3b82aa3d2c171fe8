package dev.sluice.servers.upstream;

import java.util.concurrent.CountDownLatch;

/** A hub of one server, to be killed by a test; prints the child's process id. */
final class HubToKill {

  private HubToKill() {}

  /** Runs until killed. */
  public static void main(String[] args) throws Exception {
    Rig rig = new Rig();
    UpstreamClient client = rig.connect(Rig.java("stubborn"), new Rig.Heard());
    Rig.call(client, "grow");
    System.out.println(client.pid().getAsLong());
    new CountDownLatch(1).await();
  }
}
