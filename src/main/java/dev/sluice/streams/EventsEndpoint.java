package dev.sluice.streams;

import dev.sluice.access.IdleTimers;
import dev.sluice.events.CloseCode;
import dev.sluice.events.SubscribersExhausted;
import dev.sluice.events.Subscription;
import jakarta.inject.Inject;
import jakarta.websocket.OnClose;
import jakarta.websocket.OnError;
import jakarta.websocket.OnMessage;
import jakarta.websocket.OnOpen;
import jakarta.websocket.PongMessage;
import jakarta.websocket.Session;
import jakarta.websocket.server.ServerEndpoint;
import java.lang.System.Logger;
import java.lang.System.Logger.Level;
import org.jspecify.annotations.Nullable;

/**
 * The event stream over WebSocket, {@code /api/ws/events}: JSON text frames as docs/stream-contract
 * describes them.
 *
 * <p>One instance a session and no state but the session's own. No callback blocks: on WildFly they
 * run on few shared workers. The caller is the session's principal, which the access filter set
 * before the upgrade; {@link StreamDoorFilter} has checked the query by then.
 */
@ServerEndpoint(EventsEndpoint.PATH)
public class EventsEndpoint {

  /** The path under the context root. */
  static final String PATH = "/api/ws/events";

  /**
   * Most characters (bytes, for binary) of a client's message; longer ones end the connection with
   * 1009.
   */
  static final int MAX_MESSAGE = 64 * 1024;

  private static final Logger LOG = System.getLogger(EventsEndpoint.class.getName());
  private static final String OUTLET = WebSocketOutlet.class.getName();
  private static final String SUBSCRIPTION = Subscription.class.getName();

  @Inject private EventStreams streams;

  /** A message of which the end has not come yet. */
  private final StringBuilder parts = new StringBuilder();

  /** Subscribes with what the query says; all events from now on when it says nothing. */
  @OnOpen
  public void open(Session session) {
    IdleTimers.none(session);
    session.setMaxBinaryMessageBufferSize(MAX_MESSAGE);
    WebSocketOutlet outlet = streams.outlet(session);
    if (!EventStreams.mayRead(session.getUserPrincipal())) {
      outlet.close(CloseCode.FORBIDDEN, "the caller may not read events");
      return;
    }
    try {
      session.getUserProperties().put(OUTLET, outlet);
      session
          .getUserProperties()
          .put(
              SUBSCRIPTION,
              streams.open(
                  SubscribeQuery.parse(session.getRequestParameterMap()),
                  session.getUserPrincipal(),
                  outlet));
    } catch (SubscribersExhausted full) {
      outlet.close(CloseCode.TRY_AGAIN_LATER, String.valueOf(full.getMessage()));
    } catch (IllegalArgumentException invalid) {
      outlet.close(CloseCode.INVALID_DATA, String.valueOf(invalid.getMessage()));
    }
  }

  /**
   * Takes a message as it comes in: parts are counted here, because Undertow does not hold whole
   * text messages to a limit (a client's 300 MB were collected), while it does binary ones.
   */
  @OnMessage
  public void part(Session session, String part, boolean last) {
    Subscription subscription = subscription(session);
    if (subscription == null) {
      return;
    }
    if (parts.length() + part.length() > MAX_MESSAGE) {
      parts.setLength(0);
      parts.trimToSize();
      session.getUserProperties().remove(SUBSCRIPTION);
      subscription.close(
          CloseCode.TOO_LARGE, "a message may have " + MAX_MESSAGE + " characters, this has more");
      return;
    }
    parts.append(part);
    if (last) {
      String whole = parts.toString();
      parts.setLength(0);
      message(subscription, ClientMessage.parse(whole));
    }
  }

  private static void message(Subscription subscription, ClientMessage message) {
    if (message instanceof ClientMessage.Subscribe subscribe) {
      if (subscribe.acknowledged()) {
        subscription.replace(subscribe.request());
      } else {
        subscription.replaceQuietly(subscribe.request());
      }
    } else if (message instanceof ClientMessage.Rejected rejected) {
      subscription.error(rejected.code(), rejected.message());
    }
  }

  /** Binary is not part of the contract: 1003. */
  @OnMessage(maxMessageSize = MAX_MESSAGE)
  public void binary(Session session, byte[] bytes) {
    Subscription subscription = subscription(session);
    if (subscription != null) {
      subscription.close(
          CloseCode.UNSUPPORTED_DATA,
          bytes.length + " bytes of binary; this stream reads JSON text");
    }
  }

  /** The answer to a protocol ping. */
  @OnMessage
  public void pong(Session session, PongMessage pong) {
    if (session.getUserProperties().get(OUTLET) instanceof WebSocketOutlet outlet) {
      outlet.pong();
    }
  }

  /** The container closes the session itself and then calls {@link #close}. */
  @OnError
  public void error(Session session, Throwable failure) {
    LOG.log(Level.DEBUG, () -> "session " + session.getId() + " failed", failure);
  }

  /** Frees the lane at once. */
  @OnClose
  public void close(Session session) {
    if (session.getUserProperties().get(OUTLET) instanceof WebSocketOutlet outlet) {
      streams.gone(outlet);
    }
  }

  private static @Nullable Subscription subscription(Session session) {
    return session.getUserProperties().get(SUBSCRIPTION) instanceof Subscription found
        ? found
        : null;
  }
}
