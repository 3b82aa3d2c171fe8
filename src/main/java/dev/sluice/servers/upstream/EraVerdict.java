package dev.sluice.servers.upstream;

import java.time.Instant;

/**
 * Which protocol eras a server speaks.
 *
 * @param legacy the revisions with sessions, until 2025-11-25
 * @param modern the stateless ones, from 2026-07-28 on
 * @param probed found by asking the server; else its definition says so
 * @param at when that was found
 */
public record EraVerdict(boolean legacy, boolean modern, boolean probed, Instant at) {}
