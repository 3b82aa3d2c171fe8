package dev.sluice.storage;

import dev.sluice.events.EventLog;
import dev.sluice.events.StoredEvent;
import java.io.IOException;
import java.lang.System.Logger;
import java.lang.System.Logger.Level;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.concurrent.TimeUnit;
import org.h2.mvstore.MVMap;
import org.h2.mvstore.MVStore;
import org.h2.mvstore.MVStoreException;
import org.h2.mvstore.type.LongDataType;
import org.h2.mvstore.type.StringDataType;
import org.jspecify.annotations.Nullable;

/**
 * The journal's durable log in an H2 MVStore, file {@code events.mv} in the data directory, beside
 * {@code events.head}, the {@link HeadMark}.
 *
 * <p>Each {@link #write} is one commit: it survives the process at once and the system after the
 * next sync, at most a second later. A torn tail is MVStore's to repair: it goes back to its last
 * whole version. Only the part of MVStore's API is used that H2 2.2 (in Payara) and 2.4 share.
 */
public final class MvEventLog implements EventLog {

  private static final Logger LOG = System.getLogger(MvEventLog.class.getName());

  /** Ids skipped when the system went down and the mark on disk may be a second old. */
  static final long SKIP = 1L << 22;

  private static final int FILE_LOCKED = 7;
  private static final long COMPACT_NANOS = TimeUnit.SECONDS.toNanos(10);

  /** What the store holds: the epoch it was written in, if ever, and the newest events. */
  private record Contents(@Nullable String epoch, List<StoredEvent> events) {
    static final Contents NONE = new Contents(null, List.of());
  }

  private final Path directory;
  private final Path file;
  private volatile boolean closed;
  private @Nullable HeadMark mark;
  private @Nullable MVStore store;
  private @Nullable MVMap<Long, String> events;
  private long compactedAt = System.nanoTime();

  /** A log in this directory, which is made if it is absent; nothing is opened yet. */
  public MvEventLog(Path directory) {
    this.directory = directory;
    this.file = directory.resolve("events.mv");
  }

  @Override
  public Recovery open(String freshEpoch, int limit) throws IOException {
    try {
      Files.createDirectories(directory);
    } catch (IOException refused) {
      throw new IOException(
          "sluice.data.dir " + directory + " cannot be used as a directory: " + refused, refused);
    }
    String broken = null;
    Contents contents = Contents.NONE;
    try {
      openStore();
      contents = load(limit);
    } catch (RuntimeException failure) { // of MVStore, or of a record that is none of ours
      if (failure instanceof MVStoreException refused && refused.getErrorCode() == FILE_LOCKED) {
        throw new IOException(
            "sluice.data.dir "
                + directory
                + " is in use by another hub; stop it or choose another directory",
            failure);
      }
      letGo();
      broken = "the event store could not be read and was moved to " + moveAside(failure);
      openStore();
    }
    try {
      HeadMark head = HeadMark.open(directory.resolve("events.head"));
      Recovery recovery =
          broken != null ? startAnew(head, freshEpoch, broken) : goOn(head, freshEpoch, contents);
      head.begin(recovery.epoch(), recovery.head());
      mark = head;
      return recovery;
    } catch (IOException | RuntimeException unusable) {
      letGo();
      throw unusable;
    }
  }

  /** Closes the store as it is, with its lock on the file. */
  private void letGo() {
    MVStore open = store;
    store = null;
    events = null;
    if (open != null) {
      open.closeImmediately();
    }
  }

  private Recovery startAnew(HeadMark head, String freshEpoch, String broken) {
    return head.isPresent()
        ? new Recovery(freshEpoch, List.of(), 0, broken, head.epoch(), head.seq())
        : new Recovery(freshEpoch, List.of(), 0, broken, "unknown", 0);
  }

  private Recovery goOn(HeadMark head, String freshEpoch, Contents contents) {
    List<StoredEvent> found = contents.events();
    long last = found.isEmpty() ? 0 : found.get(found.size() - 1).seq();
    String epoch = contents.epoch();
    if (!head.isPresent()) {
      if (found.isEmpty()) {
        return new Recovery(freshEpoch, found, 0, null, null, 0);
      }
      String loss = "the file events.head was missing, so ids are skipped";
      return new Recovery(epoch == null ? freshEpoch : epoch, found, last + SKIP, loss, null, 0);
    }
    if (epoch != null && !epoch.equals(head.epoch())) {
      String loss = "events.head belonged to another store, so ids are skipped";
      return new Recovery(epoch, found, last + SKIP, loss, null, 0);
    }
    long given = Math.max(last, head.seq());
    if (head.isClean() || head.isSameBoot()) {
      String loss = last < given ? "the process ended before they were written" : null;
      return new Recovery(head.epoch(), found, given, loss, null, 0);
    }
    String loss = "the system went down; up to " + SKIP + " ids are skipped to give none twice";
    return new Recovery(head.epoch(), found, given + SKIP, loss, null, 0);
  }

  private void openStore() {
    // No auto-commit: without it MVStore starts no thread of its own.
    MVStore opened =
        new MVStore.Builder().fileName(file.toString()).autoCommitDisabled().cacheSize(4).open();
    store = opened;
    events =
        opened.openMap(
            "events",
            new MVMap.Builder<Long, String>()
                .keyType(LongDataType.INSTANCE)
                .valueType(StringDataType.INSTANCE));
  }

  private Path moveAside(RuntimeException failure) throws IOException {
    String time = Instant.now().toString().replace(':', '-');
    Path aside = directory.resolve("events.mv.corrupt-" + time);
    Files.move(file, aside);
    LOG.log(
        Level.ERROR,
        "SLUICE-0105: the event store could not be read and was moved to "
            + aside
            + "; a new epoch begins: "
            + failure.getMessage(),
        failure);
    return aside;
  }

  private Contents load(int limit) {
    MVMap<Long, String> map = events;
    if (map == null) {
      return Contents.NONE;
    }
    List<StoredEvent> found = new ArrayList<>();
    for (Long key = map.lastKey(); key != null && found.size() < limit; key = map.lowerKey(key)) {
      String text = map.get(key);
      if (text != null && key > 0) {
        found.add(decode(key, text));
      }
    }
    Collections.reverse(found);
    return new Contents(map.get(0L), found);
  }

  @Override
  public void mark(long seq) {
    HeadMark head = mark;
    if (head != null) {
      head.set(seq);
    }
  }

  @Override
  public void write(List<StoredEvent> batch, long oldest) throws IOException {
    try {
      if (closed) {
        throw new IOException("the event log is closed");
      }
      if (store == null || store.isClosed()) {
        openStore();
        if (closed) {
          letGo(); // close() has not seen the store that was just opened
          throw new IOException("the event log is closed");
        }
      }
      MVStore open = store;
      MVMap<Long, String> map = events;
      HeadMark head = mark;
      if (open == null || map == null || head == null) {
        throw new IOException("the event log is not open");
      }
      if (map.get(0L) == null) {
        map.put(0L, head.epoch());
      }
      for (StoredEvent event : batch) {
        map.put(event.seq(), encode(event));
      }
      for (Long key = map.higherKey(0L); key != null && key < oldest; key = map.higherKey(key)) {
        map.remove(key);
      }
      open.commit();
      compact(open);
    } catch (MVStoreException failure) {
      throw new IOException(failure.getMessage(), failure);
    }
  }

  private void compact(MVStore open) {
    long now = System.nanoTime();
    if (now - compactedAt >= COMPACT_NANOS) {
      compactedAt = now;
      open.compact(50, 4 * 1024 * 1024);
    }
  }

  @Override
  public void sync() throws IOException {
    MVStore open = store;
    HeadMark head = mark;
    if (open == null || head == null || open.isClosed()) {
      throw new IOException("the event log is not open");
    }
    try {
      open.sync();
      head.force();
    } catch (MVStoreException failure) {
      throw new IOException(failure.getMessage(), failure);
    }
  }

  private static String encode(StoredEvent event) {
    return event.micros()
        + " "
        + event.type()
        + " "
        + event.subject().length()
        + " "
        + event.subject()
        + event.json();
  }

  private static StoredEvent decode(long seq, String text) {
    int micros = text.indexOf(' ');
    int type = text.indexOf(' ', micros + 1);
    int length = text.indexOf(' ', type + 1);
    int json = length + 1 + Integer.parseInt(text, type + 1, length, 10);
    if (text.charAt(json) != '{' || !text.endsWith("}")) {
      throw new IllegalStateException("the record of event " + seq + " holds no event");
    }
    return new StoredEvent(
        seq,
        Long.parseLong(text, 0, micros, 10),
        text.substring(micros + 1, type),
        text.substring(length + 1, json),
        text.substring(json));
  }

  @Override
  public void close() {
    closed = true;
    MVStore open = store;
    if (open != null && !open.isClosed()) {
      try {
        open.sync();
        open.close();
      } catch (MVStoreException failure) {
        LOG.log(
            Level.WARNING,
            "SLUICE-0106: the event store did not close in order: " + failure.getMessage(),
            failure);
        return;
      }
    }
    HeadMark head = mark;
    if (head != null) {
      head.end();
    }
  }
}
