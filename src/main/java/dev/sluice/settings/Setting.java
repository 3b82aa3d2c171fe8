package dev.sluice.settings;

import java.util.Locale;

/** Every key the hub reads; docs/settings.md lists them and a test holds the two together. */
public enum Setting {
  /** Path of the servers file. */
  SERVERS_FILE("sluice.servers.file", Type.TEXT, "", 0, 0),
  /** Directory of *.json fragments to discover. */
  DISCOVERY_DIR("sluice.discovery.dir", Type.TEXT, "", 0, 0),
  /** Directory of durable data; empty means memory only. */
  DATA_DIR("sluice.data.dir", Type.TEXT, "", 0, 0),
  /** The port to name in the start-up line. */
  HTTP_PORT("sluice.http.port", Type.NUMBER, "8080", 1, 65535),
  /** How callers are established; only local for now. */
  AUTH_MODE("sluice.auth.mode", Type.TEXT, "local", 0, 0),
  /** Largest request body in bytes. */
  HTTP_BODY_LIMIT("sluice.http.body.limit", Type.NUMBER, "4194304", 1024, 67108864),
  /** Seconds for a request body to arrive. */
  HTTP_BODY_SECONDS("sluice.http.body.seconds", Type.NUMBER, "20", 1, 600),
  /** Threads that may wait for request bodies, where the server needs threads for that. */
  HTTP_BODY_THREADS("sluice.http.body.threads", Type.NUMBER, "64", 1, 10000),
  /** Trusted values of the Host header besides loopback, separated by commas. */
  HTTP_HOSTS("sluice.http.hosts", Type.TEXT, "", 0, 0),
  /** Origins besides our own whose pages may call, separated by commas. */
  HTTP_ORIGINS("sluice.http.origins", Type.TEXT, "", 0, 0),
  /** Addresses of reverse proxies whose forwarding headers are believed, separated by commas. */
  PROXY_TRUSTED("sluice.proxy.trusted", Type.TEXT, "", 0, 0),
  /** Which headers those write: x-forwarded or forwarded. */
  PROXY_HEADERS("sluice.proxy.headers", Type.TEXT, "x-forwarded", 0, 0),
  /** Clients' sessions at once. */
  RELAY_SESSIONS("sluice.relay.sessions", Type.NUMBER, "10000", 1, 100000),
  /** Sessions of one caller at once. */
  RELAY_SESSIONS_CALLER("sluice.relay.sessions.caller", Type.NUMBER, "5000", 1, 100000),
  /** Seconds after which an unused session is ended. */
  RELAY_SESSION_IDLE("sluice.relay.session.idle.seconds", Type.NUMBER, "7200", 1, 2592000),
  /** Seconds after which any session is ended. */
  RELAY_SESSION_AGE("sluice.relay.session.age.seconds", Type.NUMBER, "86400", 1, 2592000),
  /** Requests of one client that may wait for answers. */
  RELAY_SESSION_REQUESTS("sluice.relay.session.requests", Type.NUMBER, "256", 1, 10000),
  /** Streams of one Streamable HTTP session. */
  RELAY_SESSION_STREAMS("sluice.relay.session.streams", Type.NUMBER, "512", 2, 10000),
  /** Requests of all sessions of a shared child that may wait for its answers. */
  RELAY_CHILD_REQUESTS("sluice.relay.child.requests", Type.NUMBER, "4096", 1, 100000),
  /** Resources that the sessions of a shared child may be subscribed to. */
  RELAY_CHILD_SUBSCRIPTIONS("sluice.relay.child.subscriptions", Type.NUMBER, "10000", 1, 1000000),
  /** Stateless requests of all clients at once. */
  RELAY_STATELESS_REQUESTS("sluice.relay.stateless.requests", Type.NUMBER, "4096", 1, 100000),
  /** Of these, subscriptions. */
  RELAY_STATELESS_SUBSCRIPTIONS(
      "sluice.relay.stateless.subscriptions", Type.NUMBER, "1024", 1, 100000),
  /** Whether HTTP+SSE clients are given a whole URL to post to. */
  RELAY_SSE_ABSOLUTE("sluice.relay.sse.absolute", Type.FLAG, "false", 0, 0),
  /** Events kept. */
  EVENTS_RETENTION_COUNT("sluice.events.retention.count", Type.NUMBER, "100000", 1, 1048576),
  /** Bytes of events kept. */
  EVENTS_RETENTION_BYTES(
      "sluice.events.retention.bytes", Type.NUMBER, "67108864", 65536, 4294967296L),
  /** Seconds that events are kept. */
  EVENTS_RETENTION_SECONDS("sluice.events.retention.seconds", Type.NUMBER, "86400", 1, 31536000),
  /** Events a subscriber's lane holds unless it asks otherwise. */
  EVENTS_LANE_COUNT("sluice.events.lane.count", Type.NUMBER, "1024", 1, 65536),
  /** Bytes a subscriber's lane holds. */
  EVENTS_LANE_BYTES("sluice.events.lane.bytes", Type.NUMBER, "1048576", 4096, 16777216),
  /** Subscribers at once, all transports together. */
  EVENTS_SUBSCRIBERS("sluice.events.subscribers", Type.NUMBER, "10000", 1, 100000),
  /** Seconds of silence before a ping frame. */
  EVENTS_PING_SECONDS("sluice.events.ping.seconds", Type.NUMBER, "15", 1, 15),
  /** Seconds without a successful write before a subscriber is closed with 4008. */
  EVENTS_STALL_SECONDS("sluice.events.stall.seconds", Type.NUMBER, "10", 1, 600),
  /** Threads that send to subscribers; 0 means one per processor, at most 8. */
  EVENTS_THREADS("sluice.events.threads", Type.NUMBER, "0", 0, 64);

  /** The shape of a value. */
  public enum Type {
    TEXT,
    NUMBER,
    FLAG
  }

  private final String key;
  private final Type type;
  private final String fallback;
  private final long min;
  private final long max;

  Setting(String key, Type type, String fallback, long min, long max) {
    this.key = key;
    this.type = type;
    this.fallback = fallback;
    this.min = min;
    this.max = max;
  }

  /** The MicroProfile Config key. */
  public String key() {
    return key;
  }

  /** The environment variable that sets it, by the rule of MicroProfile Config. */
  public String variable() {
    return variable(key);
  }

  /** The environment variable for any key: what is not a letter or digit becomes {@code _}. */
  static String variable(String key) {
    return key.replaceAll("[^A-Za-z0-9]", "_").toUpperCase(Locale.ROOT);
  }

  /** The shape of its value. */
  public Type type() {
    return type;
  }

  /** The default; empty for texts without one. */
  public String fallback() {
    return fallback;
  }

  /** Least value of a number. */
  public long min() {
    return min;
  }

  /** Greatest value of a number. */
  public long max() {
    return max;
  }
}
