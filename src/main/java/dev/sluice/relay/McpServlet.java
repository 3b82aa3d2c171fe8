package dev.sluice.relay;

import dev.sluice.access.Caller;
import dev.sluice.access.PublicUrl;
import dev.sluice.jsonrpc.Envelope;
import dev.sluice.jsonrpc.Envelope.Kind;
import dev.sluice.jsonrpc.MalformedMessageException;
import dev.sluice.rest.ApiException;
import dev.sluice.rest.BodyFailure;
import dev.sluice.rest.Query;
import dev.sluice.servers.ClientTransport;
import dev.sluice.servers.RelayedServer;
import dev.sluice.settings.Setting;
import dev.sluice.settings.Settings;
import dev.sluice.sse.SseResponse;
import jakarta.inject.Inject;
import jakarta.servlet.http.HttpServlet;
import jakarta.servlet.http.HttpServletRequest;
import jakarta.servlet.http.HttpServletResponse;
import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * {@code /mcp/{server}}: Streamable HTTP, and below it {@code /sse} and {@code /messages}:
 * HTTP+SSE. Reads what HTTP says and hands messages to the session; what becomes of them is the
 * session's.
 */
public class McpServlet extends HttpServlet {

  private static final long serialVersionUID = 1L;

  /** The header with the session's id. */
  static final String SESSION = "Mcp-Session-Id";

  static final String VERSION = "MCP-Protocol-Version";

  /** Revisions whose sessions are carried. */
  static final Set<String> VERSIONS =
      Set.of("2024-11-05", "2025-03-26", "2025-06-18", "2025-11-25");

  private static final String BATCHES = "2025-03-26";
  private static final String PRIMING = "2025-11-25";
  private static final String EVENTS = "text/event-stream";
  private static final String JSON = "application/json";

  private static final int PARSE_ERROR = -32700;
  private static final int SESSION_NOT_FOUND = -32001;
  private static final int REFUSED = -32000;

  @Inject private transient Relay relay;
  @Inject private transient ModernRelay modern;
  @Inject private transient Settings settings;

  /** An answer instead of a stream: JSON-RPC in the body, as clients of MCP expect. */
  private static final class Refused extends Exception {
    private static final long serialVersionUID = 1L;

    private final int status;
    private final int code;
    private final @Nullable String id;

    Refused(int status, int code, @Nullable String id, String message) {
      super(message);
      this.status = status;
      this.code = code;
      this.id = id;
    }

    Refused(int status, int code, String message) {
      this(status, code, null, message);
    }
  }

  @Override
  public void init() {
    relay.begin();
  }

  /**
   * Sends all clients away. When the application is undeployed, servlets end before both servers'
   * WebSocket containers cut their sessions; the relay's own end comes too late there.
   */
  @Override
  public void destroy() {
    relay.leave();
  }

  /** The parts of the path after {@code /mcp}. */
  private record Target(RelayedServer server, String below) {}

  @Override
  protected void service(HttpServletRequest request, HttpServletResponse response)
      throws IOException {
    try {
      Target target = target(request);
      switch (target.below()) {
        case "" -> streamable(target, request, response);
        case "/sse" -> {
          only("GET", request, response);
          sse(target, request, response);
        }
        case "/messages" -> {
          only("POST", request, response);
          messages(target, request, response);
        }
        case "/ws" -> throw new Refused(426, REFUSED, "This path speaks WebSocket only.");
        default -> throw new Refused(404, REFUSED, "There is nothing here.");
      }
    } catch (Refused refused) {
      if (refused.status == 426) {
        response.setHeader("Upgrade", "websocket");
      }
      if (refused.status == 503 || refused.status == 429) {
        response.setHeader("Retry-After", "1");
      }
      answer(
          response,
          refused.status,
          Envelope.error(refused.id, refused.code, String.valueOf(refused.getMessage())));
    }
  }

  private static void answer(HttpServletResponse response, int status, Envelope error)
      throws IOException {
    byte[] body = error.bytes();
    response.setStatus(status);
    response.setContentType(JSON);
    response.setContentLength(body.length);
    response.getOutputStream().write(body);
  }

  private static void only(String method, HttpServletRequest request, HttpServletResponse response)
      throws Refused {
    if (!request.getMethod().equals(method)) {
      response.setHeader("Allow", method);
      throw new Refused(405, REFUSED, "This path takes " + method + " only.");
    }
  }

  private Target target(HttpServletRequest request) throws Refused {
    String path = request.getPathInfo() == null ? "" : request.getPathInfo();
    String name = path.startsWith("/") ? path.substring(1) : path;
    int slash = name.indexOf('/');
    String below = slash < 0 ? "" : name.substring(slash);
    name = slash < 0 ? name : name.substring(0, slash);
    if (name.isEmpty()) {
      throw new Refused(404, REFUSED, "Name a server: /mcp/{server}.");
    }
    try {
      return new Target(relay.server(name), below);
    } catch (ApiException refused) {
      throw new Refused(
          refused.refusal().status() == 404 ? 404 : 503,
          REFUSED,
          String.valueOf(refused.getMessage()));
    }
  }

  private static Caller caller(HttpServletRequest request) {
    return request.getUserPrincipal() instanceof Caller known ? known : new Caller("", Set.of());
  }

  // Streamable HTTP.

  private void streamable(Target target, HttpServletRequest request, HttpServletResponse response)
      throws IOException, Refused {
    if (ModernRelay.only(target.server())) {
      only("POST", request, response);
    }
    switch (request.getMethod()) {
      case "POST" -> post(target, request, response);
      case "GET" -> listen(target, request, response);
      case "DELETE" -> {
        relay.end(session(target, request, null), SessionEnd.CLIENT);
        response.setStatus(200);
      }
      default -> {
        response.setHeader("Allow", "GET, POST, DELETE");
        throw new Refused(405, REFUSED, "This path takes GET, POST and DELETE.");
      }
    }
  }

  private void post(Target target, HttpServletRequest request, HttpServletResponse response)
      throws IOException, Refused {
    if (!accepts(request, JSON) || !accepts(request, EVENTS)) {
      throw new Refused(
          406, REFUSED, "Not Acceptable: Accept must list application/json and text/event-stream.");
    }
    Envelope message = message(request);
    if (modern.take(target.server(), message, request, response)) {
      return;
    }
    List<Envelope> parts = message.kind() == Kind.BATCH ? message.members() : List.of(message);
    List<String> requests = new ArrayList<>();
    for (Envelope part : parts) {
      if (part.kind() == Kind.REQUEST) {
        requests.add(String.valueOf(part.idText()));
      }
    }
    boolean opens = message.kind() == Kind.REQUEST && message.method().equals("initialize");
    Session session;
    StreamableEnd end;
    if (opens && request.getHeader(SESSION) == null) {
      end = new StreamableEnd(relay.limits().streams());
      session = open(target, request, end);
      response.setHeader(SESSION, session.id());
    } else {
      session = session(target, request, message);
      end = (StreamableEnd) session.client();
    }
    if (message.kind() == Kind.BATCH && !session.version().equals(BATCHES)) {
      throw new Refused(
          400, Session.INVALID_REQUEST, "Batches are part of MCP " + BATCHES + " only.");
    }
    if (opens && session.isInitialized()) {
      throw new Refused(
          400,
          Session.INVALID_REQUEST,
          message.idText(),
          "Invalid Request: the session is initialized already.");
    }
    if (requests.isEmpty()) {
      session.receive(message);
      response.setStatus(202);
      return;
    }
    if (session.isFull()) {
      relay.refusedRequest();
      throw new Refused(
          429, REFUSED, message.idText(), "The session has too many requests in flight.");
    }
    answered(session, end, message, requests, opens, request, response);
  }

  private void answered(
      Session session,
      StreamableEnd end,
      Envelope message,
      List<String> requests,
      boolean opens,
      HttpServletRequest request,
      HttpServletResponse response)
      throws IOException, Refused {
    OutStream[] stream = new OutStream[1];
    SseResponse[] reply = new SseResponse[1];
    reply[0] =
        SseResponse.of(
            request,
            response,
            () -> {
              if (stream[0] != null) {
                stream[0].left(reply[0]);
              }
              if (opens) {
                relay.end(session, SessionEnd.CLIENT); // nobody else knows its id
              }
            });
    Optional<OutStream> made =
        end.post(requests, reply[0], !opens && session.version().compareTo(PRIMING) >= 0);
    if (made.isEmpty() && end.awaitsAny(requests)) {
      String why = "A request with this id is in flight already.";
      byte[] body = Envelope.error(message.idText(), Session.INVALID_REQUEST, why).bytes();
      reply[0].answer(400, JSON, body);
      return;
    }
    if (made.isEmpty()) {
      relay.refusedRequest();
      byte[] body =
          Envelope.error(message.idText(), REFUSED, "The session has too many streams.").bytes();
      response.setHeader("Retry-After", "1");
      reply[0].answer(429, JSON, body);
      return;
    }
    stream[0] = made.get();
    if (!opens && prefersEvents(request)) {
      stream[0].begin();
    }
    session.receive(message);
  }

  private void listen(Target target, HttpServletRequest request, HttpServletResponse response)
      throws IOException, Refused {
    if (!accepts(request, EVENTS)) {
      throw new Refused(406, REFUSED, "Not Acceptable: Accept must list text/event-stream.");
    }
    Session session = session(target, request, null);
    StreamableEnd end = (StreamableEnd) session.client();
    String last = request.getHeader("Last-Event-ID");
    OutStream stream = end.standalone();
    if (last != null && !last.isEmpty()) {
      stream =
          end.byEvent(last)
              .orElseThrow(
                  () -> new Refused(400, REFUSED, "There is no stream with that event any more."));
    }
    if (stream.isLive()) {
      throw new Refused(409, REFUSED, "Conflict: this stream has a listener already.");
    }
    response.setHeader(SESSION, session.id());
    OutStream listened = stream;
    SseResponse[] self = new SseResponse[1];
    self[0] = SseResponse.of(request, response, () -> listened.left(self[0]));
    if (!listened.attach(self[0], last == null || last.isEmpty() ? null : last)) {
      byte[] body =
          Envelope.error(
                  (String) null, REFUSED, "The stream cannot go on from that event any more.")
              .bytes();
      self[0].answer(400, JSON, body);
    }
  }

  private Session open(Target target, HttpServletRequest request, ClientEnd end) throws Refused {
    try {
      return relay.open(target.server(), caller(request), ClientTransport.STREAMABLE_HTTP, end);
    } catch (Relay.Exhausted full) {
      throw new Refused(503, REFUSED, String.valueOf(full.getMessage()));
    }
  }

  private Session session(Target target, HttpServletRequest request, @Nullable Envelope message)
      throws Refused {
    String asking = message == null ? null : message.idText();
    String id = request.getHeader(SESSION);
    if (id == null || id.isEmpty()) {
      throw new Refused(400, REFUSED, asking, "Bad Request: " + SESSION + " header is required.");
    }
    Session session =
        relay
            .find(id, target.server().id(), caller(request))
            .filter(found -> found.client() instanceof StreamableEnd)
            .orElseThrow(() -> new Refused(404, SESSION_NOT_FOUND, asking, "Session not found"));
    String version = request.getHeader(VERSION);
    if (version != null && !VERSIONS.contains(version)) {
      throw new Refused(
          400,
          REFUSED,
          asking,
          "Bad Request: Unsupported protocol version (supported versions: "
              + String.join(", ", VERSIONS.stream().sorted().toList())
              + ")");
    }
    session.touch();
    return session;
  }

  // HTTP+SSE.

  private void sse(Target target, HttpServletRequest request, HttpServletResponse response)
      throws IOException, Refused {
    Session[] session = new Session[1];
    SseResponse stream =
        SseResponse.of(
            request,
            response,
            () -> {
              if (session[0] != null) {
                relay.end(session[0], SessionEnd.CLIENT);
              }
            });
    SseEnd end =
        new SseEnd(
            stream,
            () -> relay.end(session[0], SessionEnd.TOO_SLOW),
            () -> relay.end(session[0], SessionEnd.CLIENT));
    try {
      session[0] = relay.open(target.server(), caller(request), ClientTransport.SSE, end);
    } catch (Relay.Exhausted full) {
      response.setHeader("Retry-After", "1");
      stream.answer(
          503,
          JSON,
          Envelope.error((String) null, REFUSED, String.valueOf(full.getMessage())).bytes());
      return;
    }
    String path =
        request.getContextPath()
            + "/mcp/"
            + target.server().id()
            + "/messages?session_id="
            + session[0].id();
    PublicUrl url = PublicUrl.of(request);
    end.endpoint(settings.flag(Setting.RELAY_SSE_ABSOLUTE) ? url.absolute(path) : url.path(path));
  }

  private void messages(Target target, HttpServletRequest request, HttpServletResponse response)
      throws IOException, Refused {
    String id;
    try {
      id = Query.first(request, "session_id");
      if (id == null || id.isEmpty()) {
        id = Query.first(request, "sessionId");
      }
    } catch (IllegalArgumentException illegal) {
      throw new Refused(400, REFUSED, String.valueOf(illegal.getMessage()));
    }
    if (id == null || id.isEmpty()) {
      throw new Refused(400, REFUSED, "session_id is required");
    }
    Session session =
        relay
            .find(id, target.server().id(), caller(request))
            .filter(found -> found.client() instanceof SseEnd)
            .orElseThrow(() -> new Refused(404, SESSION_NOT_FOUND, "Session not found"));
    Envelope message = message(request);
    if (message.kind() == Kind.BATCH) {
      throw new Refused(
          400, Session.INVALID_REQUEST, "Batches are not part of HTTP+SSE; post one message.");
    }
    if (message.kind() == Kind.REQUEST && session.isFull()) {
      relay.refusedRequest();
      throw new Refused(429, REFUSED, "The session has too many requests in flight.");
    }
    session.receive(message);
    byte[] accepted = {'A', 'c', 'c', 'e', 'p', 't', 'e', 'd'};
    response.setStatus(202);
    response.setContentType("text/plain");
    response.setContentLength(accepted.length);
    response.getOutputStream().write(accepted);
  }

  // What both read.

  private Envelope message(HttpServletRequest request) throws IOException, Refused {
    String type = request.getContentType() == null ? "" : request.getContentType();
    int parameters = type.indexOf(';');
    String media = (parameters < 0 ? type : type.substring(0, parameters)).trim();
    if (!media.toLowerCase(Locale.ROOT).equals(JSON)) {
      throw new Refused(
          415, REFUSED, "Unsupported Media Type: Content-Type must be application/json");
    }
    byte[] body;
    try {
      body = request.getInputStream().readAllBytes(); // BodyFilter has bounded it
    } catch (BodyFailure failed) {
      throw new Refused(failed.status(), REFUSED, String.valueOf(failed.getMessage()));
    }
    try {
      return Envelope.read(body);
    } catch (MalformedMessageException malformed) {
      throw new Refused(
          400,
          malformed.code(),
          (malformed.code() == PARSE_ERROR ? "Parse error: " : "Invalid Request: ")
              + malformed.getMessage());
    }
  }

  private static boolean accepts(HttpServletRequest request, String type) {
    String accept = request.getHeader("Accept");
    return accept != null && accept.toLowerCase(Locale.ROOT).contains(type);
  }

  /** Both are accepted; a client that wants events even for one answer lists them first. */
  private static boolean prefersEvents(HttpServletRequest request) {
    String accept = request.getHeader("Accept").toLowerCase(Locale.ROOT);
    return accept.indexOf(EVENTS) < accept.indexOf(JSON);
  }
}
