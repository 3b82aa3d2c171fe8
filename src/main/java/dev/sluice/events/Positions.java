package dev.sluice.events;

import java.util.ArrayList;
import java.util.List;

/**
 * Maps seqs, which a crash can leave with holes, to ring positions, which have none. Positions and
 * seqs are equal for everything this process appends; older segments are shifted up to close the
 * holes. Immutable.
 */
final class Positions {

  private final long[] firstSeq;
  private final long[] firstPosition;

  Positions(List<StoredEvent> loaded, long head) {
    int holes = 0;
    long previous = Long.MIN_VALUE;
    for (StoredEvent event : loaded) {
      if (event.seq() != previous + 1) {
        holes++;
      }
      previous = event.seq();
    }
    boolean open = loaded.isEmpty() || previous != head;
    firstSeq = new long[holes + (open ? 1 : 0)];
    firstPosition = new long[firstSeq.length];
    long position = head + 1 - loaded.size();
    int segment = 0;
    previous = Long.MIN_VALUE;
    for (StoredEvent event : loaded) {
      if (event.seq() != previous + 1) {
        firstSeq[segment] = event.seq();
        firstPosition[segment++] = position;
      }
      previous = event.seq();
      position++;
    }
    if (open) {
      firstSeq[segment] = head + 1;
      firstPosition[segment] = head + 1;
    }
  }

  /** The holes of which a part lies in {@code (after, end]}, each as its first and last seq. */
  List<long[]> holes(long after, long end) {
    List<long[]> found = new ArrayList<>();
    for (int segment = 1; segment < firstSeq.length; segment++) {
      long before = firstSeq[segment - 1] + firstPosition[segment] - firstPosition[segment - 1] - 1;
      long from = Math.max(after, before) + 1;
      long to = Math.min(end, firstSeq[segment] - 1);
      if (from <= to) {
        found.add(new long[] {from, to});
      }
    }
    return found;
  }

  /** The first position whose seq is greater than {@code seq}. */
  long after(long seq) {
    int segment = last(firstSeq, seq);
    long reach = Long.MAX_VALUE - firstPosition[segment] - 1;
    long position = firstPosition[segment] + Math.min(reach, seq - firstSeq[segment]) + 1;
    return segment + 1 < firstSeq.length
        ? Math.min(position, firstPosition[segment + 1])
        : position;
  }

  /** The seq at a position. */
  long seq(long position) {
    int segment = last(firstPosition, position);
    return Math.max(0, firstSeq[segment] + (position - firstPosition[segment]));
  }

  /** The last segment that begins at or before the value; the first one if none does. */
  private static int last(long[] starts, long value) {
    int segment = starts.length - 1;
    while (segment > 0 && starts[segment] > value) {
      segment--;
    }
    return segment;
  }
}
