/**
 * The composition root: makes the beans of the pure Java packages, owns the managed threads, starts
 * the house in order and stops it in reverse. Nothing imports this package.
 */
@NullMarked
package dev.sluice.boot;

import org.jspecify.annotations.NullMarked;
