package dev.lethe.bench.measure;

import dev.lethe.bench.load.Format;
import dev.lethe.bench.load.Load;
import dev.lethe.bench.model.BenchModel;
import dev.lethe.bench.targets.ServedTarget;
import dev.lethe.bench.targets.Targets;
import dev.lethe.v1.Gates;
import dev.lethe.v1.Job;
import dev.lethe.v1.UnlearnKind;
import dev.lethe.v1.UnlearnSpec;
import java.io.IOException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.function.Consumer;
import org.HdrHistogram.Histogram;

/**
 * What calls notice of a whole job: latencies under a constant load before it, from its submission on until its version
 * serves, checkpoints and promotion included, and after it. Of the turns without a job the better counts: the first may
 * meet a server that is still being compiled. The job's worker is on the cores of the server.
 *
 * @param jobs each of another class, one after the other, of the last ones, which no call asks for
 * @param turn without a job; with one it takes as long as the job
 * @param warmUp under full load
 */
public record JobBenchmark(Targets targets, int jobs, Duration turn, Duration warmUp) {

  private static final Format FORMAT = Format.PNG;
  private static final double LOAD = 1.0 / 3;
  private static final int LEAST_CALLS = 100;

  /**
   * What was seen.
   *
   * @param p99 with a job by that of the better steady turn, before it or after it
   * @param steadyP50 milliseconds, median over jobs; the other three likewise
   * @param calls answered while there was a job
   * @param secondsPerJob from its submission to its end
   * @param slowestTurnP99 milliseconds, greatest of the turns with a job: what is slow for moments alone, as while a
   *     version is taken over, hardly shows in that of all calls
   */
  public record Result(Turns.Ratio p99, double steadyP50, double steadyP99, double workingP50, double workingP99,
      long calls, int jobs, double secondsPerJob, double slowestTurnP99) {}

  /**
   * Starts a server, measures it and stops it.
   *
   * @param model with classes
   * @throws IllegalStateException if a call fails, or a job is not promoted
   */
  public Result run(BenchModel model, Consumer<String> progress) throws IOException, InterruptedException {
    try (ServedTarget server = targets.startAnew(model)) {
      progress.accept("jobs: warming " + server.name());
      List<String> labels = model.bundle().card().labels();
      server.askFor(labels.size() - jobs);
      double rate = LOAD * server.saturate(FORMAT, warmUp).imagesPerSecond();
      List<double[]> p50 = new ArrayList<>();
      List<double[]> p99 = new ArrayList<>();
      double slowest = 0;
      long calls = 0;
      double seconds = 0;
      for (int i = 0; i < jobs; i++) {
        progress.accept("jobs: " + (i + 1) + " of " + jobs);
        Load before = server.atRate(FORMAT, rate, LEAST_CALLS, turn);
        long started = System.nanoTime();
        CompletableFuture<Job> job = server.unlearn(UnlearnSpec.newBuilder().setKind(UnlearnKind.UNLEARN_KIND_CLASS)
            .addClasses(labels.get(labels.size() - 1 - i))
            .setGates(Gates.newBuilder().setPromoteNotForgotten(true)).build());
        Histogram working = new Histogram(before.micros());
        do {
          Load load = server.atRate(FORMAT, rate, LEAST_CALLS, turn);
          working.add(load.micros());
          slowest = Math.max(slowest, load.millis(99));
          calls += load.images();
        } while (!job.isDone());
        Job end = ended(job);
        seconds += (System.nanoTime() - started) / 1e9;
        if (!end.getPromoted()) {
          throw new IllegalStateException("a job was not promoted: " + end.getMessage());
        }
        Load after = server.atRate(FORMAT, rate, LEAST_CALLS, turn);
        Load steady = after.millis(99) < before.millis(99) ? after : before;
        p50.add(new double[] {steady.millis(50), working.getValueAtPercentile(50) / 1e3});
        p99.add(new double[] {steady.millis(99), working.getValueAtPercentile(99) / 1e3});
      }
      return new Result(Turns.ratio(p99, 1, 0), Turns.median(p50, 0), Turns.median(p99, 0), Turns.median(p50, 1),
          Turns.median(p99, 1), calls, jobs, seconds / jobs, slowest);
    }
  }

  private static Job ended(CompletableFuture<Job> job) throws InterruptedException {
    try {
      return job.get();
    } catch (ExecutionException e) {
      throw new IllegalStateException("a job failed: " + e.getCause().getMessage(), e);
    }
  }
}
