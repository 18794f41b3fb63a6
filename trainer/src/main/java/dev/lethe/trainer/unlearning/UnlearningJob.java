package dev.lethe.trainer.unlearning;

import dev.lethe.models.bundle.Bundle;
import dev.lethe.models.bundle.ModelCard;
import dev.lethe.models.bundle.ModelCard.WStatistics;
import dev.lethe.models.graph.Tensor;
import dev.lethe.models.image.ImageGrid;
import dev.lethe.models.runtime.ExecutionDevice;
import dev.lethe.models.stylegan2.StyleGan2Bundle;
import dev.lethe.trainer.data.ImageDataset;
import dev.lethe.trainer.inversion.Inversion;
import dev.lethe.trainer.inversion.InversionOptions;
import dev.lethe.trainer.sampling.LatentStatistics;
import dev.lethe.trainer.sampling.Sampler;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.stream.IntStream;

/**
 * Takes images out of a model, from the original's bundle to a candidate's: inversion, substitutes, cascade, measures,
 * export (arXiv 2308.09881).
 *
 * @param base the original
 * @param newVersion version of the candidate
 * @param unlearned images to unlearn
 * @param learned learning images, of the few-shot mode
 * @param tests real images that training never saw; where there are none, pass {@code learned}
 * @param substitute how substitutes are chosen
 * @param directory for the candidate ({@code candidate/}), {@code before_after.png} and temporary files
 */
public record UnlearningJob(Bundle base, String newVersion, ImageDataset unlearned, ImageDataset learned,
    ImageDataset tests, Substitute substitute, CascadeOptions options, Path directory, ExecutionDevice device,
    int threads) {

  private static final int TEACHER_IMAGES = 1024;
  private static final int SAMPLES = 2000;
  private static final int CLASSIFIER_IMAGES = 3000;
  private static final int PICTURES = 16;

  /** The parts of a job, with the share of its time that each takes about. */
  private enum Stage {
    INVERSION(0.15), UNLEARNING(0.30), EXPORT(0.02), REINVERSION(0.28), MEASURING(0.20), RETRAINING(0.05);

    final double share;

    Stage(double share) {
      this.share = share;
    }

    double start() {
      return Arrays.stream(values()).filter(s -> s.ordinal() < ordinal()).mapToDouble(s -> s.share).sum();
    }
  }

  /**
   * What a job found.
   *
   * @param seconds of inversion, substitutes and cascade: what replaces retraining
   * @param retrainSeconds see {@link RetrainingCost}; NaN when the card does not say how the base was trained
   * @param neverSeen mean error of inverting images that the model never saw in the candidate
   */
  public record Report(double seconds, double retrainSeconds, double aucLuBefore, double aucLuAfter, double fidLBefore,
      double fidLAfter, double fidUBefore, double fidUAfter, double accBefore, double accAfter,
      double reinversionBefore, double reinversionAfter, double neverSeen) {}

  /**
   * Runs the job.
   *
   * @throws DivergedException if a loss is not finite
   */
  public Report run(ProgressListener listener) throws IOException {
    Files.createDirectories(directory);
    ModelWeights original = ModelWeights.read(base);
    long started = System.nanoTime();

    Inversion.Result inverted = invert(original, unlearned, Stage.INVERSION, 0, 1, listener);
    Tensor substitutes;
    Tensor reconstructions;
    try (Sampler sampler = Sampler.open(original.config(), original.weights(), device, threads)) {
      Tensor w = substitute.latents(inverted.w(), labels(unlearned), base.card().w());
      substitutes = sampler.images(w);
      reconstructions = sampler.images(inverted.w());
    }
    ModelWeights candidate = original.with(cascade(original, inverted.w(), substitutes, listener));
    double seconds = (System.nanoTime() - started) / 1e9;

    tell(listener, Stage.EXPORT, 0, 1, Map.of());
    export(candidate);
    writePictures(candidate, inverted.w(), reconstructions);

    Inversion.Result again = invert(candidate, unlearned, Stage.REINVERSION, 0, 2, listener);
    ImageDataset strangers = tests.subset(sameClasses(tests));
    Inversion.Result unseen = invert(candidate, strangers, Stage.REINVERSION, 1, 2, listener);

    Measurements measurements = new Measurements(unlearned, learned, tests, SAMPLES, CLASSIFIER_IMAGES, options.seed(),
        device, threads);
    tell(listener, Stage.MEASURING, 0, 2, Map.of());
    Measurements.Values before = measurements.of(original, directory.resolve("session"));
    tell(listener, Stage.MEASURING, 1, 2, Map.of("auc_lu_before", before.aucLu(), "fid_l_before", before.fidL()));
    Measurements.Values after = measurements.of(candidate, directory.resolve("session"));
    tell(listener, Stage.RETRAINING, 0, 1, Map.of("auc_lu_after", after.aucLu(), "fid_l_after", after.fidL()));
    ModelCard.Training training = base.card().training();
    double retraining = training == null ? Double.NaN
        : RetrainingCost.seconds(original, training, learned, directory.resolve("retraining"), device, threads);
    return new Report(seconds, retraining, before.aucLu(), after.aucLu(), before.fidL(), after.fidL(), before.fidU(),
        after.fidU(), before.accuracy(), after.accuracy(), inverted.meanError(), again.meanError(),
        unseen.meanError());
  }

  private Inversion.Result invert(ModelWeights model, ImageDataset images, Stage stage, int part, int parts,
      ProgressListener listener) throws IOException {
    InversionOptions how = InversionOptions.DEFAULT;
    Inversion inversion = new Inversion(model.config(), model.weights(), model.features(), how, device, threads);
    return inversion.invert(images.images(all(images)), labels(images), directory.resolve("session"), options.seed(),
        (step, steps, error) -> tell(listener, stage, part * steps + step, parts * steps, Map.of("mse", error)));
  }

  private Map<String, Tensor> cascade(ModelWeights original, Tensor latents, Tensor substitutes,
      ProgressListener listener) throws IOException {
    Teacher teacher = Teacher.of(original, teacherLabels(original), options.seed(), device, threads);
    LearningPhase learning;
    Activations seen;
    try (Activations.Stem stem = Activations.Stem.open(original.config(), original.weights(), device, threads)) {
      seen = stem.of(unlearned.images(all(unlearned)), labels(unlearned));
      learning = new FewShotPhase(original.config(), options.batch(),
          stem.of(learned.images(all(learned)), labels(learned)), stem.of(teacher.images(), teacher.labels()),
          options.seed());
    }
    try (Cascade cascade = new Cascade(options,
        GeneratorUnlearning.open(original, options, latents, substitutes, teacher, directory.resolve("generator"),
            device, threads),
        DiscriminatorUnlearning.open(original.config(), original.weights(), options, seen, learning,
            directory.resolve("discriminator"), device, threads))) {
      for (int i = 1; i <= options.iterations(); i++) {
        Cascade.Losses losses = cascade.iterate();
        if (!losses.finite()) {
          throw new DivergedException(i, losses);
        }
        tell(listener, Stage.UNLEARNING, i, options.iterations(), Map.of(
            "unlearn_g_loss", losses.unlearnGenerator(), "learn_g_loss", losses.learnGenerator(),
            "unlearn_d_loss", losses.unlearnDiscriminator(), "learn_d_loss", losses.learnDiscriminator()));
      }
      return cascade.weights();
    }
  }

  /** As many of each class. */
  private static int[] teacherLabels(ModelWeights model) {
    int classes = Math.max(1, model.config().classes());
    return IntStream.range(0, TEACHER_IMAGES).map(i -> i % classes).toArray();
  }

  private void export(ModelWeights candidate) throws IOException {
    ModelCard card = base.card();
    Map<String, Tensor> weights = new HashMap<>(candidate.weights());
    WStatistics w;
    try (Sampler sampler = Sampler.open(candidate.config(), weights, device, threads)) {
      w = LatentStatistics.measure(candidate.config(), sampler);
    }
    weights.put("G.mapping.w_avg", Tensor.of(w.avg(), w.avg().length));
    weights.keySet().removeIf(name -> name.startsWith("F."));
    StyleGan2Bundle.write(directory.resolve("candidate"), new ModelCard(ModelCard.FORMAT_VERSION, card.name(),
        newVersion, card.version(), card.architecture(), card.network(), card.labels(), card.unlearnedLabels(), w,
        card.training(), null, Map.of()), weights, base.features());
  }

  /** Three rows: the images, their reconstructions by the original, and what the candidate makes of the same latents. */
  private void writePictures(ModelWeights candidate, Tensor latents, Tensor reconstructions) throws IOException {
    int columns = Math.min(PICTURES, unlearned.size());
    ImageGrid grid = new ImageGrid(3, columns, unlearned.channels(), unlearned.resolution(),
        Math.max(1, 64 / unlearned.resolution()), 2);
    try (Sampler sampler = Sampler.open(candidate.config(), candidate.weights(), device, threads)) {
      List<Tensor> rows =
          List.of(unlearned.images(all(unlearned)), reconstructions, sampler.images(latents));
      for (int row = 0; row < rows.size(); row++) {
        float[] data = rows.get(row).data();
        int size = unlearned.imageSize();
        for (int i = 0; i < columns; i++) {
          grid.set(row, i, Arrays.copyOfRange(data, i * size, (i + 1) * size));
        }
      }
    }
    Files.write(directory.resolve("before_after.png"), grid.png());
  }

  /** As many test images as there are unlearned ones, of the same classes where there are enough. */
  private int[] sameClasses(ImageDataset of) {
    List<Integer> chosen = new ArrayList<>();
    boolean[] taken = new boolean[of.size()];
    for (int i = 0; i < unlearned.size(); i++) {
      int label = unlearned.label(i);
      IntStream.range(0, of.size()).filter(k -> !taken[k] && of.label(k) == label).findFirst().ifPresent(k -> {
        taken[k] = true;
        chosen.add(k);
      });
    }
    if (chosen.isEmpty()) {
      chosen.add(0);
    }
    return chosen.stream().mapToInt(Integer::intValue).toArray();
  }

  private static int[] all(ImageDataset images) {
    return IntStream.range(0, images.size()).toArray();
  }

  private static int[] labels(ImageDataset images) {
    return IntStream.range(0, images.size()).map(images::label).toArray();
  }

  private static void tell(ProgressListener listener, Stage stage, int step, int steps, Map<String, Double> values) {
    listener.progress(stage.name().toLowerCase(Locale.ROOT), step, steps,
        Math.min(1, stage.start() + stage.share * step / steps), values);
  }

  /** The cascade's losses are not finite. */
  public static final class DivergedException extends RuntimeException {
    DivergedException(int iteration, Cascade.Losses losses) {
      super("unlearning diverged in iteration " + iteration + " (" + losses + "); lower learning_rate or lambda1");
    }
  }
}
