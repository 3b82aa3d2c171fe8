package dev.sluice.storage;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.MappedByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;

/**
 * Remembers the last seq that was given out, in a small memory-mapped file: what is written here
 * survives the process, even {@code kill -9}, because the system owns the page.
 *
 * <p>Layout, big-endian: magic, seq, clean flag, boot, length of epoch, epoch in ASCII. {@link
 * #set} may be called from any one thread at a time, the rest from the journal's thread.
 */
final class HeadMark {

  private static final long MAGIC = 0x534c_5549_4345_4d31L;
  private static final int SIZE = 4096;
  private static final int SEQ = 8;
  private static final int CLEAN = 16;
  private static final int BOOT = 24;
  private static final int EPOCH_LENGTH = 32;
  private static final int EPOCH = 36;
  private static final int MAX_EPOCH = 32;

  private final MappedByteBuffer page;

  /** Where Linux tells apart the system's runs. */
  private static final Path BOOT_ID = Path.of("/proc/sys/kernel/random/boot_id");

  private final long bootNumber;

  private HeadMark(MappedByteBuffer page, long bootNumber) {
    this.page = page;
    this.bootNumber = bootNumber;
  }

  /** Opens the file, making it if need be; contents that are not a mark read as absent. */
  static HeadMark open(Path file) throws IOException {
    return open(file, BOOT_ID);
  }

  /** As {@link #open(Path)}, with the file that tells apart the system's runs. */
  static HeadMark open(Path file, Path bootId) throws IOException {
    try (FileChannel channel =
        FileChannel.open(
            file, StandardOpenOption.CREATE, StandardOpenOption.READ, StandardOpenOption.WRITE)) {
      if (channel.size() < SIZE) {
        channel.write(ByteBuffer.allocate(1), SIZE - 1L);
      }
      return new HeadMark(channel.map(FileChannel.MapMode.READ_WRITE, 0, SIZE), bootNumber(bootId));
    }
  }

  /** Whether the file was written by us before. */
  boolean isPresent() {
    int length = page.getInt(EPOCH_LENGTH);
    return page.getLong(0) == MAGIC && length > 0 && length <= MAX_EPOCH && seq() >= 0;
  }

  long seq() {
    return page.getLong(SEQ);
  }

  void set(long seq) {
    page.putLong(SEQ, seq);
  }

  boolean isClean() {
    return page.getLong(CLEAN) == 1;
  }

  /** Whether the system surely has run without a break since the mark was begun. */
  boolean isSameBoot() {
    return bootNumber != 0 && page.getLong(BOOT) == bootNumber;
  }

  String epoch() {
    byte[] text = new byte[page.getInt(EPOCH_LENGTH)];
    page.get(EPOCH, text);
    return new String(text, StandardCharsets.US_ASCII);
  }

  /**
   * Begins a run: from here on, an end without {@link #end} is a crash. Killed on the way, it
   * leaves what reads as absent, never a mixture of two runs.
   */
  void begin(String epoch, long seq) {
    byte[] text = epoch.getBytes(StandardCharsets.US_ASCII);
    page.putLong(0, 0);
    page.force();
    page.putLong(SEQ, seq);
    page.putLong(CLEAN, 0);
    page.putLong(BOOT, bootNumber);
    page.putInt(EPOCH_LENGTH, text.length);
    page.put(EPOCH, text);
    page.force();
    page.putLong(0, MAGIC);
    page.force();
  }

  void force() {
    page.force();
  }

  void end() {
    page.putLong(CLEAN, 1);
    page.force();
  }

  /** Differs after a restart of the system; 0 where the system does not tell. */
  private static long bootNumber(Path source) {
    try {
      String id = Files.readString(source).strip();
      return Long.parseUnsignedLong(id.replace("-", "").substring(0, 16), 16);
    } catch (IOException | RuntimeException notLinux) {
      return 0;
    }
  }
}
