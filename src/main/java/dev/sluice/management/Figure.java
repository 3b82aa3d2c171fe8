package dev.sluice.management;

import java.util.function.ToDoubleFunction;

/**
 * One number of a read model, with the names it has everywhere: a Prometheus metric and a JMX
 * attribute.
 *
 * @param attribute of JMX, for example {@code QueuedBytes}
 * @param metric of Prometheus; counters get {@code _total}
 * @param kind gauge, or counter since start
 * @param help what it counts, with its unit
 * @param value taken from one reading
 */
record Figure<T>(
    String attribute, String metric, Kind kind, String help, ToDoubleFunction<? super T> value) {

  /** Whether it can go down. */
  enum Kind {
    GAUGE,
    COUNTER
  }

  static <T> Figure<T> gauge(
      String attribute, String metric, String help, ToDoubleFunction<? super T> value) {
    return new Figure<>(attribute, metric, Kind.GAUGE, help, value);
  }

  static <T> Figure<T> counter(
      String attribute, String metric, String help, ToDoubleFunction<? super T> value) {
    return new Figure<>(attribute, metric, Kind.COUNTER, help, value);
  }

  /** The name in the text exposition. */
  String exposed() {
    return kind == Kind.COUNTER ? metric + "_total" : metric;
  }
}
