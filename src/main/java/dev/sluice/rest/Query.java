package dev.sluice.rest;

import jakarta.servlet.http.HttpServletRequest;
import java.net.URLDecoder;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * The query of a request, read by ourselves: the servers look for parameters in a form body too,
 * with the thread of the request, and wait for it; and Payara leaves out what holds NUL.
 */
public final class Query {

  private Query() {}

  /**
   * All parameters in their order, names and values decoded as UTF-8.
   *
   * @throws IllegalArgumentException naming the parameter, if one holds NUL or an illegal escape
   */
  public static Map<String, List<String>> of(HttpServletRequest request) {
    Map<String, List<String>> parameters = new LinkedHashMap<>();
    String query = request.getQueryString();
    if (query == null) {
      return parameters;
    }
    for (String parameter : query.split("&", -1)) {
      if (!parameter.isEmpty()) {
        int equals = parameter.indexOf('=');
        String name = equals < 0 ? parameter : parameter.substring(0, equals);
        String value = equals < 0 ? "" : parameter.substring(equals + 1);
        parameters
            .computeIfAbsent(decoded(name, name), any -> new ArrayList<>(1))
            .add(decoded(name, value));
      }
    }
    return parameters;
  }

  /**
   * The first value of a parameter, or null.
   *
   * @throws IllegalArgumentException as {@link #of}
   */
  public static @Nullable String first(HttpServletRequest request, String name) {
    List<String> values = of(request).get(name);
    return values == null ? null : values.get(0);
  }

  private static String decoded(String name, String text) {
    String decoded;
    try {
      decoded = URLDecoder.decode(text, StandardCharsets.UTF_8);
    } catch (IllegalArgumentException illegal) {
      throw new IllegalArgumentException(
          cut(name) + " holds an illegal escape; % is followed by two hexadecimal digits");
    }
    if (decoded.indexOf('\0') >= 0) {
      throw new IllegalArgumentException(cut(name) + " must not hold NUL (%00)");
    }
    return decoded;
  }

  private static String cut(String raw) {
    return raw.length() <= 64 ? raw : raw.substring(0, 64) + "…";
  }
}
