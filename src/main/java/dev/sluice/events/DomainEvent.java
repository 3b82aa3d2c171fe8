package dev.sluice.events;

import java.util.List;

/**
 * A fact that happened in the hub, named in the past tense; docs/events.md lists every type.
 *
 * <p>The wire name is the record's simple name; its fields are the record's components in snake
 * case. Component types are {@code String}, {@code long}, {@code int}, {@code double}, {@code
 * boolean}, {@code List<String>} and {@link RawJson}. Secrets are masked by the maker, before the
 * record exists.
 */
public sealed interface DomainEvent {

  /** The wire name, for example {@code McpServerStateChanged}. */
  default String type() {
    return getClass().getSimpleName();
  }

  /**
   * The id that {@code mcp_server_ids} filters compare: the server's id or name, for group events
   * the group's id, and empty where the event is about no server.
   */
  String subject();

  /** A server changed its life-cycle state; every transition emits exactly one, crashes too. */
  record McpServerStateChanged(String mcpServerId, String oldState, String newState, String reason)
      implements DomainEvent {
    @Override
    public String subject() {
      return mcpServerId;
    }
  }

  /** A server finished its handshake and listed its tools. */
  record McpServerStarted(String mcpServerId, String mode, int toolsCount, double startupDurationMs)
      implements DomainEvent {
    @Override
    public String subject() {
      return mcpServerId;
    }
  }

  /**
   * A running server was stopped; {@code reason} is the caller's, {@code idle} or {@code shutdown}.
   */
  record McpServerStopped(String mcpServerId, String reason) implements DomainEvent {
    @Override
    public String subject() {
      return mcpServerId;
    }
  }

  /** A server reached its limit of consecutive failures. */
  record McpServerDegraded(
      String mcpServerId, int consecutiveFailures, long totalFailures, String reason)
      implements DomainEvent {
    @Override
    public String subject() {
      return mcpServerId;
    }
  }

  /** An idle server is about to be stopped. */
  record McpServerIdleDetected(String mcpServerId, double idleDurationS, double lastUsedAt)
      implements DomainEvent {
    @Override
    public String subject() {
      return mcpServerId;
    }
  }

  /** A server's definition was replaced. */
  record McpServerUpdated(String mcpServerId, String source) implements DomainEvent {
    @Override
    public String subject() {
      return mcpServerId;
    }
  }

  /** A health probe of a ready server succeeded. */
  record HealthCheckPassed(String mcpServerId, double durationMs) implements DomainEvent {
    @Override
    public String subject() {
      return mcpServerId;
    }
  }

  /** A health probe failed or ran past its deadline. */
  record HealthCheckFailed(String mcpServerId, int consecutiveFailures, String errorMessage)
      implements DomainEvent {
    @Override
    public String subject() {
      return mcpServerId;
    }
  }

  /** A server's circuit breaker moved between closed, open and half_open. */
  record CircuitBreakerStateChanged(String mcpServerId, String oldState, String newState)
      implements DomainEvent {
    @Override
    public String subject() {
      return mcpServerId;
    }
  }

  /** A tool call is about to go upstream; arguments named like secrets are masked. */
  record ToolInvocationRequested(
      String mcpServerId,
      String toolName,
      String correlationId,
      RawJson arguments,
      String transport,
      long requestSizeBytes)
      implements DomainEvent {
    @Override
    public String subject() {
      return mcpServerId;
    }
  }

  /** A tool call was answered with a result that is not an error. */
  record ToolInvocationCompleted(
      String mcpServerId,
      String toolName,
      String correlationId,
      double durationMs,
      long resultSizeBytes,
      String transport)
      implements DomainEvent {
    @Override
    public String subject() {
      return mcpServerId;
    }
  }

  /** A tool call failed: transport, JSON-RPC error, deadline or {@code isError}. */
  record ToolInvocationFailed(
      String mcpServerId,
      String toolName,
      String correlationId,
      double durationMs,
      String errorMessage,
      String errorType,
      String transport)
      implements DomainEvent {
    @Override
    public String subject() {
      return mcpServerId;
    }
  }

  /** An MCP client and a server were introduced to each other. */
  record SessionOpened(
      String mcpServerId,
      String sessionRef,
      String transport,
      String clientName,
      String clientVersion,
      String protocolVersion)
      implements DomainEvent {
    @Override
    public String subject() {
      return mcpServerId;
    }
  }

  /** A session that was opened is over. */
  record SessionClosed(
      String mcpServerId,
      String sessionRef,
      String transport,
      String reason,
      double durationS,
      long requests,
      long calls,
      long failedCalls)
      implements DomainEvent {
    @Override
    public String subject() {
      return mcpServerId;
    }
  }

  /** Discovery saw a server for the first time. */
  record ProviderDiscovered(
      String mcpServerName, String sourceType, String mode, String fingerprint)
      implements DomainEvent {
    @Override
    public String subject() {
      return mcpServerName;
    }
  }

  /** A server entered the registry; {@code source} is config, api or discovery:type. */
  record ProviderRegistered(String mcpServerId, String source, String mode) implements DomainEvent {
    @Override
    public String subject() {
      return mcpServerId;
    }
  }

  /** A server left the registry. */
  record ProviderDeregistered(String mcpServerId, String source) implements DomainEvent {
    @Override
    public String subject() {
      return mcpServerId;
    }
  }

  /** The servers file was read and its differences applied. */
  record ConfigurationReloaded(
      String configPath,
      List<String> mcpServersAdded,
      List<String> mcpServersRemoved,
      List<String> mcpServersUpdated,
      List<String> mcpServersUnchanged,
      double reloadDurationMs,
      String requestedBy)
      implements DomainEvent {
    @Override
    public String subject() {
      return "";
    }
  }

  /** The servers file could not be used; nothing was changed. Line and column are 0 if unknown. */
  record ConfigurationReloadFailed(
      String configPath, String reason, String errorType, String requestedBy, int line, int column)
      implements DomainEvent {
    @Override
    public String subject() {
      return "";
    }
  }

  /** A group was created. */
  record GroupCreated(String groupId, String strategy, int minHealthy) implements DomainEvent {
    @Override
    public String subject() {
      return groupId;
    }
  }

  /** A group's settings were replaced. */
  record GroupUpdated(String groupId) implements DomainEvent {
    @Override
    public String subject() {
      return groupId;
    }
  }

  /** A group was deleted. */
  record GroupDeleted(String groupId) implements DomainEvent {
    @Override
    public String subject() {
      return groupId;
    }
  }

  /** A server joined a group. */
  record GroupMemberAdded(String groupId, String memberId, int weight, int priority)
      implements DomainEvent {
    @Override
    public String subject() {
      return groupId;
    }
  }

  /** A server left a group. */
  record GroupMemberRemoved(String groupId, String memberId) implements DomainEvent {
    @Override
    public String subject() {
      return groupId;
    }
  }

  /** A group member entered or left rotation. */
  record GroupMemberHealthChanged(
      String groupId, String memberId, boolean inRotation, String reason) implements DomainEvent {
    @Override
    public String subject() {
      return groupId;
    }
  }

  /** A group moved between inactive, partial, healthy and degraded. */
  record GroupStateChanged(
      String groupId, String oldState, String newState, int healthyCount, int totalCount)
      implements DomainEvent {
    @Override
    public String subject() {
      return groupId;
    }
  }

  /**
   * After a crash the durable log ended before the last id that was given out: the ids from {@code
   * lostFrom} to {@code lostTo} are gone and will never be given again.
   */
  record JournalRecovered(String lostFrom, String lostTo, long lostCount, String reason)
      implements DomainEvent {
    @Override
    public String subject() {
      return "";
    }
  }
}
