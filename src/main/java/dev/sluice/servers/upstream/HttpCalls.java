package dev.sluice.servers.upstream;

import dev.sluice.jsonrpc.Envelope;
import dev.sluice.jsonrpc.MalformedMessageException;
import dev.sluice.servers.upstream.UpstreamException.Kind;
import java.io.IOException;
import java.net.ConnectException;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.concurrent.atomic.AtomicBoolean;
import org.jspecify.annotations.Nullable;

/** What both HTTP transports do alike: requests with the definition's headers, errors in words. */
final class HttpCalls {

  private static final int MAX_REDIRECTS = 3;

  private final HttpClient client;
  private final Map<String, String> headers;

  HttpCalls(HttpClient client, Map<String, String> headers) {
    this.client = client;
    this.headers = headers;
  }

  /**
   * A request with the definition's headers.
   *
   * @throws StartFailure naming a header that cannot be sent
   */
  HttpRequest.Builder request(URI url) {
    HttpRequest.Builder builder;
    try {
      builder = HttpRequest.newBuilder(url);
    } catch (IllegalArgumentException wrong) {
      throw failure("\"url\" cannot be used: " + wrong.getMessage(), "use an http or https URL");
    }
    headers.forEach(
        (name, value) -> {
          try {
            builder.setHeader(name, value);
          } catch (IllegalArgumentException wrong) {
            throw failure(
                "the header \"" + name + "\" cannot be sent",
                "correct or remove it in \"headers\"");
          }
        });
    return builder;
  }

  static StartFailure failure(String message, String suggestion) {
    return new StartFailure(message, Optional.empty(), List.of(), suggestion, null);
  }

  /**
   * Sends, follows redirects within the same origin, and completes with the response once its body
   * has been read. Cancelling the future ends the exchange.
   */
  CompletableFuture<HttpResponse<byte[]>> send(
      HttpRequest request, HttpResponse.BodyHandler<byte[]> handler) {
    CompletableFuture<HttpResponse<byte[]>> result = new CompletableFuture<>();
    send(request, handler, result, MAX_REDIRECTS);
    return result;
  }

  /**
   * As {@link #send(HttpRequest, HttpResponse.BodyHandler)}, for a message that does no harm if it
   * is carried out twice: it is sent once more if the connection breaks before anything of the
   * response has come. Servers end connections that were idle for some seconds, and the client
   * learns of that too late when it takes one again in that moment.
   */
  CompletableFuture<HttpResponse<byte[]>> sendAgain(
      HttpRequest request, HttpResponse.BodyHandler<byte[]> handler) {
    AtomicBoolean begun = new AtomicBoolean();
    CompletableFuture<HttpResponse<byte[]>> result = new CompletableFuture<>();
    CompletableFuture<HttpResponse<byte[]>> first =
        send(
            request,
            info -> {
              begun.set(true);
              return handler.apply(info);
            });
    CompletableFuture<?> unused =
        result.whenComplete(
            (r, e) -> {
              if (result.isCancelled()) {
                first.cancel(true);
              }
            });
    unused =
        first.whenComplete(
            (response, problem) -> {
              if (problem instanceof UpstreamException lost
                  && lost.kind() == Kind.DISCONNECTED
                  && !begun.get()
                  && !result.isDone()) {
                send(request, handler, result, MAX_REDIRECTS);
              } else if (problem != null) {
                result.completeExceptionally(problem);
              } else {
                result.complete(response);
              }
            });
    return result;
  }

  /** Whether a message may be carried out twice: it asks, and changes nothing. */
  static boolean isHarmless(Envelope message) {
    String method = message.method();
    return message.kind() == Envelope.Kind.REQUEST
        && (method.equals("initialize")
            || method.equals("ping")
            || method.equals("server/discover")
            || method.endsWith("/list"));
  }

  private void send(
      HttpRequest request,
      HttpResponse.BodyHandler<byte[]> handler,
      CompletableFuture<HttpResponse<byte[]>> result,
      int redirects) {
    CompletableFuture<HttpResponse<byte[]>> exchange = client.sendAsync(request, handler);
    CompletableFuture<?> unused =
        result.whenComplete(
            (r, e) -> {
              if (result.isCancelled()) {
                exchange.cancel(true);
              }
            });
    unused =
        exchange.whenComplete(
            (response, problem) -> {
              if (problem != null) {
                result.completeExceptionally(words(request.uri(), problem));
                return;
              }
              int status = response.statusCode();
              if (status != 307 && status != 308) {
                result.complete(response);
                return;
              }
              try {
                URI next = redirect(request.uri(), response);
                if (redirects == 0) {
                  throw UpstreamException.of(Kind.PROTOCOL, "too many redirects");
                }
                HttpRequest again =
                    HttpRequest.newBuilder(request, (name, value) -> true).uri(next).build();
                send(again, handler, result, redirects - 1);
              } catch (UpstreamException refused) {
                result.completeExceptionally(refused);
              }
            });
  }

  private static URI redirect(URI from, HttpResponse<?> response) {
    String location = response.headers().firstValue("location").orElse("");
    URI next;
    try {
      next = from.resolve(location);
    } catch (IllegalArgumentException wrong) {
      throw UpstreamException.of(Kind.PROTOCOL, "a redirect to no URL");
    }
    if (!sameOrigin(from, next)) {
      throw UpstreamException.of(
          Kind.PROTOCOL,
          "the server redirects to another origin, "
              + origin(next)
              + "; credentials are not sent there: set \"url\" to it if it is right");
    }
    return next;
  }

  /** Whether two URLs have the same scheme, host and port. */
  static boolean sameOrigin(URI one, URI other) {
    return origin(one).equals(origin(other));
  }

  private static String origin(URI url) {
    String scheme = String.valueOf(url.getScheme()).toLowerCase(Locale.ROOT);
    int port = url.getPort() >= 0 ? url.getPort() : scheme.equals("https") ? 443 : 80;
    return scheme + "://" + String.valueOf(url.getHost()).toLowerCase(Locale.ROOT) + ":" + port;
  }

  private static Throwable words(URI url, Throwable problem) {
    Throwable cause = problem;
    while (cause instanceof CompletionException && cause.getCause() != null) {
      cause = cause.getCause();
    }
    if (cause instanceof ConnectException) {
      return UpstreamException.of(
          Kind.DISCONNECTED, "nothing answers at " + origin(url) + ": is the server running?");
    }
    if (cause instanceof Bodies.TooLarge || cause instanceof EventParser.TooLong) {
      return UpstreamException.of(Kind.PROTOCOL, String.valueOf(cause.getMessage()));
    }
    if (cause instanceof IOException) {
      return UpstreamException.of(
          Kind.DISCONNECTED, "the exchange with " + origin(url) + " broke: " + cause.getMessage());
    }
    return cause;
  }

  /** The kind of a body, in lower case and without parameters. */
  static String mediaType(HttpResponse.ResponseInfo info) {
    return mediaType(info.headers().firstValue("content-type").orElse(""));
  }

  /** The same of a header's value. */
  static String mediaType(String contentType) {
    int semicolon = contentType.indexOf(';');
    return (semicolon < 0 ? contentType : contentType.substring(0, semicolon))
        .trim()
        .toLowerCase(Locale.ROOT);
  }

  /** A refusal in words: the status, what the body says, what to do. */
  static UpstreamException refused(int status, byte[] body) {
    String text = errorIn(body) == null ? "" : new String(body, StandardCharsets.UTF_8);
    String said = text.isEmpty() ? "" : ": " + text.substring(0, Math.min(300, text.length()));
    String hint =
        switch (status) {
          case 401, 403 -> "; check the credentials in \"headers\"";
          case 404 -> "; there is no MCP endpoint at this \"url\"";
          case 405, 406, 415 -> "; the \"url\" may be of another \"type\" (http, sse, ws)";
          case 429, 503 -> "; it is overloaded";
          default -> "";
        };
    return UpstreamException.of(
        status == 429 || status == 503 ? Kind.BUSY : Kind.PROTOCOL,
        "the server refused with HTTP status " + status + hint + said);
  }

  /** The JSON-RPC error in a body, or null. */
  static @Nullable Envelope errorIn(byte[] body) {
    try {
      Envelope message = Envelope.read(body);
      return message.kind() == Envelope.Kind.ERROR ? message : null;
    } catch (MalformedMessageException noMessage) {
      return null;
    }
  }

  /** Hands the messages in a body to {@code inbound}. */
  static void deliver(byte[] body, String stream, Connection.Inbound inbound) {
    Envelope message;
    try {
      message = Envelope.read(body);
    } catch (MalformedMessageException noMessage) {
      inbound.noise(
          stream,
          "not a message: "
              + noMessage.getMessage()
              + ": "
              + new String(body, 0, Math.min(body.length, 2_000), StandardCharsets.UTF_8));
      return;
    }
    if (message.kind() == Envelope.Kind.BATCH) {
      message.members().forEach(inbound::received);
    } else {
      inbound.received(message);
    }
  }
}
