package dev.sluice.rest;

import jakarta.enterprise.context.ApplicationScoped;
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
 * Reads a {@link JsonBody}; its bounds in bytes and time are held by {@link BodyFilter}.
 *
 * <p>The content type is checked here and not by {@code Consumes} on the resources, because a
 * request without body has none, and RESTEasy refuses that where Jersey does not. An interceptor
 * and not a reader, because Jersey puts its own reader for JSON-B before ours in some starts and
 * after it in others.
 */
@Provider
@ApplicationScoped
public class JsonBodyReader implements ReaderInterceptor {

  @Override
  public Object aroundReadFrom(ReaderInterceptorContext context) throws IOException {
    return context.getType() == JsonBody.class
        ? read(context.getMediaType(), context.getHeaders(), context.getInputStream())
        : context.proceed();
  }

  private JsonBody read(
      MediaType mediaType, MultivaluedMap<String, String> headers, InputStream in) {
    byte[] bytes;
    try {
      bytes = in.readAllBytes(); // BodyFilter has bounded it
    } catch (BodyFailure failed) {
      throw failed.asApiException();
    } catch (IOException broken) {
      throw BodyFailure.incomplete().asApiException();
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
}
