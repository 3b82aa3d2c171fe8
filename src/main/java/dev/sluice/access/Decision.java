package dev.sluice.access;

import java.util.Optional;

/** What becomes of a request. */
sealed interface Decision {

  /**
   * It goes on.
   *
   * @param caller on whose behalf
   * @param crossOrigin the configured foreign origin that may read the answer
   */
  record Admitted(Caller caller, Optional<String> crossOrigin) implements Decision {}

  /** It ends here with this answer. */
  record Refused(Refusal refusal) implements Decision {}

  /** It was a browser's question whether this configured origin may call; the answer is yes. */
  record Preflight(String origin) implements Decision {}
}
