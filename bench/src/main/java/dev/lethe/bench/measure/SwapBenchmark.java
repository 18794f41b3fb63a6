package dev.lethe.bench.measure;

import dev.lethe.bench.load.Format;
import dev.lethe.bench.load.Load;
import dev.lethe.bench.model.BenchModel;
import dev.lethe.bench.targets.ServedTarget;
import dev.lethe.bench.targets.Targets;
import java.io.IOException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.Consumer;

/**
 * What calls notice of swaps: latencies under a constant load, in turns without and with one swap after the other.
 *
 * @param turns that count; one before them warms up
 * @param turn of each
 * @param warmUp under full load
 */
public record SwapBenchmark(Targets targets, int turns, Duration turn, Duration warmUp) {

  private static final Format FORMAT = Format.PNG;
  private static final double LOAD = 1.0 / 3;
  private static final int LEAST_CALLS = 100;

  /**
   * What was seen.
   *
   * @param p99 of swapping by that of the steady turn before
   * @param steadyP50 milliseconds, median over turns; the other three likewise
   * @param calls answered while swapping
   * @param secondsPerSwap from the call to its answer
   */
  public record Result(Turns.Ratio p99, double steadyP50, double steadyP99, double swappingP50, double swappingP99,
      long calls, int swaps, double secondsPerSwap) {}

  /**
   * Starts a server, measures it and stops it.
   *
   * @param model in two versions
   * @throws IllegalStateException if a call or a swap fails
   */
  public Result run(BenchModel model, Consumer<String> progress) throws IOException, InterruptedException {
    try (ServedTarget server = (ServedTarget) targets.start(Targets.Kind.LETHE, model)) {
      progress.accept("hot swap: warming " + server.name());
      double rate = LOAD * server.saturate(FORMAT, warmUp).imagesPerSecond();
      List<Load> steady = new ArrayList<>();
      List<Load> swapping = new ArrayList<>();
      AtomicInteger activated = new AtomicInteger();
      int swaps = 0;
      for (int i = 0; i <= turns; i++) {
        progress.accept("hot swap: turn " + i + " of " + turns);
        Load without = server.atRate(FORMAT, rate, LEAST_CALLS, turn);
        int before = activated.get();
        AtomicBoolean over = new AtomicBoolean();
        CompletableFuture<Void> swapper = CompletableFuture.runAsync(() -> {
          while (!over.get()) {
            server.activate(activated.getAndIncrement() % 2 == 0 ? BenchModel.NEXT_VERSION : BenchModel.VERSION);
          }
        });
        Load with = server.atRate(FORMAT, rate, LEAST_CALLS, turn);
        over.set(true);
        swapper.join();
        if (i > 0) {
          swaps += activated.get() - before;
          steady.add(without);
          swapping.add(with);
        }
      }
      List<double[]> p99 = new ArrayList<>();
      for (int i = 0; i < turns; i++) {
        p99.add(new double[] {steady.get(i).millis(99), swapping.get(i).millis(99)});
      }
      return new Result(Turns.ratio(p99, 1, 0), Turns.median(steady, load -> load.millis(50)), Turns.median(p99, 0),
          Turns.median(swapping, load -> load.millis(50)), Turns.median(p99, 1),
          swapping.stream().mapToLong(Load::images).sum(), swaps,
          swapping.stream().mapToDouble(Load::seconds).sum() / swaps);
    }
  }
}
