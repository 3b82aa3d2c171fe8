package dev.sluice.servers.upstream;

import java.time.Duration;

/**
 * Who is asked before a child process is started for clients of the relay, and told what became of
 * it. Any thread calls; methods return quickly.
 */
public interface StartPolicy {

  /** Lets every start happen. */
  StartPolicy ANY =
      new StartPolicy() {
        @Override
        public void admit() {}

        @Override
        public void failed(StartFailure failure) {}

        @Override
        public void ended(String reason, Duration ran) {}
      };

  /**
   * A child is to be started now.
   *
   * @throws RuntimeException if it may not
   */
  void admit();

  /** The start that was let happen has failed. */
  void failed(StartFailure failure);

  /**
   * A child that was started has ended, other than by the hub's closing it.
   *
   * @param ran how long it ran
   */
  void ended(String reason, Duration ran);
}
