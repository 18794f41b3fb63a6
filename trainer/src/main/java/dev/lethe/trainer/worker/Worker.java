package dev.lethe.trainer.worker;

import com.google.protobuf.InvalidProtocolBufferException;
import com.google.protobuf.util.JsonFormat;
import dev.lethe.job.JobContract;
import dev.lethe.models.bundle.Bundle;
import dev.lethe.models.runtime.Compute;
import dev.lethe.models.runtime.ExecutionDevice;
import dev.lethe.models.runtime.NativeRuntime;
import dev.lethe.trainer.resume.ResumePoints;
import dev.lethe.trainer.unlearning.JobImages;
import dev.lethe.trainer.unlearning.UnlearningJob;
import dev.lethe.v1.Progress;
import dev.lethe.v1.UnlearnReport;
import dev.lethe.v1.UnlearnSpec;
import dev.lethe.v1.WorkerDone;
import dev.lethe.v1.WorkerEvent;
import dev.lethe.v1.WorkerFailure;
import dev.lethe.v1.WorkerJob;
import dev.lethe.v1.WorkerTask;
import java.io.FileDescriptor;
import java.io.FileOutputStream;
import java.io.IOException;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.Map;
import java.util.Set;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The training worker: a process that carries out the one job in its directory and says on standard output how it goes,
 * as {@code worker.proto} describes. It runs on the device that the environment's {@value #DEVICE_VARIABLE} names, as
 * {@link ExecutionDevice#parse} reads it (default {@code cpu}), and on as many threads as the system property {@code
 * lethe.threads} says (default: all cores but one, for the server beside it). The property {@code lethe.learner} says
 * what it trains with ({@link dev.lethe.trainer.session.LearnerKind}).
 */
public final class Worker {

  /** Environment variable, which the server sets. */
  private static final String DEVICE_VARIABLE = "LETHE_WORKER_DEVICE";

  private static final Logger LOG = LoggerFactory.getLogger(Worker.class);

  private final JobFiles files;
  private final PrintStream events;
  private final TimeLeft left = new TimeLeft(System.nanoTime());
  private final WorkerOptions options;

  private Worker(JobFiles files, PrintStream events, WorkerOptions options) {
    this.files = files;
    this.events = events;
    this.options = options;
  }

  public static void main(String[] arguments) {
    run(arguments, WorkerOptions.USUAL);
  }

  /** Carries out the job in the directory that the one argument names, and ends the process. */
  static void run(String[] arguments, WorkerOptions options) {
    // Standard output carries events alone; whatever else prints goes to the log.
    PrintStream events = new PrintStream(new FileOutputStream(FileDescriptor.out), true, StandardCharsets.UTF_8);
    System.setOut(System.err);
    if (arguments.length != 1) {
      System.err.println("usage: worker JOB_DIRECTORY");
      System.exit(2);
    }
    endWithTheServer();
    Worker worker = new Worker(JobFiles.of(Path.of(arguments[0]).toAbsolutePath(),
        System.getenv(JobContract.KEY_VARIABLE)), events,
        options);
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
      WorkerJob job = files.job();
      if (job.getTask() == WorkerTask.WORKER_TASK_INSPECT || job.getTask() == WorkerTask.WORKER_TASK_PROJECT) {
        send(new Studies(job, files, files.directory(), compute()).run(this::progress));
      } else {
        UnlearnReport report = run(job);
        files.writeReport(report);
        send(WorkerEvent.newBuilder().setReport(report));
      }
      send(WorkerEvent.newBuilder().setDone(WorkerDone.getDefaultInstance()));
      return true;
    } catch (IOException | RuntimeException e) {
      LOG.error("the job failed", e);
      send(WorkerEvent.newBuilder().setFailure(WorkerFailure.newBuilder().setMessage(String.valueOf(e.getMessage()))));
      return false;
    }
  }

  private UnlearnReport run(WorkerJob job) throws IOException {
    Bundle base = Bundle.open(JobFiles.local(job.getBaseBundle()));
    UnlearnSpec spec = job.getSpec();
    JobImages images = new Images(job, files, base.card()).read();
    Bundle root = job.getRootBundle().isEmpty() ? base : Bundle.open(JobFiles.local(job.getRootBundle()));
    UnlearningJob unlearning = new UnlearningJob(root, base, job.getNewVersion(),
        Requests.of(spec, Set.copyOf(job.getClassesList()), job.getUnlearnNamesList()), images,
        options.search(), options.measuring(), options.audit(), resume(), files.directory(), compute());
    return Reports.of(job, unlearning.run(this::progress));
  }

  private ResumePoints resume() throws IOException {
    return ResumePoints.in(files.directory().resolve(JobContract.CHECKPOINT), files.cipher(), files.jobDigest(),
        options.checkpoints());
  }

  private static Compute compute() {
    int cores = Runtime.getRuntime().availableProcessors();
    return new Compute(
        NativeRuntime.load().usable(ExecutionDevice.parse(System.getenv().getOrDefault(DEVICE_VARIABLE, "cpu"))),
        Integer.getInteger("lethe.threads", Math.max(1, cores - 1)));
  }

  private void progress(String stage, int step, int steps, double fraction, Map<String, Double> values) {
    Progress.Builder progress = Progress.newBuilder().setStage(stage).setStep(step).setSteps(steps)
        .setFraction(fraction).putAllValues(values);
    left.seconds(fraction, System.nanoTime()).ifPresent(progress::setSecondsLeft);
    send(WorkerEvent.newBuilder().setProgress(progress));
  }

  private void send(WorkerEvent.Builder event) {
    try {
      events.println(JsonFormat.printer().omittingInsignificantWhitespace().print(event));
    } catch (InvalidProtocolBufferException e) {
      throw new IllegalStateException("an event that has no JSON form", e);
    }
  }
}
