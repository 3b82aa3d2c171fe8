/**
 * The hub's settings: MicroProfile Config keys under {@code sluice.}, typed, bounded and checked
 * once at start. Each key is a {@link dev.sluice.settings.Setting}; docs/settings.md lists them.
 */
@NullMarked
package dev.sluice.settings;

import org.jspecify.annotations.NullMarked;
