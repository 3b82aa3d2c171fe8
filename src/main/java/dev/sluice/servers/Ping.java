package dev.sluice.servers;

import java.time.Instant;
import java.util.Optional;

/**
 * One awaited {@code ping} of a server.
 *
 * @param problem why it failed; empty if it was answered
 * @param durationMs until the answer, or until it was given up, in milliseconds
 * @param at when it ended
 */
record Ping(Optional<String> problem, double durationMs, Instant at) {}
