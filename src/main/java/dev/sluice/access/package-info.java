/**
 * Who calls and whether the call may pass: one servlet filter, first in {@code web.xml}, decides
 * for REST, SSE and WebSocket alike and closed by default.
 */
@NullMarked
package dev.sluice.access;

import org.jspecify.annotations.NullMarked;
