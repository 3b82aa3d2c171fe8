package dev.sluice.servers.upstream;

import java.time.Instant;

/**
 * A line a server wrote.
 *
 * @param seq counts from 1 per server without holes, across restarts of its child
 * @param at when it was read
 * @param stream {@code stderr}, {@code stdout} for noise between protocol messages, or the
 *     transport
 * @param level error, warning, info or debug as far as the text tells
 * @param text the line without its end, secrets masked, at most 8 KiB (a cut is marked)
 */
public record LogLine(long seq, Instant at, String stream, String level, String text) {}
