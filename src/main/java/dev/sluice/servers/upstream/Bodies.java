package dev.sluice.servers.upstream;

import java.io.ByteArrayOutputStream;
import java.net.http.HttpResponse.BodySubscriber;
import java.nio.ByteBuffer;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.Flow;
import org.jspecify.annotations.Nullable;

/** Readers of response bodies that hold no thread while they wait and keep to a limit. */
final class Bodies {

  /** Bytes of one message. */
  static final int MAX_MESSAGE = 16 << 20;

  /** Bytes kept of the body of an error. */
  static final int MAX_ERROR = 64 * 1024;

  private Bodies() {}

  /** A body over its limit. */
  static final class TooLarge extends RuntimeException {
    private static final long serialVersionUID = 1L;

    TooLarge(int limit) {
      super("the response is longer than " + limit + " bytes");
    }
  }

  /** The whole body, up to a limit. */
  static BodySubscriber<byte[]> whole(int limit) {
    return new Pieces<>() {
      private final ByteArrayOutputStream bytes = new ByteArrayOutputStream();

      @Override
      void piece(ByteBuffer piece) {
        if (bytes.size() + piece.remaining() > limit) {
          throw new TooLarge(limit);
        }
        byte[] copy = new byte[piece.remaining()];
        piece.get(copy);
        bytes.writeBytes(copy);
      }

      @Override
      byte[] end() {
        return bytes.toByteArray();
      }
    };
  }

  /** The body as events, told as they come, from its beginning; the result is empty. */
  static BodySubscriber<byte[]> events(EventParser parser) {
    parser.reset();
    return new Pieces<>() {
      @Override
      void piece(ByteBuffer piece) {
        parser.feed(piece);
      }

      @Override
      byte[] end() {
        return new byte[0];
      }
    };
  }

  private abstract static class Pieces<T> implements BodySubscriber<T> {
    private final CompletableFuture<T> body = new CompletableFuture<>();
    private Flow.@Nullable Subscription subscription;

    abstract void piece(ByteBuffer piece);

    abstract T end();

    @Override
    public CompletionStage<T> getBody() {
      return body;
    }

    @Override
    public void onSubscribe(Flow.Subscription given) {
      subscription = given;
      given.request(1);
    }

    @Override
    public void onNext(List<ByteBuffer> pieces) {
      Flow.Subscription current = subscription;
      try {
        pieces.forEach(this::piece);
        if (current != null) {
          current.request(1);
        }
      } catch (RuntimeException refused) {
        if (current != null) {
          current.cancel();
        }
        body.completeExceptionally(refused);
      }
    }

    @Override
    public void onError(Throwable problem) {
      body.completeExceptionally(problem);
    }

    @Override
    public void onComplete() {
      body.complete(end());
    }
  }
}
