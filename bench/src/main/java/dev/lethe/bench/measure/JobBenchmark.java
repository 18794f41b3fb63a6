package dev.lethe.bench.measure;

import dev.lethe.bench.load.Format;
import dev.lethe.bench.load.Load;
import dev.lethe.bench.model.BenchModel;
import dev.lethe.bench.targets.ServedTarget;
import dev.lethe.bench.targets.Targets;
import dev.lethe.v1.Gates;
import dev.lethe.v1.Job;
import dev.lethe.v1.JobPhase;
import dev.lethe.v1.UnlearnKind;
import dev.lethe.v1.UnlearnSpec;
import java.io.IOException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Collections;
import java.util.Comparator;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.atomic.AtomicReference;
import java.util.function.Consumer;
import org.HdrHistogram.Histogram;

/**
 * What calls notice of a whole job: latencies under a constant load before it, from its submission on until its version
 * serves, checkpoints and promotion included, and after it. Of the times without a job the better counts. The job's
 * worker is on the cores of the server.
 *
 * <p>The server has been at work for a while, as those that operators submit to, and has seen no submission yet; the
 * load generator has, or it would delay its own calls by what it does for the first time.
 *
 * @param jobs each of another class, one after the other, of the last ones, which no call asks for
 * @param turn of those that a job takes, as many as it needs
 * @param warmUp under full load
 */
public record JobBenchmark(Targets targets, int jobs, Duration turn, Duration warmUp) {

  private static final Format FORMAT = Format.PNG;
  private static final double LOAD = 1.0 / 3;
  private static final int LEAST_CALLS = 100;
  /** At the load that is measured, until little of the server is still being compiled. */
  private static final int TURNS_OF_WARM_UP = 10;
  /** Of one turn, the 99th percentile is its third or fourth slowest call: others make it less of a chance. */
  private static final int STEADY_TURNS = 3;

  /**
   * What was seen.
   *
   * @param p99 of the whole time with a job by that of the better steady turn, before it or after it
   * @param steady without a job, of several turns
   * @param submission the first turn with a job, in which it is submitted
   * @param work all turns with a job
   * @param promotion the slower of the last two turns with a job, in which its version is tried, and serves
   * @param slowest of all turns with a job that with the greatest 99th percentile
   */
  public record Result(Turns.Ratio p99, Latency steady, Latency submission, Latency work, Latency promotion,
      Latency slowest, int jobs, double secondsPerJob) {}

  /**
   * Latencies of calls, medians over jobs.
   *
   * @param p50 milliseconds
   * @param p99 milliseconds
   * @param calls that were answered
   */
  public record Latency(double p50, double p99, long calls) {

    private static Latency of(List<Histogram> ofJobs) {
      return new Latency(Turns.median(ofJobs, micros -> Load.millis(micros, 50)),
          Turns.median(ofJobs, micros -> Load.millis(micros, 99)),
          ofJobs.stream().mapToLong(Histogram::getTotalCount).sum());
    }
  }

  /**
   * Starts a server, measures it and stops it.
   *
   * @param model with classes
   * @throws IllegalStateException if a call fails, or a job is not promoted
   */
  public Result run(BenchModel model, Consumer<String> progress) throws IOException, InterruptedException {
    progress.accept("jobs: warming the load generator");
    submitElsewhere(model);
    try (ServedTarget server = targets.startAnew(model)) {
      progress.accept("jobs: warming " + server.name());
      List<String> labels = model.bundle().card().labels();
      server.askFor(labels.size() - jobs);
      double rate = LOAD * server.saturate(FORMAT, warmUp).imagesPerSecond();
      micros(server, rate, TURNS_OF_WARM_UP);
      List<Histogram> steady = new ArrayList<>();
      List<List<Histogram>> withJob = new ArrayList<>();
      double seconds = 0;
      for (int i = 0; i < jobs; i++) {
        progress.accept("jobs: " + (i + 1) + " of " + jobs);
        Histogram before = micros(server, rate, STEADY_TURNS);
        long started = System.nanoTime();
        AtomicReference<JobPhase> phase = new AtomicReference<>(JobPhase.JOB_PHASE_UNSPECIFIED);
        CompletableFuture<Job> job = server.unlearn(ofClass(labels.get(labels.size() - 1 - i)),
            now -> phase.set(now.getPhase()));
        List<Histogram> turns = new ArrayList<>();
        do {
          turns.add(micros(server, rate, 1));
          progress.accept("jobs: %.0f s, %s: 99th percentile %.1f ms".formatted((System.nanoTime() - started) / 1e9,
              phase.get(), Load.millis(turns.get(turns.size() - 1), 99)));
        } while (!job.isDone());
        withJob.add(turns);
        Job end = ended(job);
        seconds += (System.nanoTime() - started) / 1e9;
        if (!end.getPromoted()) {
          throw new IllegalStateException("a job was not promoted: " + end.getMessage());
        }
        Histogram after = micros(server, rate, STEADY_TURNS);
        steady.add(Load.millis(after, 99) < Load.millis(before, 99) ? after : before);
      }
      List<Histogram> whole = withJob.stream().map(JobBenchmark::sum).toList();
      List<double[]> p99 = new ArrayList<>();
      for (int i = 0; i < jobs; i++) {
        p99.add(new double[] {Load.millis(steady.get(i), 99), Load.millis(whole.get(i), 99)});
      }
      return new Result(Turns.ratio(p99, 1, 0), Latency.of(steady),
          Latency.of(withJob.stream().map(turns -> turns.get(0)).toList()), Latency.of(whole),
          Latency.of(withJob.stream().map(turns -> slowest(turns.subList(Math.max(0, turns.size() - 2), turns.size())))
              .toList()),
          Latency.of(withJob.stream().map(JobBenchmark::slowest).toList()), jobs, seconds / jobs);
    }
  }

  /** A job as those that are measured, to a server that ends as soon as it has begun. */
  private void submitElsewhere(BenchModel model) throws IOException, InterruptedException {
    CountDownLatch begun = new CountDownLatch(1);
    try (ServedTarget server = targets.startAnew(model)) {
      server.unlearn(ofClass(model.bundle().card().labels().get(0)), now -> begun.countDown())
          .whenComplete((job, failure) -> begun.countDown());
      begun.await();
    }
  }

  private static UnlearnSpec ofClass(String label) {
    return UnlearnSpec.newBuilder().setKind(UnlearnKind.UNLEARN_KIND_CLASS).addClasses(label)
        .setGates(Gates.newBuilder().setPromoteNotForgotten(true)).build();
  }

  private Histogram micros(ServedTarget server, double rate, int turns) throws InterruptedException {
    return server.atRate(FORMAT, rate, LEAST_CALLS, turn.multipliedBy(turns)).micros();
  }

  private static Histogram slowest(List<Histogram> turns) {
    return Collections.max(turns, Comparator.comparingDouble(turn -> Load.millis(turn, 99)));
  }

  private static Histogram sum(List<Histogram> turns) {
    Histogram sum = new Histogram(turns.get(0));
    turns.forEach(sum::add);
    return sum;
  }

  private static Job ended(CompletableFuture<Job> job) throws InterruptedException {
    try {
      return job.get();
    } catch (ExecutionException e) {
      throw new IllegalStateException("a job failed: " + e.getCause().getMessage(), e);
    }
  }
}
