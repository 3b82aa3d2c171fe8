package dev.sluice.access;

import jakarta.enterprise.context.ApplicationScoped;
import java.util.SortedMap;
import java.util.TreeMap;
import java.util.concurrent.atomic.AtomicLongArray;
import java.util.concurrent.atomic.LongAdder;

/** How many requests came, and how many were refused with each status. Any thread. */
@ApplicationScoped
public class RequestCounts {

  private static final int LEAST = 400;

  private final LongAdder received = new LongAdder();
  private final AtomicLongArray refused = new AtomicLongArray(200);

  /** Counts a request, admitted or not. */
  public void received() {
    received.increment();
  }

  /** Counts an answer in the error shape; other statuses than 400 to 599 do not count. */
  public void refused(int status) {
    int place = status - LEAST;
    if (place >= 0 && place < refused.length()) {
      refused.incrementAndGet(place);
    }
  }

  /** Requests since start. */
  public long requests() {
    return received.sum();
  }

  /** Refusals since start by status; statuses that never came are left out. */
  public SortedMap<Integer, Long> refusals() {
    SortedMap<Integer, Long> counts = new TreeMap<>();
    for (int place = 0; place < refused.length(); place++) {
      long count = refused.get(place);
      if (count > 0) {
        counts.put(LEAST + place, count);
      }
    }
    return counts;
  }
}
