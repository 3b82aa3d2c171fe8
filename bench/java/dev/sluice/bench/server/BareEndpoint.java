package dev.sluice.bench.server;

import jakarta.inject.Inject;
import jakarta.websocket.OnClose;
import jakarta.websocket.OnOpen;
import jakarta.websocket.RemoteEndpoint;
import jakarta.websocket.Session;
import jakarta.websocket.server.ServerEndpoint;

/** A WebSocket endpoint that does nothing but send the prepared string. */
@ServerEndpoint("/bench/ws")
public class BareEndpoint {

  @Inject private Bare bare;

  private BareDispatch.Lane lane;
  private volatile boolean greeted;

  @OnOpen
  public void open(Session session) {
    session.setMaxIdleTimeout(0);
    RemoteEndpoint.Async remote = session.getAsyncRemote();
    lane =
        bare.webSocket()
            .add(
                done ->
                    remote.sendText(
                        greeted ? bare.text() : Bare.GREETING,
                        result -> {
                          if (result.isOK()) {
                            greeted = true;
                            done.run();
                          }
                        }));
  }

  @OnClose
  public void close() {
    bare.webSocket().remove(lane);
  }
}
