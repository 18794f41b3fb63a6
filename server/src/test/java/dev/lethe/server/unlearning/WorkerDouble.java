package dev.lethe.server.unlearning;

import com.google.protobuf.util.JsonFormat;
import dev.lethe.models.bundle.Bundle;
import dev.lethe.models.bundle.ModelCard;
import dev.lethe.models.encryption.FileCipher;
import dev.lethe.server.TinyBundles;
import dev.lethe.v1.BeforeAfter;
import dev.lethe.v1.ImageFinding;
import dev.lethe.v1.Progress;
import dev.lethe.v1.UnlearnReport;
import dev.lethe.v1.WorkerDone;
import dev.lethe.v1.WorkerEvent;
import dev.lethe.v1.WorkerFailure;
import dev.lethe.v1.WorkerJob;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.net.URI;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.HexFormat;
import java.util.List;
import java.util.Map;

/**
 * Speaks the worker's protocol without training: the base's graphs under a new card are its candidate. The seed of the
 * job's specification chooses how it behaves.
 */
public final class WorkerDouble {

  static final long CRASHES = 1;
  static final long REPORTS_FAILURE = 2;
  static final long WAITS = 3;
  static final long LEAVES_DAMAGED_CANDIDATE = 4;
  static final long ENDS_WITHOUT_DONE = 5;
  static final long IGNORES_SIGTERM = 6;
  static final long CHATTERS = 7;
  static final long DOES_NOT_FORGET = 8;
  static final long WAITS_ONCE = 9;
  static final long CRASHES_ONCE = 10;
  static final long LEAVES_SLOW_CANDIDATE = 11;
  static final long REDACTS_THE_FIRST_ALONE = 12;
  static final long REPORTS_FAILURE_OF_AN_IMAGE = 13;
  public static final long LEAVES_OUT_THE_FIRST = 14;

  /** What a real worker finds in a model of an image. */
  static final byte[] LATENTS = "the latents of somebody's face, found in a model".getBytes(StandardCharsets.UTF_8);

  private WorkerDouble() {}

  public static void main(String[] arguments) throws Exception {
    Path directory = Path.of(arguments[0]);
    WorkerJob.Builder job = WorkerJob.newBuilder();
    JsonFormat.parser().merge(Files.readString(directory.resolve("job.json")), job);
    long behaviour = job.getSpec().getSeed();
    if (behaviour == IGNORES_SIGTERM) {
      Runtime.getRuntime().addShutdownHook(new Thread(WorkerDouble::sleep));
    }
    say(WorkerEvent.newBuilder().setProgress(Progress.newBuilder()
        .setStage("unlearning").setStep(1).setSteps(2).setFraction(0.5).setSecondsLeft(1).putValues("loss_g", 0.25)));
    Files.write(Files.createDirectories(directory.resolve("session")).resolve("latents"), LATENTS);
    // A file of the worker's own tells whether it has been here before.
    boolean fresh = !Files.exists(directory.resolve("been"));
    Files.writeString(directory.resolve("been"), "");
    if (fresh && behaviour == WAITS_ONCE) {
      sleep();
    } else if (fresh && behaviour == CRASHES_ONCE) {
      Runtime.getRuntime().halt(134);
    } else if (behaviour == WAITS || behaviour == IGNORES_SIGTERM) {
      sleep();
    } else if (behaviour == CRASHES) {
      System.err.println("there was no memory left for a tensor");
      Runtime.getRuntime().halt(134);
    } else if (behaviour == REPORTS_FAILURE) {
      say(WorkerEvent.newBuilder().setFailure(WorkerFailure.newBuilder().setMessage("the loss is not a number")));
      System.exit(1);
    } else if (behaviour == REPORTS_FAILURE_OF_AN_IMAGE) {
      say(WorkerEvent.newBuilder().setFailure(WorkerFailure.newBuilder().setMessage(job.getUnlearnNames(0)
          + ": is too dark")));
      System.exit(1);
    } else if (behaviour == CHATTERS) {
      System.out.println("a native library has something to say");
    }
    if (behaviour == LEAVES_SLOW_CANDIDATE) {
      TinyBundles.slow(directory.resolve("candidate"), job.getNewVersion(),
          Bundle.open(Path.of(URI.create(job.getBaseBundle()))).card().version());
    } else {
      candidate(job, directory, behaviour == LEAVES_DAMAGED_CANDIDATE);
    }
    UnlearnReport.Builder verdict = behaviour == DOES_NOT_FORGET
        ? UnlearnReport.newBuilder().setVerdict("not forgotten").addReasons("the images are still drawn")
        : UnlearnReport.newBuilder().setVerdict("forgotten").addFindings("the images are drawn no more");
    for (int i = 0; i < job.getUnlearnIndicesCount(); i++) {
      verdict.addImageFindings(ImageFinding.newBuilder().setWay(1 - i / 100.0)
          .setNearerToSubstitute(i == 0 || behaviour != REDACTS_THE_FIRST_ALONE));
    }
    int leftOut = behaviour == LEAVES_OUT_THE_FIRST ? 1 : 0;
    say(WorkerEvent.newBuilder().setReport(verdict
        .setJobId(job.getJobId())
        .addAllSkippedImages(job.getUnlearnIndicesList().subList(0, leftOut))
        .setImages(job.getUnlearnLabelsCount() - leftOut)
        .setAucLu(BeforeAfter.newBuilder().setBefore(0.5).setAfter(0.93))
        .setFidL(BeforeAfter.newBuilder().setBefore(10).setAfter(11))));
    Path first = directory.resolve("unlearn/0000.png.sealed");
    if (Files.exists(first)) {
      byte[] png = new FileCipher(HexFormat.of().parseHex(System.getenv("LETHE_WORKER_KEY")))
          .open("unlearn/0000.png", Files.readAllBytes(first));
      Files.write(directory.resolve("before_after.png"), png);
    }
    if (behaviour != ENDS_WITHOUT_DONE) {
      say(WorkerEvent.newBuilder().setDone(WorkerDone.getDefaultInstance()));
    }
  }

  private static void candidate(WorkerJob.Builder job, Path directory, boolean damaged) throws IOException {
    Bundle base = Bundle.open(Path.of(URI.create(job.getBaseBundle())));
    ModelCard old = base.card();
    Map<String, String> unlearned = new HashMap<>(old.unlearnedLabels());
    job.getClassesList().forEach(index -> unlearned.put(old.labels().get(index), job.getNewVersion()));
    Path candidate = Files.createDirectories(directory.resolve("candidate"));
    for (String file : List.of(Bundle.MAPPING, Bundle.SYNTHESIS, Bundle.DISCRIMINATOR, Bundle.FEATURES)) {
      Files.copy(base.directory().resolve(file), candidate.resolve(file));
    }
    Bundle.seal(candidate, new ModelCard(old.formatVersion(), old.name(), job.getNewVersion(), old.version(),
        old.architecture(), old.network(), old.labels(), unlearned, old.w(), old.training(), old.quality(),
        old.sha256()));
    if (damaged) {
      byte[] graph = Files.readAllBytes(candidate.resolve(Bundle.SYNTHESIS));
      graph[graph.length / 2] ^= 1;
      Files.write(candidate.resolve(Bundle.SYNTHESIS), graph);
    }
  }

  private static void say(WorkerEvent.Builder event) throws IOException {
    System.out.println(JsonFormat.printer().omittingInsignificantWhitespace().print(event));
  }

  private static void sleep() {
    try {
      Thread.sleep(60_000);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }
}
