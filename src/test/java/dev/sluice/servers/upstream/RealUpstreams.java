package dev.sluice.servers.upstream;

import java.time.Duration;
import java.util.concurrent.Executor;

/** Real connections for tests of the package above. */
public final class RealUpstreams {

  private RealUpstreams() {}

  /** Upstreams as the container makes them, with shorter patience at the end of a child. */
  public static Upstreams open(Executor work) {
    Upstreams upstreams =
        new Upstreams(
            work,
            Thread::new,
            new ChildProcess.Patience(
                Duration.ofMillis(1_000), Duration.ofMillis(700), Duration.ofSeconds(2)),
            Posts.Limits.DEFAULT);
    upstreams.start();
    return upstreams;
  }
}
