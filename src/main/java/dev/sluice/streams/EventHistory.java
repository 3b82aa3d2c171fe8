package dev.sluice.streams;

import dev.sluice.events.EventFilter;
import dev.sluice.events.EventId;
import dev.sluice.events.Journal;
import dev.sluice.events.JournalEntry;
import dev.sluice.events.Since;
import dev.sluice.events.SubscribeRequest;
import jakarta.enterprise.context.ApplicationScoped;
import jakarta.inject.Inject;
import java.time.Instant;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * Pages over what retention holds, oldest first (contract C8, C15): {@code
 * {"events":[…],"next":"<id>","first":"<id>","last":"<id>","gap":{…}?}}.
 *
 * <p>{@code next} is the {@code since} of the following page and moves past what the filters skip.
 * What retention took before the page is told as {@code gap}, never silently left out.
 */
@ApplicationScoped
class EventHistory {

  private static final int DEFAULT_LIMIT = 100;
  private static final int MAX_LIMIT = 1000;

  @Inject Journal journal;

  /**
   * Reads one page as JSON text.
   *
   * @throws IllegalArgumentException naming the parameter, the problem and what is legal
   */
  String page(Map<String, List<String>> parameters) {
    SubscribeRequest asked = SubscribeQuery.parse(parameters);
    @Nullable String limitText = SubscribeQuery.single(parameters, "limit");
    int limit =
        limitText == null ? DEFAULT_LIMIT : SubscribeQuery.whole("limit", limitText, MAX_LIMIT);
    long head = journal.head().seq();
    long oldest = journal.oldest().seq();
    long after = after(asked.since(), oldest, head);
    long end = Math.min(head, end(SubscribeQuery.single(parameters, "until"), oldest, head));

    StringBuilder out = new StringBuilder("{\"events\":[");
    long next = Math.max(after, end);
    List<JournalEntry> found =
        journal.read(Math.max(after, oldest - 1), limit, new EventFilter(asked));
    // Retention may have moved while we read. From here on all was there, and the gap says the
    // rest.
    long whole = journal.oldest().seq();
    int count = 0;
    for (JournalEntry entry : found) {
      if (entry.seq() > end) {
        break;
      }
      if (entry.seq() >= whole) {
        out.append(count++ == 0 ? "" : ",").append(entry.json());
      }
    }
    if (found.size() == limit) {
      next = Math.min(next, found.get(limit - 1).seq());
    }
    next = Math.max(next, whole - 1);
    out.append("],\"next\":\"").append(id(next));
    out.append("\",\"first\":\"").append(id(whole));
    out.append("\",\"last\":\"").append(id(head)).append('"');
    gap(out, asked, after, whole);
    swallowed(out, Math.max(after, whole - 1), next);
    return out.append('}').toString();
  }

  /** What a crash swallowed inside of the page. */
  private void swallowed(StringBuilder out, long after, long end) {
    List<long[]> holes = journal.swallowed(after, end);
    for (int i = 0; i < holes.size(); i++) {
      long from = holes.get(i)[0];
      long to = holes.get(i)[1];
      out.append(i == 0 ? ",\"lost\":[" : ",").append("{\"from\":\"").append(id(from));
      out.append("\",\"to\":\"").append(id(to));
      out.append("\",\"dropped\":").append(to - from + 1);
      out.append(",\"exact\":false,\"reason\":\"partition\"}");
    }
    out.append(holes.isEmpty() ? "" : "]");
  }

  private void gap(StringBuilder out, SubscribeRequest asked, long after, long oldest) {
    Since since = asked.since();
    if (since instanceof Since.At moment) {
      if (oldest > 1 && after < oldest && journal.evictedSince(moment.time())) {
        // How many of these came before the moment is known to nobody.
        out.append(",\"gap\":{\"from\":\"").append(id(1));
        out.append("\",\"to\":\"").append(id(oldest - 1));
        out.append("\",\"dropped\":").append(oldest - 1);
        out.append(",\"exact\":false,\"reason\":\"retention\"}");
      }
      return;
    }
    if (!(since instanceof Since.After place)) {
      return;
    }
    boolean foreign = !place.id().epoch().equals(journal.epoch());
    long from = foreign ? 1 : after + 1;
    if (from < oldest) {
      out.append(",\"gap\":{\"from\":\"").append(id(from));
      out.append("\",\"to\":\"").append(id(oldest - 1));
      out.append("\",\"dropped\":").append(oldest - from);
      // How many of these the filter would have let through is known to nobody.
      out.append(asked.filters() ? ",\"exact\":false" : "");
      out.append(",\"reason\":\"retention\"}");
    } else if (foreign) {
      out.append(",\"gap\":{\"from\":\"").append(place.id());
      out.append("\",\"to\":\"").append(id(oldest - 1));
      out.append("\",\"dropped\":0,\"reason\":\"partition\"}");
    }
  }

  /** The seq after which to read. */
  private long after(@Nullable Since since, long oldest, long head) {
    if (since instanceof Since.After place && place.id().epoch().equals(journal.epoch())) {
      return Math.min(place.id().seq(), head);
    }
    if (since instanceof Since.At moment) {
      return before(moment.time(), oldest, head);
    }
    return since instanceof Since.Live ? head : oldest - 1;
  }

  /** The last seq to read. */
  private long end(@Nullable String until, long oldest, long head) {
    if (until == null) {
      return head;
    }
    Since last;
    try {
      last = SubscribeQuery.since(until);
    } catch (IllegalArgumentException neither) {
      throw new IllegalArgumentException(
          "until must be an event id (epoch:seq) or an ISO-8601 time with zone", neither);
    }
    if (last instanceof Since.After place) {
      if (!place.id().epoch().equals(journal.epoch())) {
        throw new IllegalArgumentException("until is an id of another epoch; leave it out");
      }
      return place.id().seq();
    }
    return last instanceof Since.At moment
        ? before(moment.time(), oldest, head)
        : last instanceof Since.Live ? head : oldest - 1;
  }

  /** The last seq of an event before the moment; times never fall along the order. */
  private long before(Instant moment, long oldest, long head) {
    long low = oldest - 1;
    long high = head;
    while (low < high) {
      long middle = (low + high + 1) >>> 1;
      List<JournalEntry> found = journal.read(middle - 1, 1, topic -> true);
      if (!found.isEmpty() && found.get(0).at().isBefore(moment)) {
        low = middle;
      } else {
        high = middle - 1;
      }
    }
    return low;
  }

  private EventId id(long seq) {
    return new EventId(journal.epoch(), Math.max(0, seq));
  }
}
