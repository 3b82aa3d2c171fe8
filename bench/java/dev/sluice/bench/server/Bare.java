package dev.sluice.bench.server;

import jakarta.annotation.PostConstruct;
import jakarta.annotation.PreDestroy;
import jakarta.annotation.Resource;
import jakarta.enterprise.concurrent.ManagedThreadFactory;
import jakarta.enterprise.context.ApplicationScoped;

/** The two bare dispatchers and the string they send. */
@ApplicationScoped
public class Bare {

  /** The first message of each client: it is registered. */
  static final String GREETING = "{\"type\":\"subscribed\"}";

  @Resource private ManagedThreadFactory factory;

  private BareDispatch webSocket;
  private BareDispatch sse;
  private volatile String text = prepared(200);

  @PostConstruct
  void start() {
    webSocket = new BareDispatch(factory);
    sse = new BareDispatch(factory);
  }

  @PreDestroy
  void stop() {
    webSocket.close();
    sse.close();
  }

  BareDispatch webSocket() {
    return webSocket;
  }

  BareDispatch sse() {
    return sse;
  }

  String text() {
    return text;
  }

  void length(int length) {
    text = prepared(length);
  }

  private static String prepared(int length) {
    String head = "{\"event_type\":\"Bare\",\"filler\":\"";
    String tail = "\"}";
    return head + "x".repeat(Math.max(1, length - head.length() - tail.length())) + tail;
  }
}
