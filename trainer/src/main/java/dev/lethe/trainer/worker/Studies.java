package dev.lethe.trainer.worker;

import dev.lethe.job.JobContract;
import dev.lethe.models.bundle.Bundle;
import dev.lethe.models.graph.Tensor;
import dev.lethe.models.image.ImageEncoder;
import dev.lethe.models.runtime.Compute;
import dev.lethe.trainer.audit.AuditOptions;
import dev.lethe.trainer.data.ImageDataset;
import dev.lethe.trainer.inspection.Inspector;
import dev.lethe.trainer.inspection.Projector;
import dev.lethe.trainer.inversion.LatentSpace;
import dev.lethe.trainer.model.ModelWeights;
import dev.lethe.trainer.redaction.RedactionOptions;
import dev.lethe.trainer.unlearning.MemoryNeed;
import dev.lethe.v1.InspectedImage;
import dev.lethe.v1.Inspection;
import dev.lethe.v1.ProjectRequest;
import dev.lethe.v1.Projection;
import dev.lethe.v1.ProjectionSpace;
import dev.lethe.v1.Recipe;
import dev.lethe.v1.Vector;
import dev.lethe.v1.WorkerEvent;
import dev.lethe.v1.WorkerJob;
import java.io.IOException;
import java.nio.file.Path;
import java.util.Map;
import java.util.Optional;

/** The tasks that change nothing: inspection and projection. */
record Studies(WorkerJob job, JobFiles files, Path directory, Compute compute) {

  /** Told how far a study is. */
  interface Progress {
    void tell(String stage, int step, int steps, double fraction, Map<String, Double> values);
  }

  private static final int PERCENT = 100;

  WorkerEvent.Builder run(Progress progress) throws IOException {
    Bundle base = Bundle.open(JobFiles.local(job.getBaseBundle()));
    ModelWeights model = ModelWeights.read(base);
    return switch (job.getTask()) {
      case WORKER_TASK_INSPECT -> WorkerEvent.newBuilder().setInspection(inspect(base, model, progress));
      case WORKER_TASK_PROJECT -> WorkerEvent.newBuilder().setProjection(project(base, model, progress));
      case WORKER_TASK_UNSPECIFIED, WORKER_TASK_UNLEARN, UNRECOGNIZED ->
          throw new IllegalArgumentException("task " + job.getTask() + " is no study");
    };
  }

  private Inspection inspect(Bundle base, ModelWeights model, Progress progress) throws IOException {
    ImageDataset images = files.unlearn(base.card(), job);
    Optional<ImageDataset> neverSeen =
        job.getData().isEmpty() ? Optional.empty() : new Images(job, files, base.card()).neverSeen();
    Inspector.Findings found = new Inspector(model, directory.resolve("session"), compute, job.getSpec().getSeed())
        .inspect(images, neverSeen, share -> progress.tell("inspection", (int) (PERCENT * share), PERCENT, share,
            Map.of()));
    Inspection.Builder inspection = Inspection.newBuilder().setModel(base.card().name())
        .setVersion(base.card().version()).addAllPreparations(job.getPreparationsList())
        .setGeneratedError(found.generatedError()).setGenerated(found.generated()).setNeverSeen(found.neverSeen())
        .setJobSeconds(imageSteps(images.size(), found.neverSeen() > 0) * found.secondsPerStep())
            .addAllNotes(found.notes());
    found.neverSeenError().ifPresent(inspection::setNeverSeenError);
    model.featuresInstead().ifPresent(inspection::addNotes);
    if (job.getSpec().getRecipe() != Recipe.RECIPE_PAPER && compute.onCpu()) {
      MemoryNeed need = MemoryNeed.of(model.config(), Requests.redaction(job.getSpec(), RedactionOptions.ITEMS));
      inspection.addNotes(need.sentence() + (need.bytes() > MemoryNeed.ofThisMachine()
          ? ", more than there is: it would be refused; a lower batch takes less" : ""));
    }
    for (int i = 0; i < found.images().size(); i++) {
      Inspector.Image image = found.images().get(i);
      InspectedImage.Builder written = InspectedImage.newBuilder()
          .setName(i < job.getUnlearnNamesCount() ? job.getUnlearnNames(i) : "images[" + i + "]")
          .setError(image.error()).setRank(image.rank()).setFinding(image.finding());
      image.judgement().ifPresent(written::setJudgement);
      image.judgementRank().ifPresent(written::setJudgementRank);
      inspection.addImages(written);
    }
    return inspection.build();
  }

  /**
   * Gradient steps of images that a job of single images takes at most: its searches, its redaction, and its audit,
   * which attacks both models.
   */
  private double imageSteps(int images, boolean neverSeen) {
    RedactionOptions redaction = Requests.redaction(job.getSpec(), RedactionOptions.ITEMS).forImages(images);
    AuditOptions audit = AuditOptions.QUICK;
    double searches = images * (32.0 + 48) + Math.max(4 * images, 256) * 24.0 + 384 * 24.0;
    double steps = (double) redaction.steps() * (redaction.moving() + redaction.anchors() + redaction.random());
    double attacked = 2.0 * images + audit.staying() + (neverSeen ? 2.0 * audit.neverSeen() : 0);
    return searches + steps + attacked * audit.steps();
  }

  private Projection project(Bundle base, ModelWeights model, Progress progress) throws IOException {
    ProjectRequest how = job.getProjection();
    Tensor image = files.unlearn(base.card(), job).images();
    int label = job.getUnlearnLabelsCount() > 0 ? job.getUnlearnLabels(0) : 0;
    Projector projector = new Projector(model, directory.resolve("session"), compute);
    Projector.Projection found = projector.project(image, label,
        how.getSpace() == ProjectionSpace.PROJECTION_SPACE_W_PLUS ? LatentSpace.W_PLUS : LatentSpace.W, how.getSteps(),
        Integer.toUnsignedLong(how.getSeed()), (step, steps, error) ->
            progress.tell("projection", step, steps, step / (double) steps, Map.of("mse", error)));
    int channels = model.config().channels();
    int resolution = model.config().resolution();
    files.write(JobContract.LATENTS, projector.npz(found));
    files.write(JobContract.PROJECTION, ImageEncoder.png(found.drawn(), channels, resolution, resolution));
    files.write(JobContract.SIDE_BY_SIDE, projector.sideBySide(found));
    Vector.Builder w = Vector.newBuilder();
    for (float value : found.w().data()) {
      w.addValues(value);
    }
    return Projection.newBuilder().setModel(base.card().name()).setVersion(base.card().version()).setW(w)
        .setError(found.error()).setPreparation(String.join("; ", job.getPreparationsList())).build();
  }
}
