package dev.sluice.access;

import java.util.Optional;

/** What becomes of a request. */
sealed interface Decision {

  /**
   * It goes on.
   *
   * @param caller on whose behalf
   * @param crossOrigin the configured foreign origin that may read the answer
   * @param forwarded from where and to where it came, if a trusted proxy told
   */
  record Admitted(Caller caller, Optional<String> crossOrigin, Optional<Forwarded> forwarded)
      implements Decision {}

  /**
   * How the client reached a trusted proxy.
   *
   * @param address the client's, as a literal
   * @param host without port; an IPv6 literal in its brackets
   * @param port that the URL has or stands for
   */
  record Forwarded(String address, String host, int port, PublicUrl url) {}

  /** It ends here with this answer. */
  record Refused(Refusal refusal) implements Decision {}

  /** It was a browser's question whether this configured origin may call; the answer is yes. */
  record Preflight(String origin) implements Decision {}
}
