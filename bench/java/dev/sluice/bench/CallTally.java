package dev.sluice.bench;

/**
 * What one round of calls came to. Written by the thread that drives the calls; read when it is
 * over. Times go into classes of 1/64 of their size, so a quantile is right to 1.6 %.
 */
final class CallTally {

  private static final int FINE = 6;

  private final long[] classes = new long[64 << FINE];

  final String tool;
  final long begin;
  final long stopAt;

  /** Calls with the right answer, and those of them that came in time. */
  long answered;

  long inTime;

  /** Answers that were another call's, an error, or no answer but an HTTP status. */
  long wrong;

  /** Messages for nobody: ids that this session does not wait for. */
  long strays;

  /** Calls without an answer at the end. */
  long lost;

  /** What the first wrong answer said. */
  String firstWrong = "";

  /** Calls of {@code tool} begin until {@code stopAt}, by {@link System#nanoTime}. */
  CallTally(String tool, long begin, long stopAt) {
    this.tool = tool;
    this.begin = begin;
    this.stopAt = stopAt;
  }

  void answered(long now, long nanos) {
    if (now < begin) {
      return; // the sessions are still beginning
    }
    answered++;
    if (now <= stopAt) {
      inTime++;
    }
    int high = 63 - Long.numberOfLeadingZeros(Math.max(nanos, 1 << FINE));
    int low = (int) (nanos >>> high - FINE) & (1 << FINE) - 1;
    classes[high << FINE | low]++;
  }

  void wrong(String what) {
    wrong++;
    if (firstWrong.isEmpty()) {
      firstWrong = what.length() > 300 ? what.substring(0, 300) : what;
    }
  }

  /** Right answers per second within the time. */
  double rate() {
    return inTime / ((stopAt - begin) / 1e9);
  }

  /** Microseconds within which this part of the answers came. */
  double micros(double part) {
    long rank = (long) Math.ceil(answered * part);
    long seen = 0;
    for (int i = 0; i < classes.length; i++) {
      seen += classes[i];
      if (classes[i] > 0 && seen >= rank) {
        int high = i >>> FINE;
        long width = 1L << high - FINE;
        return ((1L << high) + (i & (1 << FINE) - 1) * width + width / 2.0) / 1e3;
      }
    }
    return Double.NaN;
  }
}
