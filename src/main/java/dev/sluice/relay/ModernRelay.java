package dev.sluice.relay;

import dev.sluice.jsonrpc.Envelope;
import dev.sluice.jsonrpc.Envelope.Kind;
import dev.sluice.jsonrpc.Envelope.Part;
import dev.sluice.servers.RelayedServer;
import dev.sluice.servers.upstream.EraVerdict;
import dev.sluice.servers.upstream.ModernHeaders;
import dev.sluice.servers.upstream.ModernUpstream;
import dev.sluice.threads.Bounded;
import jakarta.annotation.PostConstruct;
import jakarta.annotation.PreDestroy;
import jakarta.enterprise.concurrent.ManagedExecutorService;
import jakarta.enterprise.concurrent.ManagedScheduledExecutorService;
import jakarta.enterprise.context.ApplicationScoped;
import jakarta.inject.Inject;
import jakarta.servlet.http.HttpServletRequest;
import jakarta.servlet.http.HttpServletResponse;
import java.io.IOException;
import java.util.ArrayList;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.Future;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicLong;
import org.jspecify.annotations.Nullable;

/**
 * The stateless era (2026-07-28): each request, be it a POST to {@code /mcp/{server}} or a message
 * on a WebSocket, stands for itself and is carried by one {@link ModernExchange}, as many at once
 * as the {@link RelayLimits} say. Any thread may call; nothing blocks. Ends them all at
 * undeployment.
 */
@ApplicationScoped
public class ModernRelay {

  /** Servers of which it is known which arguments HTTP repeats in headers. */
  private static final int MAX_MIRRORED = 1_024;

  /** How often it looks at what is overdue, and at clients that may have left. */
  private static final long TICK_MILLIS = 50;

  private static final int NO_SESSIONS = -32000;
  private static final int METHOD_NOT_FOUND = -32601;
  private static final String JSON = "application/json";

  @Inject private Relay sessions;
  @Inject @Bounded private ManagedExecutorService work;
  @Inject @Bounded private ManagedScheduledExecutorService timer;

  private final Set<ModernExchange> exchanges = ConcurrentHashMap.newKeySet();
  private final Map<String, MirroredArguments> mirrored = new ConcurrentHashMap<>();
  private final AtomicLong refused = new AtomicLong();
  private final AtomicBoolean looking = new AtomicBoolean();
  private @Nullable Future<?> ticking;

  @PostConstruct
  void start() {
    ticking =
        timer.scheduleAtFixedRate(this::tick, TICK_MILLIS, TICK_MILLIS, TimeUnit.MILLISECONDS);
  }

  @PreDestroy
  void stop() {
    if (ticking != null) {
      ticking.cancel(false);
    }
    new ArrayList<>(exchanges).forEach(ModernExchange::goingAway);
  }

  /**
   * Figures of the stateless era.
   *
   * @param requests that wait for answers, subscriptions counted in
   * @param maxRequests at most
   * @param subscriptions of these
   * @param maxSubscriptions at most
   * @param heldBytes that wait for clients
   * @param mirroredArguments of tools, of which it is known that HTTP repeats them in headers
   * @param refused at a limit
   */
  public record Gauges(
      int requests,
      int maxRequests,
      int subscriptions,
      int maxSubscriptions,
      long heldBytes,
      int mirroredArguments,
      long refused) {}

  /** The figures now. */
  public Gauges gauges() {
    return new Gauges(
        exchanges.size(),
        sessions.limits().statelessRequests(),
        listens(),
        sessions.limits().statelessSubscriptions(),
        exchanges.stream().mapToLong(ModernExchange::heldBytes).sum(),
        mirrored.values().stream().mapToInt(MirroredArguments::count).sum(),
        refused.get());
  }

  /** A request was refused at a limit. */
  void refusedRequest() {
    refused.incrementAndGet();
  }

  /** How much there may be of what. */
  RelayLimits limits() {
    return sessions.limits();
  }

  private int listens() {
    return (int) exchanges.stream().filter(ModernExchange::listens).count();
  }

  /** Whether the server is known to speak the stateless era only. */
  static boolean only(RelayedServer server) {
    return server.knownEras().filter(eras -> eras.modern() && !eras.legacy()).isPresent();
  }

  /** An initialize that says of itself that it is stateless; a server of the era knows none. */
  private static boolean isStray(Envelope message, RelayedServer server) {
    return message.kind() == Kind.REQUEST
        && message.method().equals("initialize")
        && message.has(Part.META_PROTOCOL_VERSION)
        && server.knownEras().filter(EraVerdict::modern).isPresent();
  }

  private Optional<Envelope> mismatch(
      RelayedServer server, Envelope message, ModernLadder.Headers headers) {
    MirroredArguments known =
        message.method().equals("tools/call") ? mirrored.get(server.id()) : null;
    return known == null
        ? Optional.empty()
        : known
            .mismatch(message, headers)
            .map(header -> ModernLadder.mismatch(message, header, "params.arguments"));
  }

  /** A request that {@link #begin} took is over. */
  void over(ModernExchange exchange) {
    exchanges.remove(exchange);
    Envelope tools = exchange.listed();
    if (tools == null) {
      return;
    }
    String server = exchange.server().id();
    if (mirrored.size() < MAX_MIRRORED || mirrored.containsKey(server)) {
      mirrored.computeIfAbsent(server, id -> new MirroredArguments()).learn(tools);
    }
  }

  /**
   * Takes a POST over if it is of the stateless era, or if its target knows no other.
   *
   * @return whether it did; then the response is, or will be, complete
   */
  boolean take(
      RelayedServer server,
      Envelope message,
      HttpServletRequest request,
      HttpServletResponse response)
      throws IOException {
    ModernLadder.Headers headers = name -> Collections.list(request.getHeaders(name));
    if (!ModernLadder.isModern(message, headers.all(ModernHeaders.VERSION))
        && !isStray(message, server)) {
      if (message.method().equals("initialize") && only(server)) {
        String asked = message.json(Part.PROTOCOL_VERSION);
        answer(
            response,
            400,
            ModernLadder.unsupported(message.idText(), asked == null ? "null" : asked));
        return true;
      }
      return false;
    }
    if (message.kind() == Kind.NOTIFICATION) {
      // The only one that clients have cancels, and over HTTP a closed stream does that.
      response.setStatus(202);
      return true;
    }
    Optional<Envelope> wrong =
        ModernLadder.check(message, headers).or(() -> mismatch(server, message, headers));
    Map<String, String> params = params(request);
    ModernHttpReply reply = new ModernHttpReply(request, response, message);
    ModernExchange exchange = new ModernExchange(server, message, params, reply, this::over);
    reply.of(exchange);
    begin(server, exchange, wrong);
    return true;
  }

  /**
   * Lets a request go to its server, if it is one of this era.
   *
   * @param wrong what is wrong with the request, to be told if the server is of this era
   */
  void begin(RelayedServer server, ModernExchange exchange, Optional<Envelope> wrong) {
    if (exchanges.size() >= limits().statelessRequests()) {
      refusedRequest();
      exchange.full("The hub has too many requests in flight.");
      return;
    }
    exchanges.add(exchange);
    Optional<EraVerdict> known = server.knownEras();
    if (known.filter(eras -> !eras.probed()).isPresent()) {
      decided(exchange, known.get(), wrong);
      return;
    }
    var unused =
        server
            .eras()
            .whenComplete(
                (eras, failure) -> {
                  if (failure != null) {
                    exchange.unreachable(failure);
                  } else {
                    decided(exchange, eras, wrong);
                  }
                });
  }

  private void decided(ModernExchange exchange, EraVerdict eras, Optional<Envelope> wrong) {
    if (!eras.modern()) {
      exchange.answer(
          400,
          Envelope.error(
              exchange.request(),
              NO_SESSIONS,
              "Bad Request: this server speaks MCP with sessions only; send initialize first."));
    } else if (wrong.isPresent()) {
      exchange.answer(400, wrong.get());
    } else if (exchange.request().method().equals("initialize")) {
      // Not for the server: one of both eras would open a session in the child that all share.
      exchange.answer(
          404,
          Envelope.error(
              exchange.request(),
              METHOD_NOT_FOUND,
              "Method not found: initialize is no part of " + ModernUpstream.VERSION + "."));
    } else if (exchange.listens() && listens() > limits().statelessSubscriptions()) {
      refusedRequest();
      exchange.full("The hub has too many subscriptions.");
    } else {
      exchange.begin();
    }
  }

  private static Map<String, String> params(HttpServletRequest request) {
    Map<String, String> params = new LinkedHashMap<>();
    for (String name : Collections.list(request.getHeaderNames())) {
      if (name.toLowerCase(Locale.ROOT).startsWith(ModernHeaders.PARAM.toLowerCase(Locale.ROOT))) {
        List<String> all = Collections.list(request.getHeaders(name));
        params.put(name, String.join(", ", all));
      }
    }
    return params;
  }

  private static void answer(HttpServletResponse response, int status, Envelope error)
      throws IOException {
    byte[] body = error.bytes();
    response.setStatus(status);
    response.setContentType(JSON);
    response.setContentLength(body.length);
    response.getOutputStream().write(body);
  }

  private void tick() {
    if (exchanges.isEmpty() || !looking.compareAndSet(false, true)) {
      return;
    }
    try {
      work.execute(this::look);
    } catch (RejectedExecutionException ending) {
      looking.set(false);
      Relay.LOG.log(System.Logger.Level.DEBUG, "no look at requests while the hub ends", ending);
    }
  }

  private void look() {
    try {
      long now = System.nanoTime();
      int all = exchanges.size();
      for (ModernExchange exchange : exchanges) {
        try {
          exchange.tick(now, all);
        } catch (RuntimeException defect) { // thrown on, it would end the look at all others
          Relay.LOG.log(System.Logger.Level.DEBUG, "a request could not be looked at", defect);
        }
      }
    } finally {
      looking.set(false);
    }
  }
}
