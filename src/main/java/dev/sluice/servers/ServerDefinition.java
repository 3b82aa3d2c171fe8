package dev.sluice.servers;

import java.net.URI;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/**
 * How to reach or run one MCP server; immutable, variables already expanded. Two definitions that
 * are equal need no restart between them.
 *
 * @param id its name
 * @param transport how to reach it
 * @param description for people, may be empty
 * @param enabled a disabled server stays cold and refuses to start
 * @param autoStart whether it starts with the hub
 * @param sharing how client sessions share it (used by the relay)
 * @param idleTtl stop after this long without use; zero means never
 * @param healthCheckInterval time between probes while ready
 * @param maxConsecutiveFailures failures in a row until degraded, 1 to 100
 * @param startTimeout from start to ready
 * @param callTimeout of one tool call
 * @param budget limits of a child process
 * @param limits of calls, and the circuit breaker's figures
 * @param era which protocol revisions the relay speaks with it
 */
public record ServerDefinition(
    ServerId id,
    Transport transport,
    String description,
    boolean enabled,
    boolean autoStart,
    Sharing sharing,
    Duration idleTtl,
    Duration healthCheckInterval,
    int maxConsecutiveFailures,
    Duration startTimeout,
    Duration callTimeout,
    Budget budget,
    Limits limits,
    Era era) {

  /** A definition with the default {@link Limits}, of which the era is found out. */
  public ServerDefinition(
      ServerId id,
      Transport transport,
      String description,
      boolean enabled,
      boolean autoStart,
      Sharing sharing,
      Duration idleTtl,
      Duration healthCheckInterval,
      int maxConsecutiveFailures,
      Duration startTimeout,
      Duration callTimeout,
      Budget budget) {
    this(
        id,
        transport,
        description,
        enabled,
        autoStart,
        sharing,
        idleTtl,
        healthCheckInterval,
        maxConsecutiveFailures,
        startTimeout,
        callTimeout,
        budget,
        Limits.DEFAULT,
        Era.AUTO);
  }

  /** Whether a running process or connection of this one serves the other as well. */
  public boolean sameProcess(ServerDefinition other) {
    return transport.equals(other.transport)
        && budget.equals(other.budget)
        && sharing == other.sharing;
  }

  /** How client sessions share a stdio child. */
  public enum Sharing {
    AUTO,
    SHARED,
    ISOLATED
  }

  /** Which protocol revisions a server speaks. */
  public enum Era {
    /** To be found out. */
    AUTO,
    /** Those with sessions, until 2025-11-25. */
    LEGACY,
    /** The stateless ones, from 2026-07-28 on. */
    MODERN
  }

  /** How a server is reached. */
  public sealed interface Transport {
    /** The {@code mode} in events and lists: stdio, http, sse or ws. */
    String mode();

    /** A child process that speaks MCP on its standard streams. */
    record Stdio(String command, List<String> args, Map<String, String> env, Optional<String> cwd)
        implements Transport {
      @Override
      public String mode() {
        return "stdio";
      }
    }

    /** Streamable HTTP. */
    record Http(URI url, Map<String, String> headers) implements Transport {
      @Override
      public String mode() {
        return "http";
      }
    }

    /** HTTP+SSE (2024-11-05). */
    record Sse(URI url, Map<String, String> headers) implements Transport {
      @Override
      public String mode() {
        return "sse";
      }
    }

    /** MCP over WebSocket. */
    record Ws(URI url, Map<String, String> headers) implements Transport {
      @Override
      public String mode() {
        return "ws";
      }
    }
  }

  /**
   * Limits of one child process tree; zero means unlimited.
   *
   * @param maxMemoryBytes resident memory of the whole tree; above it the tree is ended
   * @param maxProcesses processes of the tree
   * @param maxAge after this the server is restarted when it is idle
   */
  public record Budget(long maxMemoryBytes, int maxProcesses, Duration maxAge) {
    /** No limits. */
    public static final Budget UNLIMITED = new Budget(0, 0, Duration.ZERO);
  }

  /**
   * Limits of calls.
   *
   * @param maxConcurrentCalls tool calls in flight or waiting for the start, 1 to 1024
   * @param breakerThreshold transport failures in a row until the circuit opens, 1 to 100
   * @param breakerReset time from open to the one probe
   */
  public record Limits(int maxConcurrentCalls, int breakerThreshold, Duration breakerReset) {
    /** 64 calls, 5 failures, 30 seconds. */
    public static final Limits DEFAULT = new Limits(64, 5, Duration.ofSeconds(30));
  }
}
