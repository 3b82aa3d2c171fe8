package dev.sluice.management;

/**
 * One MCP server in JMX. An interface because JMX makes the attributes and operations of its
 * methods; {@link McpServerBean} is its one implementation.
 *
 * <p>Attributes are read anew for each call and never block. Operations fail with {@link
 * IllegalStateException}, whose message says why.
 */
public interface McpServerMXBean {

  /** Transport: stdio, http, sse or ws. */
  String getMode();

  /** Where its definition came from: config, api or discovery:type. */
  String getSource();

  /** Life-cycle state: cold, initializing, ready, degraded or dead. */
  String getState();

  /** Why it is in that state. */
  String getReason();

  /** Whether starts and calls are refused until it is unblocked. */
  boolean isBlocked();

  /** Seconds since it became ready; 0 while it is not. */
  double getUptimeSeconds();

  /** How often it became ready again since it was registered. */
  long getRestarts();

  /** Failed starts, crashes or health probes in a row. */
  int getConsecutiveFailures();

  /** State of the circuit breaker: closed, open or half_open. */
  String getCircuitBreaker();

  /** Tools it lists; 0 while it is not ready. */
  int getTools();

  /** Tool calls that are not over. */
  int getCallsInFlight();

  /** Tool calls that may be in flight; more are refused. */
  int getMaxCallsInFlight();

  /** Messages to it that are not written yet. */
  int getQueuedMessages();

  /** Tool calls that are over. */
  long getCalls();

  /** Of these, the failed ones. */
  long getFailedCalls();

  /**
   * Starts it and waits until it is ready.
   *
   * @param reason part of the events; empty for a general one
   * @return the state it is in then
   */
  String start(String reason);

  /**
   * Stops it and waits until its process is gone.
   *
   * @param reason part of the events; empty for a general one
   * @return whether it ran
   */
  boolean stop(String reason);
}
