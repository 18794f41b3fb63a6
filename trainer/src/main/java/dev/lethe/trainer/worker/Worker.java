package dev.lethe.trainer.worker;

import com.google.protobuf.InvalidProtocolBufferException;
import com.google.protobuf.util.JsonFormat;
import dev.lethe.models.bundle.Bundle;
import dev.lethe.models.runtime.ExecutionDevice;
import dev.lethe.trainer.data.Datasets;
import dev.lethe.trainer.data.ImageDataset;
import dev.lethe.trainer.data.Split;
import dev.lethe.trainer.unlearning.AverageSubstitute;
import dev.lethe.trainer.unlearning.CascadeOptions;
import dev.lethe.trainer.unlearning.Substitute;
import dev.lethe.trainer.unlearning.UnlearningJob;
import dev.lethe.v1.BeforeAfter;
import dev.lethe.v1.Progress;
import dev.lethe.v1.ReinversionMse;
import dev.lethe.v1.SubstituteKind;
import dev.lethe.v1.UnlearnReport;
import dev.lethe.v1.UnlearnSpec;
import dev.lethe.v1.WorkerDone;
import dev.lethe.v1.WorkerEvent;
import dev.lethe.v1.WorkerFailure;
import dev.lethe.v1.WorkerJob;
import java.io.FileDescriptor;
import java.io.FileOutputStream;
import java.io.IOException;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.Map;
import java.util.SplittableRandom;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The training worker: a process that carries out the one job in its directory and says on standard output how it goes,
 * as {@code worker.proto} describes. System properties: {@code lethe.device} (default {@code cpu}) and {@code
 * lethe.threads} (default: all cores but one, for the server beside it).
 */
public final class Worker {

  private static final Logger LOG = LoggerFactory.getLogger(Worker.class);
  private static final int MAX_LEARNING_IMAGES = 1024;
  private static final double GENERATOR_RATE = 0.3;
  private static final int DISCRIMINATOR_STEPS = 8;

  private final JobFiles files;
  private final PrintStream events;
  private final long started = System.nanoTime();

  private Worker(JobFiles files, PrintStream events) {
    this.files = files;
    this.events = events;
  }

  public static void main(String[] arguments) {
    // Standard output carries events alone; whatever else prints goes to the log.
    PrintStream events = new PrintStream(new FileOutputStream(FileDescriptor.out), true, StandardCharsets.UTF_8);
    System.setOut(System.err);
    if (arguments.length != 1) {
      System.err.println("usage: worker JOB_DIRECTORY");
      System.exit(2);
    }
    endWithTheServer();
    Worker worker = new Worker(new JobFiles(Path.of(arguments[0]).toAbsolutePath()), events);
    System.exit(worker.work() ? 0 : 1);
  }

  // The end of standard input means that the server is gone and nobody waits for the job.
  private static void endWithTheServer() {
    Thread watch = new Thread(() -> {
      try {
        while (System.in.read() >= 0) {
          continue;
        }
      } catch (IOException e) {
        LOG.warn("standard input failed", e);
      }
      LOG.warn("the server is gone; the job ends");
      Runtime.getRuntime().halt(3);
    }, "watch-server");
    watch.setDaemon(true);
    watch.start();
  }

  private boolean work() {
    try {
      UnlearnReport report = run(files.job());
      files.writeReport(report);
      send(WorkerEvent.newBuilder().setReport(report));
      send(WorkerEvent.newBuilder().setDone(WorkerDone.getDefaultInstance()));
      return true;
    } catch (IOException | RuntimeException e) {
      LOG.error("the job failed", e);
      send(WorkerEvent.newBuilder().setFailure(WorkerFailure.newBuilder().setMessage(String.valueOf(e.getMessage()))));
      return false;
    }
  }

  private UnlearnReport run(WorkerJob job) throws IOException {
    Bundle base = Bundle.open(Path.of(job.getBaseBundle()));
    ImageDataset unlearned = files.unlearn(base.card(), job.getUnlearnLabelsList());
    ImageDataset uploaded = files.learn(base.card(), job.getLearnLabelsList());
    ImageDataset learned = uploaded.size() > 0 ? uploaded : fromDataset(job, unlearned);
    ImageDataset tests = job.getData().isEmpty() ? learned : Datasets.open(Path.of(job.getData()), Split.TEST);
    UnlearnSpec spec = job.getSpec();
    CascadeOptions options = options(spec);
    UnlearningJob unlearning = new UnlearningJob(base, job.getNewVersion(), unlearned, learned, tests,
        substitute(spec.getSubstitute()), options, files.directory(),
        ExecutionDevice.parse(System.getProperty("lethe.device", "cpu")), threads());
    return report(job, unlearned.size(), options, unlearning.run(this::progress));
  }

  private static int threads() {
    int cores = Runtime.getRuntime().availableProcessors();
    return Integer.getInteger("lethe.threads", Math.max(1, cores - 1));
  }

  private static CascadeOptions options(UnlearnSpec spec) {
    return new CascadeOptions(spec.hasIterations() ? spec.getIterations() : 50, spec.hasBatch() ? spec.getBatch() : 32,
        spec.hasLearningRate() ? spec.getLearningRate() : 0.02, GENERATOR_RATE, DISCRIMINATOR_STEPS,
        spec.hasLambda1() ? spec.getLambda1() : 1, spec.hasLambda2() ? spec.getLambda2() : 0.1,
        spec.hasFakeLabel() ? spec.getFakeLabel() : -1, spec.getSeed());
  }

  private static Substitute substitute(SubstituteKind kind) {
    return switch (kind) {
      case SUBSTITUTE_KIND_UNSPECIFIED, SUBSTITUTE_KIND_AVERAGE -> new AverageSubstitute();
      case UNRECOGNIZED -> throw new IllegalArgumentException("this worker does not know substitute " + kind);
    };
  }

  /** Learning images of the data set that the server was told of, without those to unlearn. */
  private static ImageDataset fromDataset(WorkerJob job, ImageDataset unlearned) throws IOException {
    if (job.getData().isEmpty()) {
      throw new IllegalArgumentException("few-shot unlearning needs learning images: send some, or start the server "
          + "with --data");
    }
    ImageDataset all = Datasets.open(Path.of(job.getData()), Split.TRAIN);
    SplittableRandom random = new SplittableRandom(job.getSpec().getSeed());
    int[] chosen = random.ints(0, all.size()).distinct().filter(i -> !contains(unlearned, all.pixels(i)))
        .limit(Math.min(MAX_LEARNING_IMAGES, all.size() - unlearned.size())).toArray();
    return all.subset(chosen);
  }

  private static boolean contains(ImageDataset images, byte[] pixels) {
    for (int i = 0; i < images.size(); i++) {
      if (Arrays.equals(images.pixels(i), pixels)) {
        return true;
      }
    }
    return false;
  }

  private void progress(String stage, int step, int steps, double fraction, Map<String, Double> values) {
    Progress.Builder progress = Progress.newBuilder().setStage(stage).setStep(step).setSteps(steps)
        .setFraction(fraction).putAllValues(values);
    double elapsed = (System.nanoTime() - started) / 1e9;
    if (fraction > 0.02) {
      progress.setSecondsLeft(elapsed * (1 - fraction) / fraction);
    }
    send(WorkerEvent.newBuilder().setProgress(progress));
  }

  private static UnlearnReport report(WorkerJob job, int images, CascadeOptions options, UnlearningJob.Report r) {
    UnlearnReport.Builder report = UnlearnReport.newBuilder()
        .setJobId(job.getJobId())
        .setKind("item").setMode("few-shot").setSubstitute("average")
        .setFakeLabel(options.fakeLabel())
        .setImages(images)
        .setSeconds(r.seconds())
        .setAucLu(beforeAfter(r.aucLuBefore(), r.aucLuAfter()))
        .setFidL(beforeAfter(r.fidLBefore(), r.fidLAfter()))
        .setFidU(beforeAfter(r.fidUBefore(), r.fidUAfter()))
        .setReinversionMse(ReinversionMse.newBuilder().setUnlearnedBefore(r.reinversionBefore())
            .setUnlearnedAfter(r.reinversionAfter()).setNeverSeen(r.neverSeen()))
        .setBaseVersion(baseVersion(job))
        .setNewVersion(job.getNewVersion());
    if (!Double.isNaN(r.accBefore())) {
      report.setAcc(beforeAfter(r.accBefore(), r.accAfter()));
    }
    if (!Double.isNaN(r.retrainSeconds())) {
      report.setRetrainSeconds(r.retrainSeconds()).setSpeedup(r.retrainSeconds() / r.seconds());
    }
    return report.build();
  }

  private static String baseVersion(WorkerJob job) {
    return Path.of(job.getBaseBundle()).getFileName().toString();
  }

  private static BeforeAfter beforeAfter(double before, double after) {
    return BeforeAfter.newBuilder().setBefore(before).setAfter(after).build();
  }

  private void send(WorkerEvent.Builder event) {
    try {
      events.println(JsonFormat.printer().omittingInsignificantWhitespace().print(event));
    } catch (InvalidProtocolBufferException e) {
      throw new IllegalStateException("an event that has no JSON form", e);
    }
  }
}
