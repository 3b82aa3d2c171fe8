package dev.sluice.servers;

import dev.sluice.rest.ApiException;
import dev.sluice.servers.upstream.StartFailure;
import dev.sluice.servers.upstream.StartPolicy;
import dev.sluice.servers.upstream.UpstreamListener;
import java.time.Duration;
import java.util.function.Supplier;

/**
 * When another child of one server may be started for clients of the relay: the rule that holds for
 * the child of the hub's own, see {@link Failures} and {@link Backoff}, counted for all those
 * children together and apart from the hub's own, because either may fail while the other does
 * well. After {@code maxConsecutiveFailures} starts that failed, or children that ended before they
 * had proven themselves, nothing is started until the back-off is over. Any thread may call.
 */
final class ChildStarts implements StartPolicy {

  /** When a client may try again at the earliest. */
  private static final Duration SOON = Duration.ofSeconds(1);

  private final ServerId id;
  private final Backoff backoff;
  private final Supplier<ServerDefinition> definition;
  private final Failures failures = new Failures(); // guarded by itself

  ChildStarts(ServerId id, Backoff backoff, Supplier<ServerDefinition> definition) {
    this.id = id;
    this.backoff = backoff;
    this.definition = definition;
  }

  @Override
  public void admit() {
    int most = definition.get().maxConsecutiveFailures();
    synchronized (failures) {
      if (failures.inARow() >= most) {
        Refusals.whileBackingOff(id, failures.untilRetry(), failures.inARow(), failures.last());
      }
    }
  }

  @Override
  public void failed(StartFailure failure) {
    synchronized (failures) {
      failures.startFailed(failure);
      down(failures.withFailedStart());
    }
  }

  @Override
  public void ended(String reason, Duration ran) {
    if (reason.startsWith(UpstreamListener.AGED)) {
      return; // a planned renewal
    }
    synchronized (failures) {
      down(Failures.proves(ran) ? 1 : failures.withFailedStart());
    }
  }

  private void down(int inARow) {
    failures.down(inARow, backoff.after(inARow));
  }

  /** What failed before counts no more: a child has answered a call, or the definition changed. */
  void forgive() {
    synchronized (failures) {
      failures.forgive();
    }
  }

  /** How a failed start is told to a client. */
  ApiException refusal(StartFailure failure) {
    synchronized (failures) {
      Duration wait = failures.untilRetry();
      return Refusals.startFailed(
          id, failure, Math.max(1, failures.inARow()), wait.compareTo(SOON) < 0 ? SOON : wait);
    }
  }
}
