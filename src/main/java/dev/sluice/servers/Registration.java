package dev.sluice.servers;

import dev.sluice.events.DomainEvent.McpServerUpdated;
import dev.sluice.events.EventSink;
import dev.sluice.rest.ApiException;
import java.util.Optional;

/**
 * What a server is registered as: its definition, where that came from, and whether it may run.
 * Every change of it that others can see publishes one {@link McpServerUpdated}, also where the
 * server's state stays as it is.
 *
 * <p>Not thread-safe: its server guards it with its own lock.
 */
final class Registration {

  /** The source of what the REST interface and JMX did. */
  static final String BY_OPERATOR = "api";

  private final ServerId id;
  private final EventSink events;
  private DefinitionReader.Read read;
  private String source;
  private Optional<String> blocked = Optional.empty();
  private boolean removed;

  Registration(ServerId id, DefinitionReader.Read read, String source, EventSink events) {
    this.id = id;
    this.read = read;
    this.source = source;
    this.events = events;
  }

  DefinitionReader.Read read() {
    return read;
  }

  ServerDefinition definition() {
    return read.definition();
  }

  String source() {
    return source;
  }

  /** Why it is blocked, if it is. */
  Optional<String> blocked() {
    return blocked;
  }

  /** Whether it may start. */
  boolean startable() {
    return !removed && blocked.isEmpty() && read.usable();
  }

  /**
   * Refuses what may not start.
   *
   * @throws ApiException 404 when removed, 409 when blocked, disabled or not usable
   */
  void checkStartable() {
    Refusals.unlessStartable(id, removed, blocked, read);
  }

  /** Puts another definition in force. */
  void redefine(DefinitionReader.Read changed, String by) {
    read = changed;
    source = by;
    updated(by);
  }

  /** Refuses starts from now on. */
  void block(String reason) {
    if (!blocked.equals(Optional.of(reason))) {
      blocked = Optional.of(reason);
      updated(BY_OPERATOR);
    }
  }

  /** Allows starts again; false if it was not blocked. */
  boolean unblock() {
    boolean was = blocked.isPresent();
    blocked = Optional.empty();
    if (was) {
      updated(BY_OPERATOR);
    }
    return was;
  }

  /** Ends it for good; that is told by whoever takes it out of the registry. */
  void remove() {
    removed = true;
  }

  private void updated(String by) {
    events.publish(new McpServerUpdated(id.value(), by));
  }
}
