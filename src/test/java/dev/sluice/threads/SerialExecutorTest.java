package dev.sluice.threads;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.List;
import java.util.Queue;
import java.util.concurrent.RejectedExecutionException;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;

/** Order and completeness, whatever the executor behind does. */
class SerialExecutorTest {

  private final Queue<Runnable> threads = new ArrayDeque<>();
  private final List<Integer> ran = new ArrayList<>();
  private RuntimeException refusal;

  private final SerialExecutor serial =
      new SerialExecutor(
          work -> {
            if (refusal != null) {
              throw refusal;
            }
            threads.add(work);
          },
          1000);

  private void submit(int from, int to) {
    IntStream.range(from, to).forEach(n -> serial.execute(() -> ran.add(n)));
  }

  private void runAll() {
    for (Runnable work = threads.poll(); work != null; work = threads.poll()) {
      work.run();
    }
  }

  @Test
  void whatWaitsIsKeptWhileThePoolRefusesAndRunsInOrderLater() {
    refusal = new RejectedExecutionException("full");
    submit(0, 3);
    refusal = new IllegalStateException("stopping");
    submit(3, 5);
    assertThat(serial.size()).isEqualTo(5);
    refusal = null;
    submit(5, 6);
    runAll();
    assertThat(ran).containsExactly(0, 1, 2, 3, 4, 5);
    assertThat(serial.size()).isZero();
  }

  @Test
  void aThreadGoesOnWhenThereIsNoOtherForTheNextBatch() {
    submit(0, 200);
    refusal = new RejectedExecutionException("full");
    runAll();
    assertThat(ran).hasSize(200).isSorted();
  }
}
