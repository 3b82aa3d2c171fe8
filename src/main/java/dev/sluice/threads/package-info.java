/**
 * The managed threads of the hub: one bounded executor, one timer, one thread factory, defined by
 * the application and therefore of the same size on every server.
 *
 * <p>Everybody that needs a thread injects one of the three with {@link
 * dev.sluice.threads.Bounded}; pure Java packages get them by constructor.
 */
@NullMarked
package dev.sluice.threads;

import org.jspecify.annotations.NullMarked;
