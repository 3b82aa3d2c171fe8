/**
 * The hub seen by operators: {@code /health/*}, MicroProfile Health beans, {@code /metrics} and
 * JMX, all from read models of the other packages. Nothing imports this package.
 */
@NullMarked
package dev.sluice.management;

import org.jspecify.annotations.NullMarked;
