package dev.sluice.management;

import io.prometheus.metrics.expositionformats.PrometheusTextFormatWriter;
import io.prometheus.metrics.model.snapshots.CounterSnapshot;
import io.prometheus.metrics.model.snapshots.CounterSnapshot.CounterDataPointSnapshot;
import io.prometheus.metrics.model.snapshots.GaugeSnapshot;
import io.prometheus.metrics.model.snapshots.GaugeSnapshot.GaugeDataPointSnapshot;
import io.prometheus.metrics.model.snapshots.Labels;
import io.prometheus.metrics.model.snapshots.MetricSnapshot;
import io.prometheus.metrics.model.snapshots.MetricSnapshots;
import java.io.IOException;
import java.io.OutputStream;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/** A reading in the Prometheus text format 0.0.4. */
final class Exposition {

  static final String CONTENT_TYPE = PrometheusTextFormatWriter.CONTENT_TYPE;

  private Exposition() {}

  static void write(HubReading reading, OutputStream out) throws IOException {
    List<MetricSnapshot> all = new ArrayList<>();
    add(all, Figures.HUB, Map.of(Labels.EMPTY, reading));
    add(all, Figures.STREAM, Map.of(Labels.EMPTY, reading.stream()));
    add(all, Figures.JOURNAL, Map.of(Labels.EMPTY, reading.journal()));
    add(all, Figures.SERVERS, Map.of(Labels.EMPTY, reading.servers()));
    add(all, Figures.UPSTREAM, Map.of(Labels.EMPTY, reading.upstream()));
    add(all, RelayFigures.RELAY, Map.of(Labels.EMPTY, reading));
    add(all, Figures.THREADS, Map.of(Labels.EMPTY, reading.threads()));
    Map<Labels, Integer> byState = new LinkedHashMap<>();
    reading
        .servers()
        .byState()
        .forEach((state, count) -> byState.put(Labels.of("state", state.wire()), count));
    add(all, List.of(Figures.SERVERS_BY_STATE), byState);
    Map<Labels, Long> byStatus = new LinkedHashMap<>();
    reading
        .refusals()
        .forEach((status, count) -> byStatus.put(Labels.of("status", status.toString()), count));
    add(all, List.of(Figures.ERRORS_BY_STATUS), byStatus);
    PrometheusTextFormatWriter.create().write(out, new MetricSnapshots(all));
  }

  private static <T> void add(
      List<MetricSnapshot> all, List<Figure<T>> figures, Map<Labels, T> rows) {
    for (Figure<T> figure : figures) {
      all.add(
          switch (figure.kind()) {
            case COUNTER -> counter(figure, rows);
            case GAUGE -> gauge(figure, rows);
          });
    }
  }

  private static <T> MetricSnapshot counter(Figure<T> figure, Map<Labels, T> rows) {
    CounterSnapshot.Builder metric =
        CounterSnapshot.builder().name(figure.metric()).help(figure.help());
    rows.forEach(
        (labels, row) ->
            metric.dataPoint(
                CounterDataPointSnapshot.builder()
                    .labels(labels)
                    .value(figure.value().applyAsDouble(row))
                    .build()));
    return metric.build();
  }

  private static <T> MetricSnapshot gauge(Figure<T> figure, Map<Labels, T> rows) {
    GaugeSnapshot.Builder metric =
        GaugeSnapshot.builder().name(figure.metric()).help(figure.help());
    rows.forEach(
        (labels, row) ->
            metric.dataPoint(
                GaugeDataPointSnapshot.builder()
                    .labels(labels)
                    .value(figure.value().applyAsDouble(row))
                    .build()));
    return metric.build();
  }
}
