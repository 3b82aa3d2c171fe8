package dev.sluice.management;

import dev.sluice.servers.ServerReading;
import dev.sluice.servers.Servers;
import java.time.Duration;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.function.Supplier;

/**
 * One MCP server in JMX, found by its name for each call, so that no server that was removed is
 * held in memory. Throws nothing whose class a JMX client would not have.
 */
final class McpServerBean implements McpServerMXBean {

  /** Longer than the longest start timeout, and than a child takes to end. */
  private static final Duration PATIENCE = Duration.ofMinutes(11);

  private final Servers servers;
  private final String id;

  McpServerBean(Servers servers, String id) {
    this.servers = servers;
    this.id = id;
  }

  private ServerReading now() {
    return servers
        .reading(id)
        .orElseThrow(() -> new IllegalStateException("There is no server \"" + id + "\" any more"));
  }

  @Override
  public String getMode() {
    return now().mode();
  }

  @Override
  public String getSource() {
    return now().source();
  }

  @Override
  public String getState() {
    return now().state().wire();
  }

  @Override
  public String getReason() {
    return now().reason();
  }

  @Override
  public boolean isBlocked() {
    return now().blocked();
  }

  @Override
  public double getUptimeSeconds() {
    return now().uptime().toMillis() / 1000.0;
  }

  @Override
  public long getRestarts() {
    return now().restarts();
  }

  @Override
  public int getConsecutiveFailures() {
    return now().consecutiveFailures();
  }

  @Override
  public String getCircuitBreaker() {
    return now().circuit();
  }

  @Override
  public int getTools() {
    return now().tools();
  }

  @Override
  public int getCallsInFlight() {
    return now().callsInFlight();
  }

  @Override
  public int getMaxCallsInFlight() {
    return now().maxCallsInFlight();
  }

  @Override
  public int getQueuedMessages() {
    return now().queuedMessages();
  }

  @Override
  public long getCalls() {
    return now().calls();
  }

  @Override
  public long getFailedCalls() {
    return now().failedCalls();
  }

  @Override
  public String start(String reason) {
    await(() -> servers.start(id, reason(reason, "start requested over JMX")));
    return getState();
  }

  @Override
  public boolean stop(String reason) {
    return await(() -> servers.stop(id, reason(reason, "stop requested over JMX")));
  }

  /** JMX consoles hand over nothing for a field that was left empty. */
  private static String reason(String given, String otherwise) {
    return given == null || given.isBlank() ? otherwise : given;
  }

  private static <T> T await(Supplier<? extends Future<T>> begun) {
    try {
      return begun.get().get(PATIENCE.toSeconds(), TimeUnit.SECONDS);
    } catch (ExecutionException failed) {
      throw new IllegalStateException(
          words(failed.getCause() == null ? failed : failed.getCause()));
    } catch (TimeoutException late) {
      throw new IllegalStateException("It was not done within " + PATIENCE.toMinutes() + " min");
    } catch (InterruptedException interrupted) {
      Thread.currentThread().interrupt();
      throw new IllegalStateException("The wait was interrupted; the work goes on");
    } catch (RuntimeException refused) {
      throw new IllegalStateException(words(refused));
    }
  }

  private static String words(Throwable failure) {
    return String.valueOf(failure.getMessage());
  }
}
