package dev.sluice.rest;

import dev.sluice.settings.Setting;
import dev.sluice.settings.Settings;
import jakarta.enterprise.context.ApplicationScoped;
import jakarta.inject.Inject;
import jakarta.ws.rs.core.MediaType;
import jakarta.ws.rs.core.MultivaluedMap;
import jakarta.ws.rs.ext.Provider;
import jakarta.ws.rs.ext.ReaderInterceptor;
import jakarta.ws.rs.ext.ReaderInterceptorContext;
import java.io.IOException;
import java.io.InputStream;
import java.util.Arrays;
import java.util.Locale;
import org.jspecify.annotations.Nullable;

/**
 * Reads a {@link JsonBody}: bounded in bytes and in time.
 *
 * <p>The content type is checked here and not by {@code Consumes} on the resources, because a
 * request without body has none, and RESTEasy refuses that where Jersey does not. An interceptor
 * and not a reader, because Jersey puts its own reader for JSON-B before ours in some starts and
 * after it in others.
 */
@Provider
@ApplicationScoped
public class JsonBodyReader implements ReaderInterceptor {

  @Inject private Settings settings;

  @Override
  public Object aroundReadFrom(ReaderInterceptorContext context) throws IOException {
    return context.getType() == JsonBody.class
        ? read(context.getMediaType(), context.getHeaders(), context.getInputStream())
        : context.proceed();
  }

  private JsonBody read(
      MediaType mediaType, MultivaluedMap<String, String> headers, InputStream in) {
    int limit = settings.integer(Setting.HTTP_BODY_LIMIT);
    long announced = announced(headers.getFirst("Content-Length"));
    if (announced > limit) {
      throw tooLarge(limit);
    }
    BoundedBody body =
        new BoundedBody(limit, settings.seconds(Setting.HTTP_BODY_SECONDS), System::nanoTime);
    byte[] bytes;
    try {
      bytes = body.read(in);
    } catch (BoundedBody.TooLargeException larger) {
      throw tooLarge(limit);
    } catch (BoundedBody.TooSlowException slower) {
      throw ApiException.of(
          408,
          "request_timeout",
          "The request body did not arrive within "
              + settings.number(Setting.HTTP_BODY_SECONDS)
              + " s (sluice.http.body.seconds).");
    } catch (IOException broken) {
      if (broken.getClass().getSimpleName().equals("RequestTooBigException")) {
        // Undertow's own max-post-size (10 MB by default), when ours is set above it
        throw tooLarge(limit);
      }
      throw ApiException.of(
          400, "body_incomplete", "The request body ended before its announced end.");
    }
    if (bytes.length == 0) {
      return JsonBody.EMPTY;
    }
    checkType(headers.getFirst("Content-Type"), mediaType);
    return JsonText.object(bytes, bytes.length);
  }

  private static void checkType(@Nullable String header, MediaType mediaType) {
    String charset = mediaType.getParameters().getOrDefault("charset", "utf-8");
    boolean json =
        mediaType.getType().equalsIgnoreCase("application")
            && (mediaType.getSubtype().equalsIgnoreCase("json")
                || mediaType.getSubtype().toLowerCase(Locale.ROOT).endsWith("+json"));
    if (header == null || !json) {
      throw ApiException.of(
          415,
          "unsupported_media_type",
          "The request body must be application/json"
              + (header == null ? "; the request has no Content-Type." : "."));
    }
    if (!Arrays.asList("utf-8", "utf8").contains(charset.toLowerCase(Locale.ROOT))) {
      throw ApiException.of(
          415, "unsupported_media_type", "JSON is UTF-8 (RFC 8259); leave the charset out.");
    }
  }

  private static long announced(@Nullable String contentLength) {
    if (contentLength == null) {
      return 0;
    }
    try {
      return Long.parseLong(contentLength.trim());
    } catch (NumberFormatException overLong) {
      return Long.MAX_VALUE; // the server accepted it as a number, so it is a huge one
    }
  }

  private static ApiException tooLarge(int limit) {
    return ApiException.of(
        413,
        "body_too_large",
        "The request body is larger than " + limit + " bytes (sluice.http.body.limit).");
  }
}
