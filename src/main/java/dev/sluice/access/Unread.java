package dev.sluice.access;

import jakarta.servlet.http.HttpServletRequest;
import jakarta.servlet.http.HttpServletResponse;
import java.util.Set;

/**
 * Request bodies that are not read before the answer. A server that keeps the connection reads them
 * to their end with the thread of the request (seen on WildFly), and so waits for a peer that sends
 * nothing; it does not, if the answer says that the connection ends.
 */
public final class Unread {

  /** HTTP/2 announces neither length nor coding; these methods may have a body then. */
  private static final Set<String> WITH_BODY = Set.of("POST", "PUT", "PATCH", "DELETE");

  private Unread() {}

  /** Whether the request may have a body. */
  public static boolean isPossible(HttpServletRequest request) {
    long length = announced(request);
    return length > 0
        || (length < 0
            && (request.getHeader("Transfer-Encoding") != null
                || (!isFirst(request) && WITH_BODY.contains(request.getMethod()))));
  }

  /** The announced length in bytes, -1 without one. */
  public static long announced(HttpServletRequest request) {
    String length = request.getHeader("Content-Length");
    if (length == null) {
      return -1;
    }
    try {
      return Long.parseLong(length.trim());
    } catch (NumberFormatException overLong) {
      return Long.MAX_VALUE; // the server accepted it as a number, so it is a huge one
    }
  }

  /** Has the connection end with the answer, if the request may have a body. */
  public static void close(HttpServletRequest request, HttpServletResponse response) {
    // HTTP/2 has no such header, and ends the stream alone.
    if (isFirst(request) && isPossible(request)) {
      response.setHeader("Connection", "close");
    }
  }

  private static boolean isFirst(HttpServletRequest request) {
    return request.getProtocol().startsWith("HTTP/1");
  }
}
