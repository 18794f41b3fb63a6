package dev.lethe.trainer.unlearning;

import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.lethe.models.bundle.Bundle;
import dev.lethe.models.runtime.TestDevice;
import dev.lethe.trainer.TinyModel;
import dev.lethe.trainer.audit.AuditOptions;
import dev.lethe.trainer.audit.Verdict;
import dev.lethe.trainer.cascade.CascadeOptions;
import dev.lethe.trainer.discriminator.FakeLabel;
import dev.lethe.trainer.inversion.InversionOptions;
import dev.lethe.trainer.inversion.LatentSpace;
import dev.lethe.trainer.redaction.RedactionOptions;
import dev.lethe.trainer.resume.ResumePoints;
import dev.lethe.trainer.unlearning.UnlearningRequest.Items;
import dev.lethe.trainer.unlearning.UnlearningRequest.Subject;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.OptionalDouble;
import org.junit.jupiter.api.io.TempDir;

/** Whole jobs on a tiny model: what they write and report is looked at, not how good it is. */
abstract class JobFixture {

  static final Items ITEMS = new Items(OptionalDouble.empty(), false);

  static final InversionOptions SEARCH = new InversionOptions(LatentSpace.W, 4, 1, 4, 0.1, 0.1);
  private static final SearchOptions SEARCHES =
      new SearchOptions(new InversionOptions(LatentSpace.W, 8, 1, 4, 0.1, 0), 16, SEARCH, 8, 24, 512);

  @TempDir
  Path root;
  Path job;
  final List<String> stages = new ArrayList<>();

  Path job() {
    return job == null ? root.resolve("job") : job;
  }

  static UnlearningRequest.Recipe lethe(int steps, double rate) {
    return new UnlearningRequest.Lethe(new RedactionOptions(steps, 2 * steps, 4, 4, 4, rate, 0.5, 0.05,
        RedactionOptions.ALL_LAYERS));
  }

  static UnlearningRequest.Recipe paper(int iterations, double rate) {
    return new UnlearningRequest.Paper(new CascadeOptions(iterations, 4, rate, 1, 0.1, 0));
  }

  static UnlearningRequest request(Subject subject, UnlearningRequest.Recipe recipe, boolean zeroShot) {
    return new UnlearningRequest(subject, recipe, zeroShot, Optional.empty(), FakeLabel.Constant.DEFAULT, SEARCH,
        Optional.empty(), Verdict.Bounds.DEFAULT, 0);
  }

  static JobImages images(int classes, int n) {
    return new JobImages(TinyModel.unlearned(classes, n), TinyModel.learned(classes, 12),
        TinyModel.learned(classes, 12), Optional.of(TinyModel.learned(classes, 20)),
        Optional.of(TinyModel.learned(classes, 10)));
  }

  UnlearningReport run(Bundle base, UnlearningRequest request, JobImages images) throws IOException {
    double[] done = {0};
    return run(base, request, images, ResumePoints.none(), (stage, step, steps, fraction, values) -> {
      stages.add(stage);
      assertTrue(fraction >= done[0] && fraction <= 1,
          () -> fraction + " after " + done[0] + ": " + stage + ", step " + step + " of " + steps + ", " + values);
      done[0] = fraction;
    });
  }

  UnlearningReport run(Bundle base, UnlearningRequest request, JobImages images, ResumePoints resume,
      ProgressListener listener) throws IOException {
    return run(base, base, request, images, resume, listener);
  }

  UnlearningReport run(Bundle first, Bundle base, UnlearningRequest request, JobImages images,
      ResumePoints resume, ProgressListener listener) throws IOException {
    return new UnlearningJob(first, base, "v1-u1", request, images, SEARCHES, new MeasurementOptions(64, 32, 1, 24, 4),
        new AuditOptions(8, 2, 6, 6, false, 64, 0), resume, job(), TestDevice.compute()).run(listener);
  }

  Bundle candidate() throws IOException {
    Bundle candidate = Bundle.open(job().resolve("candidate"));
    candidate.verify();
    return candidate;
  }
}
