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

  @OnOpen
  public void open(Session session) {
    session.setMaxIdleTimeout(0);
    RemoteEndpoint.Async remote = session.getAsyncRemote();
    lane =
        bare.webSocket()
            .add(
                done ->
                    remote.sendText(
                        bare.text(),
                        result -> {
                          if (result.isOK()) {
                            done.run();
                          }
                        }));
  }

  @OnClose
  public void close() {
    bare.webSocket().remove(lane);
  }
}
