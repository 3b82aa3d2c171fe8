package dev.sluice.rest;

import jakarta.servlet.ReadListener;
import jakarta.servlet.ServletInputStream;
import java.io.ByteArrayInputStream;
import java.io.IOException;
import org.jspecify.annotations.Nullable;

/** A body that is there, or the failure that came instead; reading it never blocks. */
final class WholeBody extends ServletInputStream {

  private final ByteArrayInputStream bytes;
  private final @Nullable BodyFailure failure;

  private WholeBody(ByteArrayInputStream bytes, @Nullable BodyFailure failure) {
    this.bytes = bytes;
    this.failure = failure;
  }

  static WholeBody of(byte[] bytes, int size) {
    return new WholeBody(new ByteArrayInputStream(bytes, 0, size), null);
  }

  static WholeBody failed(BodyFailure failure) {
    return new WholeBody(new ByteArrayInputStream(new byte[0]), failure);
  }

  @Override
  public int read() throws IOException {
    check();
    return bytes.read();
  }

  @Override
  public int read(byte[] target, int offset, int length) throws IOException {
    check();
    return bytes.read(target, offset, length);
  }

  private void check() throws BodyFailure {
    if (failure != null) {
      throw failure;
    }
  }

  @Override
  public int available() {
    return bytes.available();
  }

  @Override
  public boolean isFinished() {
    return failure == null && bytes.available() == 0;
  }

  @Override
  public boolean isReady() {
    return true;
  }

  @Override
  public void setReadListener(ReadListener listener) {
    throw new IllegalStateException("The body has been read without blocking already.");
  }
}
