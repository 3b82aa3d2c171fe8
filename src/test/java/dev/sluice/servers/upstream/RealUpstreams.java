package dev.sluice.servers.upstream;

import java.time.Duration;
import java.util.concurrent.Executor;
import java.util.concurrent.ThreadFactory;

/** Real connections for tests of the package above. */
public final class RealUpstreams {

  private RealUpstreams() {}

  /** Upstreams as the container makes them, with shorter patience at the end of a child. */
  public static Upstreams open(Executor work) {
    return open(work, Thread::new);
  }

  /** The same with threads of the test's own. */
  public static Upstreams open(Executor work, ThreadFactory threads) {
    Upstreams upstreams =
        new Upstreams(
            work,
            threads,
            new ChildProcess.Patience(
                Duration.ofMillis(1_000), Duration.ofMillis(700), Duration.ofSeconds(2)),
            Posts.Limits.DEFAULT);
    upstreams.start();
    return upstreams;
  }
}
