package dev.sluice.servers;

import dev.sluice.events.DomainEvent;
import dev.sluice.events.EventSink;
import dev.sluice.events.RawJson;
import dev.sluice.jsonrpc.Envelope;
import dev.sluice.rest.ApiException;
import dev.sluice.servers.CallGate.Outcome;
import dev.sluice.servers.upstream.EraVerdict;
import dev.sluice.servers.upstream.ModernUpstream;
import dev.sluice.servers.upstream.StartFailure;
import dev.sluice.servers.upstream.StartPolicy;
import dev.sluice.servers.upstream.UpstreamPipe;
import java.time.Duration;
import java.util.Optional;
import java.util.UUID;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;

/**
 * A registered server as the relay sees it: what it may do, how to reach it for one client session,
 * and the account of the calls that go by. Any thread may call; nothing blocks.
 */
public final class RelayedServer {

  private static final int MAX_MESSAGE = 500;
  private static final int MAX_READ = 16 * 1024;

  /** Characters that events have of names that clients make up. */
  private static final int MAX_NAME = 128;

  private final McpServer server;
  private final Supervision supervision;
  private final EventSink events;

  RelayedServer(McpServer server, Supervision supervision) {
    this.server = server;
    this.supervision = supervision;
    this.events = supervision.events();
  }

  /** Its id. */
  public String id() {
    return server.id().value();
  }

  /** What it is now. */
  public ServerDefinition definition() {
    return server.definition();
  }

  /**
   * Refuses what may not be used.
   *
   * @throws ApiException 404 when removed, 409 when blocked, disabled or not usable
   */
  public void check() {
    server.checkStartable();
  }

  /**
   * A connection or child of its own for one session.
   *
   * @return fails with {@link ApiException} if it cannot be had
   */
  public CompletableFuture<UpstreamPipe> connect(UpstreamPipe.Receiver receiver) {
    CompletableFuture<UpstreamPipe> made = new CompletableFuture<>();
    try {
      check();
    } catch (ApiException refused) {
      return CompletableFuture.failedFuture(refused);
    }
    supervision.starting(
        () -> {
          try {
            UpstreamPipe pipe = supervision.pipe(definition(), receiver, starts());
            if (!made.complete(pipe)) {
              pipe.close(); // given up meanwhile
            }
          } catch (StartFailure failure) {
            made.completeExceptionally(server.children().refusal(failure));
          } catch (RuntimeException | Error defect) {
            made.completeExceptionally(defect);
          }
        });
    return made;
  }

  /** Remote servers are not started, so they need no back-off. */
  private StartPolicy starts() {
    return definition().transport() instanceof ServerDefinition.Transport.Stdio
        ? server.children()
        : StartPolicy.ANY;
  }

  /** Which protocol eras it speaks, as far as that is known without asking it. */
  public Optional<EraVerdict> knownEras() {
    return supervision.eras().known(definition());
  }

  /**
   * Which protocol eras it speaks; asks it if that is not known.
   *
   * @return fails with {@link ApiException} or {@link UpstreamException} if it cannot be asked now
   */
  public CompletableFuture<EraVerdict> eras() {
    return reachable(supervision.eras().of(definition()));
  }

  /**
   * The way to it for requests of the stateless era, common to all clients.
   *
   * @return fails with {@link ApiException} if it cannot be had
   */
  public CompletableFuture<ModernUpstream> modern() {
    try {
      check();
    } catch (ApiException refused) {
      return CompletableFuture.failedFuture(refused);
    }
    return reachable(supervision.modern(definition(), starts()));
  }

  private <T> CompletableFuture<T> reachable(CompletableFuture<T> asked) {
    return asked.exceptionallyCompose(
        problem -> {
          Throwable cause =
              problem instanceof CompletionException && problem.getCause() != null
                  ? problem.getCause()
                  : problem;
          return CompletableFuture.failedFuture(
              cause instanceof StartFailure failure ? server.children().refusal(failure) : cause);
        });
  }

  /** Closes a pipe where blocking is allowed. */
  public void retire(UpstreamPipe pipe) {
    supervision.stopping(pipe::close);
  }

  /**
   * Lets a tool call of a client in and tells that it was asked for.
   *
   * @param request the whole {@code tools/call}
   * @param transport by which it came
   * @throws ApiException 429 or 503, see {@link CallGate#admit}
   */
  public Call call(Envelope request, ClientTransport transport) {
    String tool = request.string(Envelope.Part.NAME);
    Call call =
        new Call(
            ShownText.of(tool == null ? "" : tool, MAX_NAME), transport, server.calls().admit());
    events.publish(
        new DomainEvent.ToolInvocationRequested(
            id(),
            call.tool,
            call.correlationId,
            arguments(request),
            transport.wire(),
            request.size()));
    return call;
  }

  /**
   * Tells that a client's session with it was opened.
   *
   * @param reference of the session, for everybody to see: not the id that its client holds
   * @param client the name that the client gives itself
   * @param clientVersion its version, as it says
   * @param protocolVersion that both agreed on
   */
  public void sessionOpened(
      String reference,
      ClientTransport transport,
      String client,
      String clientVersion,
      String protocolVersion) {
    events.publish(
        new DomainEvent.SessionOpened(
            id(),
            reference,
            transport.wire(),
            ShownText.of(client, MAX_NAME),
            ShownText.of(clientVersion, MAX_NAME),
            ShownText.of(protocolVersion, MAX_NAME)));
  }

  /**
   * Tells that such a session is over.
   *
   * @param reason what ended it, one word
   * @param open how long it was open
   * @param requests of the client, tool calls included
   * @param calls of tools
   * @param failed of these, those without a result, or with one that is an error
   */
  public void sessionClosed(
      String reference,
      ClientTransport transport,
      String reason,
      Duration open,
      long requests,
      long calls,
      long failed) {
    events.publish(
        new DomainEvent.SessionClosed(
            id(),
            reference,
            transport.wire(),
            reason,
            open.toMillis() / 1000.0,
            requests,
            calls,
            failed));
  }

  /** Large ones are not read for an event that would leave them out. */
  private static RawJson arguments(Envelope request) {
    String params = request.size() > MAX_READ ? null : request.json(Envelope.Part.PARAMS);
    return params == null
        ? new RawJson("{\"_omitted\":\"arguments too large for an event\"}")
        : ArgumentText.of(params);
  }

  /** One tool call that was let in; ended once by one of its methods. */
  public final class Call {
    private final String tool;
    private final ClientTransport transport;
    private final CallGate.Admission admission;
    private final String correlationId = UUID.randomUUID().toString();
    private final long begin = System.nanoTime();

    Call(String tool, ClientTransport transport, CallGate.Admission admission) {
      this.tool = tool;
      this.transport = transport;
      this.admission = admission;
    }

    private double elapsedMs() {
      return (System.nanoTime() - begin) / 1e6;
    }

    /**
     * The server has answered: gives the place to the next call. To be called before the client
     * gets the answer, since its next call may come at once.
     *
     * @param error whether the answer is an error, of the tool or of the server
     */
    public void release(boolean error) {
      server.children().forgive();
      server.calls().release(admission, Outcome.ANSWERED, error);
    }

    /** Tells of a result, after {@link #release}. */
    public void answered(boolean toolError, int bytes) {
      double ms = elapsedMs();
      server.history().add(tool, correlationId, ms, toolError ? "tool_error" : "");
      if (toolError) {
        failed(ms, "the tool reported an error", "tool_error");
      } else {
        events.publish(
            new DomainEvent.ToolInvocationCompleted(
                id(), tool, correlationId, ms, bytes, transport.wire()));
      }
    }

    /** Tells of a JSON-RPC error, after {@link #release}. */
    public void refused(String message) {
      double ms = elapsedMs();
      server.history().add(tool, correlationId, ms, "upstream_error");
      failed(ms, message, "upstream_error");
    }

    /**
     * There was no answer.
     *
     * @param fault whether that is the server's doing, not the client's or the hub's
     */
    public void lost(String message, String type, boolean fault) {
      double ms = elapsedMs();
      server.calls().release(admission, fault ? Outcome.TRANSPORT_FAILED : Outcome.NEUTRAL, true);
      server.history().add(tool, correlationId, ms, type);
      failed(ms, message, type);
    }

    private void failed(double ms, String message, String type) {
      String shown =
          message.length() <= MAX_MESSAGE ? message : message.substring(0, MAX_MESSAGE) + "…";
      events.publish(
          new DomainEvent.ToolInvocationFailed(
              id(), tool, correlationId, ms, shown, type, transport.wire()));
    }
  }
}
