package dev.lethe.trainer.inspection;

import dev.lethe.models.architecture.Networks;
import dev.lethe.models.graph.Tensor;
import dev.lethe.models.image.ImageGrid;
import dev.lethe.models.runtime.Compute;
import dev.lethe.trainer.inversion.Inversion;
import dev.lethe.trainer.inversion.InversionOptions;
import dev.lethe.trainer.inversion.LatentSpace;
import dev.lethe.trainer.model.ModelWeights;
import dev.lethe.trainer.sampling.Sampler;
import java.io.IOException;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.stream.IntStream;

/**
 * Looks for the latents at which a model draws what is nearest to an image, from several starting points.
 *
 * @param directory for a training session's files
 */
public record Projector(ModelWeights model, Path directory, Compute compute) {

  private static final int STARTS = 256;
  private static final int RESTARTS = 3;
  private static final double LEARNING_RATE = 0.1;
  private static final double PERCEPTUAL_WEIGHT = 0.1;
  private static final int LEAST_SIDE = 256;

  /**
   * What was found.
   *
   * @param w [w_dim] in W, [num_ws, w_dim] in W+
   * @param error mean squared error, pixels being from -1 to 1
   * @param target the image, [C, H, W]
   * @param drawn what the model draws at w, [C, H, W]
   */
  public record Projection(Tensor w, double error, float[] target, float[] drawn) {}

  /**
   * Projects an image.
   *
   * @param image [1, C, H, W]
   * @param label its class; of an unconditional model it does not matter
   */
  public Projection project(Tensor image, int label, LatentSpace space, int steps, long seed,
      Inversion.Progress progress) throws IOException {
    InversionOptions options =
        new InversionOptions(space, STARTS, RESTARTS, steps, LEARNING_RATE, PERCEPTUAL_WEIGHT);
    Inversion.Result found = new Inversion(model, options, compute)
        .invert(image, new int[] {label}, directory, seed, progress);
    int best = IntStream.range(0, found.errors().length).boxed()
        .min((a, b) -> Double.compare(found.errors()[a], found.errors()[b])).orElseThrow();
    Tensor w = found.w().rows(best, best + 1);
    long[] shape = Arrays.copyOfRange(w.shape(), 1, w.shape().length);
    try (Sampler sampler = Sampler.open(model.config(), model.weights(), compute)) {
      return new Projection(Tensor.of(w.data(), shape), found.errors()[best], image.data(), sampler.images(w).data());
    }
  }

  /** The array of the reference's projector: {@code w}, [1, num_ws, w_dim]. */
  public byte[] npz(Projection projection) {
    Networks config = model.config();
    float[] w = projection.w().data();
    float[] every = new float[config.numWs() * config.wDim()];
    for (int at = 0; at < every.length; at += w.length) {
      System.arraycopy(w, 0, every, at, w.length);
    }
    return NumpyFile.npz("w", every, 1, config.numWs(), config.wDim());
  }

  /** The image and what the model draws, side by side, as PNG. */
  public byte[] sideBySide(Projection projection) {
    int resolution = model.config().resolution();
    ImageGrid grid = new ImageGrid(1, 2, model.config().channels(), resolution, Math.max(1, LEAST_SIDE / resolution),
        2);
    grid.set(0, 0, projection.target());
    grid.set(0, 1, projection.drawn());
    return grid.png();
  }
}
