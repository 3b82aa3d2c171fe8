/**
 * Durable storage behind interfaces that {@code events}, {@code access} and {@code servers} own.
 * Nothing imports this package: it plugs in by CDI.
 */
@NullMarked
package dev.sluice.storage;

import org.jspecify.annotations.NullMarked;
